import { murmur2 } from "@platformatic/kafka";

/** Java's `Utils.toPositive`: the sign is dropped, not turned. */
const POSITIVE = 0x7fffffff;

/** The partition of a key as every Java client chooses it, so that a key's records stay together. */
export const partitionOfKey = (key: string, partitions: number): number =>
  (murmur2(Buffer.from(key)) & POSITIVE) % partitions;
