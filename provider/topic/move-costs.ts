/** What moves of replicas cost, for a preview: values in, text out. */
import type { PartitionState } from "../admin/port";
import { formatBytes, formatSeconds } from "./amounts";
import type { MovePlan, ReplicaMove } from "./assignment";
import { adding, inBatches, removing, sameSet } from "./assignment";

/** Bytes of each partition, by its leader's replica; without one, of the largest replica. */
export function partitionBytes(
  topic: string,
  partitions: readonly PartitionState[],
  sizes: ReadonlyMap<number, ReadonlyMap<string, number>>,
): ReadonlyMap<number, number> {
  return new Map(
    partitions.map(({ partition, leader, replicas }) => {
      const sizeOn = (id: number): number | undefined =>
        sizes.get(id)?.get(`${topic}-${partition}`);
      const largest = Math.max(0, ...replicas.map((id) => sizeOn(id) ?? 0));
      return [partition, sizeOn(leader) ?? largest];
    }),
  );
}

/**
 * The lines of a preview: each partition, and at last what it comes to.
 *
 * @param bytes by partition, as `partitionBytes` has them
 * @param bytesPerSecond what one broker may copy, in and out
 */
export function describeMoves(
  { moves, underWay }: MovePlan,
  bytes: ReadonlyMap<number, number>,
  bytesPerSecond: number,
): string[] {
  if (moves.length + underWay.length === 0) return [];
  const lines = moves.map((move) => {
    const news = adding(move);
    const cost =
      news.length > 0
        ? `copies ${formatBytes(bytes.get(move.partition) ?? 0)} to broker ${news.join(" and ")}`
        : sameSet(move.from, move.to)
          ? "another preferred leader; copies nothing"
          : `drops the copy on broker ${removing(move).join(" and ")}`;
    return `partition ${move.partition}: ${move.from.join(",")} => ${move.to.join(",")} (${cost})`;
  });
  const waited = underWay.map(
    ({ partition, from, to }) =>
      `partition ${partition}: ${from.join(",")} => ${to.join(",")} (under way already)`,
  );
  const { total, seconds } = costOf(moves, bytes, bytesPerSecond);
  const sum =
    total === 0
      ? "in all: nothing to copy"
      : `in all: ${formatBytes(total)} to copy, about ${formatSeconds(seconds)} at ` +
        `${formatBytes(bytesPerSecond)}/s for each broker`;
  return [...lines, ...waited, sum];
}

/** `total` in bytes. The time is that of the busiest broker of each batch, one batch after another. */
export function costOf(
  moves: readonly ReplicaMove[],
  bytes: ReadonlyMap<number, number>,
  bytesPerSecond: number,
): { readonly total: number; readonly seconds: number } {
  let total = 0;
  let seconds = 0;
  for (const batch of inBatches(moves)) {
    const [into, outOf] = [new Map<number, number>(), new Map<number, number>()];
    const count = (map: Map<number, number>, id: number, size: number): unknown =>
      map.set(id, (map.get(id) ?? 0) + size);
    for (const move of batch) {
      const size = bytes.get(move.partition) ?? 0;
      for (const id of adding(move)) {
        total += size;
        count(into, id, size);
        count(outOf, move.leader, size);
      }
    }
    seconds += Math.max(0, ...into.values(), ...outOf.values()) / bytesPerSecond;
  }
  return { total, seconds };
}
