import type { Cluster } from "./cluster";
import { Code } from "./codes";
import { ANSWER_MS, logEnds, type Place } from "./fetch-request";
import { LinkError } from "./link";
import { keyOf, type Owned } from "./owned";

/**
 * Offsets between what was handled and the logs' ends, over all partitions that are read. On connections of
 * its own, so that a read that waits does not keep it up.
 */
export async function countBacklog(
  cluster: Cluster,
  owned: readonly Owned[],
  leaderOf: (place: Place) => string | undefined,
): Promise<bigint | undefined> {
  const positions = new Map<string, bigint>();
  const byLeader = new Map<string, Place[]>();
  for (const one of owned) {
    const leader = leaderOf(one);
    if (one.position === undefined || leader === undefined) return undefined;
    positions.set(keyOf(one), one.position);
    byLeader.set(leader, [...(byLeader.get(leader) ?? []), one]);
  }
  let backlog = 0n;
  try {
    for (const [leader, places] of byLeader) {
      const link = await cluster.link(leader, "backlog", ANSWER_MS);
      for (const end of await logEnds(link, places, "latest")) {
        if (end.errorCode !== Code.none) return undefined;
        const left = end.offset - (positions.get(keyOf(end)) ?? end.offset);
        if (left > 0n) backlog += left;
      }
    }
  } catch (error) {
    if (error instanceof LinkError) return undefined;
    throw error;
  }
  return backlog;
}
