/** When a node may be restarted, and when it is back: views of the cluster in, reasons out. */
import type { Quorum, RegisteredBroker, TopicPartitions } from "../admin/port";

export interface ClusterView {
  readonly brokers: readonly RegisteredBroker[];
  readonly topics: readonly TopicPartitions[];
  readonly quorum: Quorum;
}

export interface GateOptions {
  /** Node ids of all brokers of the rollout; any other node of it is a controller alone. */
  readonly members: readonly number[];
  /** Behind the leader by more than this, a voter would not keep a majority alive, ms. */
  readonly caughtUpMs: number;
}

/** At least Kafka's default `controller.quorum.fetch.timeout.ms`, by which the leader judges too. */
export const CAUGHT_UP_MS = 2_000;

/** Why `nodeId` must not be restarted now; empty if it may. */
export function blockers(nodeId: number, view: ClusterView, options: GateOptions): string[] {
  // A controller alone keeps no records: what brokers lack does not get worse without it.
  const isMember = options.members.includes(nodeId);
  return [
    ...(isMember ? absent(nodeId, view.brokers, options.members) : []),
    ...(isMember ? thinPartitions(nodeId, view.topics) : []),
    ...thinQuorum(nodeId, view.quorum, options.caughtUpMs),
  ];
}

/** Why `nodeId` must not be given an empty disk, whatever else allows it to go down; empty if it may. */
export function irreplaceable(nodeId: number, { voters }: Quorum): string[] {
  return voters.length === 1 && voters[0]?.id === nodeId
    ? ["it is the only controller: nobody else has the cluster's metadata, which would be lost"]
    : [];
}

/** Those that do not serve or follow as they should: fenced brokers, and voters that have fallen behind. */
export function unready({ brokers, quorum }: ClusterView, caughtUpMs: number): Set<number> {
  return new Set([
    ...brokers.filter(({ fenced }) => fenced).map(({ id }) => id),
    ...quorum.voters.filter(({ behindMs }) => behindMs > caughtUpMs).map(({ id }) => id),
  ]);
}

/** Any other broker that does not serve. */
function absent(
  nodeId: number,
  brokers: readonly RegisteredBroker[],
  members: readonly number[],
): string[] {
  const serving = new Set(brokers.filter((broker) => !broker.fenced).map((broker) => broker.id));
  return members
    .filter((id) => id !== nodeId && !serving.has(id))
    .map((id) => `broker ${id} does not serve`);
}

/** Partitions that lack another replica than this broker's already. */
function thinPartitions(nodeId: number, topics: readonly TopicPartitions[]): string[] {
  const thin = topics.flatMap(({ topic, partitions }) =>
    partitions
      .filter(({ replicas, isr }) => replicas.some((id) => id !== nodeId && !isr.includes(id)))
      .map(({ partition }) => `${topic}-${partition}`),
  );
  if (thin.length === 0) return [];
  return [`other replicas are out of sync: ${listed(thin)}`];
}

/** Whether the caught-up voters without this one are still a majority. */
function thinQuorum(nodeId: number, quorum: Quorum, caughtUpMs: number): string[] {
  const { voters, leaderId } = quorum;
  if (leaderId < 0) return ["the quorum has no leader"];
  if (!voters.some((voter) => voter.id === nodeId)) return [];
  const others = voters.filter((voter) => voter.id !== nodeId && voter.behindMs <= caughtUpMs);
  const majority = Math.floor(voters.length / 2) + 1;
  // A cluster of one cannot keep a majority; forbidding its restart would forbid every change.
  if (voters.length === 1 || others.length >= majority) return [];
  return [
    `without it ${others.length} of ${voters.length} quorum voters are caught up, and ${majority} are needed`,
  ];
}

/** A node as its own process is known: another directory is another process. */
export interface NodeIdentity {
  readonly nodeId: number;
  readonly directoryId: string;
}

/** Why a node is not fully back after its start; empty if it is. */
export function notBack(
  { nodeId, directoryId }: NodeIdentity,
  view: ClusterView,
  options: GateOptions,
): string[] {
  const reasons = options.members.includes(nodeId) ? notServing(nodeId, view) : [];
  // A voter of the same id whose disk is gone stays in the quorum until it is voted out.
  const { voters, observers } = view.quorum;
  const replica = [...voters, ...observers].find(
    (one) => one.id === nodeId && one.directoryId === directoryId,
  );
  if (replica === undefined) reasons.push("it does not follow the quorum's log yet");
  else if (replica.behindMs > options.caughtUpMs) {
    reasons.push("its copy of the quorum's log has not caught up");
  }
  return reasons;
}

function notServing(nodeId: number, view: ClusterView): string[] {
  const reasons: string[] = [];
  const broker = view.brokers.find((one) => one.id === nodeId);
  if (broker === undefined) reasons.push("it has not registered yet");
  else if (broker.fenced) reasons.push("it is fenced: still loading its logs");
  const behind = outOfSync(nodeId, view.topics).map(({ name }) => name);
  if (behind.length > 0) reasons.push(`its replicas are out of sync: ${listed(behind)}`);
  return reasons;
}

/** The partitions of which a broker has a replica that is not in sync, with their leaders. */
export function outOfSync(
  nodeId: number,
  topics: readonly TopicPartitions[],
): { readonly name: string; readonly leader: number }[] {
  return topics.flatMap(({ topic, partitions }) =>
    partitions
      .filter(({ replicas, isr }) => replicas.includes(nodeId) && !isr.includes(nodeId))
      .map(({ partition, leader }) => ({ name: `${topic}-${partition}`, leader })),
  );
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(", ");
  return names.length > 5 ? `${shown}, … (${names.length} in all)` : shown;
}
