/** How far a broker has filled its replicas: an empty disk has all of them to copy. */
import type { KafkaAdmin, TopicPartitions } from "../admin/port";
import { outOfSync } from "./gates";

export interface Fill {
  /** Bytes that the broker has of the partitions that it is not in sync with. */
  readonly have: number;
  /** Bytes that their leaders have. */
  readonly want: number;
}

/**
 * @param adminOf speaks to one broker alone; undefined for one that is not known
 * @returns undefined where nothing is out of sync, or nobody says how much
 */
export async function replicaFill(
  nodeId: number,
  topics: readonly TopicPartitions[],
  adminOf: (nodeId: number) => KafkaAdmin | undefined,
): Promise<Fill | undefined> {
  const behind = outOfSync(nodeId, topics);
  if (behind.length === 0) return undefined;
  const ids = [...new Set([nodeId, ...behind.map(({ leader }) => leader)])];
  const sizes = new Map(
    await Promise.all(ids.map(async (id) => [id, await sizesOf(adminOf(id))] as const)),
  );
  const sum = (of: (one: (typeof behind)[number]) => number | undefined): number =>
    behind.reduce((total, one) => total + (of(one) ?? 0), 0);
  const want = sum(({ name, leader }) => sizes.get(leader)?.get(name));
  if (want === 0) return undefined;
  return { have: sum(({ name }) => sizes.get(nodeId)?.get(name)), want };
}

async function sizesOf(admin: KafkaAdmin | undefined): Promise<ReadonlyMap<string, number>> {
  if (admin === undefined) return new Map();
  try {
    return await admin.logSizes();
  } catch {
    // It is told for information; the wait itself asks and bounds on its own.
    return new Map();
  } finally {
    await admin.close();
  }
}

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];

/** `1.2 of 3.4 GiB`, both in the greater one's unit. */
export function fillText({ have, want }: Fill): string {
  const most = Math.max(have, want);
  const step = Math.min(Math.floor(Math.log2(Math.max(most, 1)) / 10), UNITS.length - 1);
  const shown = (bytes: number): string =>
    step === 0 ? String(bytes) : (bytes / 1024 ** step).toFixed(1);
  return `${shown(have)} of ${shown(want)} ${UNITS[step]}`;
}
