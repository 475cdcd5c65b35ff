import { createHash } from "node:crypto";

/** Kafka's id form (22 characters, URL-safe base64 without padding) of 16 bytes in plain base64. */
export function kafkaBase64Id(base64: string): string {
  const bytes = Buffer.from(base64, "base64");
  if (bytes.length !== 16) throw new Error(`a Kafka id has 16 bytes, not ${bytes.length}`);
  return bytes.toString("base64url");
}

/**
 * The id of a node's log directory: a random one of its own for each machine and disk that the node has ever
 * had, and the same again when it goes back to a former one.
 *
 * @param seed 16 random bytes in plain base64, made once for the node
 * @param madeFor the disk that the seed was made for: its id is the seed itself
 * @param disk what the node is on now, see `diskIdentity`
 */
export function directoryIdOf(seed: string, madeFor: string, disk: string): string {
  if (disk === madeFor) return kafkaBase64Id(seed);
  const bytes = createHash("sha256").update(Buffer.from(seed, "base64")).update(disk).digest();
  return kafkaBase64Id(bytes.subarray(0, 16).toString("base64"));
}

/** Tells disks apart: the machine's host key, and a count for those that had its disk replaced. */
export const diskIdentity = (hostKey: string, disk: number): string =>
  disk === 1 ? hostKey : `${hostKey} disk ${disk}`;
