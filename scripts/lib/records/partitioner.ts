import { loadClient } from "../../../provider/admin/kafka-link";

/** Java's `Utils.toPositive`: the sign is dropped, not turned. */
const POSITIVE = 0x7fffffff;

/** The partition of a key as every Java client chooses it, so that a key's records stay together. */
export async function partitionOfKey(key: Buffer, partitions: number): Promise<number> {
  const { murmur2 } = await loadClient();
  return (murmur2(key) & POSITIVE) % partitions;
}
