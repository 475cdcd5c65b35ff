/** What a look at a topic says of its replicas, with moves under way. */
import type { LiveTopic, Reassignment } from "../admin/port";
import { settledReplicas } from "./assignment";
import type { TopicSpec } from "./plan";
import { keysOnTopic } from "./throttle";

/** Each factor that some partition has, or will have once what is under way has ended. */
export const replicationFactors = (
  live: LiveTopic,
  reassignments: readonly Reassignment[] = [],
): number[] => [
  ...new Set(settledReplicas(live.partitions, reassignments).map((replicas) => replicas.length)),
];

/** Whether something may be under way, or have been left behind, that a look at the topic alone does not explain. */
export const looksUnsettled = (known: TopicSpec, live: LiveTopic): boolean =>
  keysOnTopic(live.config).length > 0 ||
  live.partitions.some(
    ({ replicas, isr }) =>
      isr.length < replicas.length || replicas.length !== known.replicationFactor,
  );

/** What moves of replicas have left to do, in words, though none is under way; empty if nothing. */
export function unfinishedReplicas(
  live: LiveTopic,
  reassignments: readonly Reassignment[],
): string[] {
  const found: string[] = [];
  const factors = replicationFactors(live, reassignments);
  if (factors.length > 1) {
    const settled = settledReplicas(live.partitions, reassignments);
    const count = (factor: number): string =>
      `${factor} in ${settled.filter((replicas) => replicas.length === factor).length}`;
    found.push(`replicas differ between partitions: ${factors.map(count).join(", ")} of them`);
  }
  const keys = keysOnTopic(live.config);
  if (keys.length > 0 && reassignments.length === 0) {
    found.push(`replicas are throttled though none moves: ${keys.join(", ")} to be removed`);
  }
  return found;
}
