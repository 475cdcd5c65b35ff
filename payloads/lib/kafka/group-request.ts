/** The requests of a consumer group's member to the group's coordinator. */
import {
  consumerGroupHeartbeatV1,
  findCoordinatorV4,
  offsetCommitV9,
  offsetFetchV9,
} from "@platformatic/kafka";
import { Code } from "./codes";
import { byTopic, type Offset, type Place } from "./fetch-request";
import type { KafkaLink } from "./link";

const GROUP = 0;
const UNKNOWN_EPOCH = -1;
/** A member that says so in place of its epoch leaves. */
export const LEAVING = -1;

/** Limit of a request to the coordinator, ms. */
export const GROUP_MS = 5_000;
/** How long a member may finish what it has been handed before its partitions go to others, ms. */
const REBALANCE_MS = 60_000;

/** `host:port`, or Kafka's error code. */
export async function findCoordinator(link: KafkaLink, group: string): Promise<string | number> {
  const { coordinators } = await link.ask(findCoordinatorV4.api, GROUP, [group]);
  const found = coordinators[0];
  if (found === undefined) return Code.coordinatorNotAvailable;
  return found.errorCode === Code.none ? `${found.host}:${found.port}` : found.errorCode;
}

export interface Beat {
  readonly group: string;
  readonly member: string;
  readonly epoch: number;
  readonly topics: readonly string[];
  /** What the member owns by now, by topic id; null where that has not changed. */
  readonly owned: ReadonlyMap<string, readonly number[]> | null;
}

export interface Beaten {
  readonly errorCode: number;
  readonly errorMessage: string | null | undefined;
  readonly epoch: number;
  readonly intervalMs: number;
  /** Partitions by topic id; undefined where they have not changed. */
  readonly assigned: ReadonlyMap<string, readonly number[]> | undefined;
}

/** ConsumerGroupHeartbeat (KIP-848): joins, stays, tells what it owns and hears what it is to own. */
export async function beat(link: KafkaLink, told: Beat): Promise<Beaten> {
  const { group, member, epoch, topics, owned } = told;
  const partitions =
    owned === null ? null : [...owned].map(([topicId, ids]) => ({ topicId, partitions: [...ids] }));
  const answer = await link.ask(
    consumerGroupHeartbeatV1.api,
    group,
    member,
    epoch,
    null,
    null,
    REBALANCE_MS,
    [...topics],
    null,
    null,
    partitions as never,
  );
  const { errorCode, errorMessage, memberEpoch, heartbeatIntervalMs, assignment } = answer;
  const assigned = assignment?.topicPartitions.map(
    ({ topicId, partitions: ids }) => [topicId, ids] as const,
  );
  return {
    errorCode,
    errorMessage,
    epoch: memberEpoch,
    intervalMs: heartbeatIntervalMs,
    assigned: assigned && new Map(assigned),
  };
}

export interface Commit extends Place {
  /** The offset that is to be read next. */
  readonly offset: bigint;
}

/** Kafka's error code of each place. */
export async function commitOffsets(
  link: KafkaLink,
  { group, member, epoch }: Pick<Beat, "group" | "member" | "epoch">,
  commits: readonly Commit[],
): Promise<(Place & { readonly errorCode: number })[]> {
  const topics = byTopic(commits).map(([name, ofTopic]) => ({
    name,
    partitions: ofTopic.map(({ partition, offset }) => ({
      partitionIndex: partition,
      committedOffset: offset,
      committedLeaderEpoch: UNKNOWN_EPOCH,
      committedMetadata: null,
    })),
  }));
  const answer = await link.ask(offsetCommitV9.api, group, epoch, member, null, topics);
  return answer.topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex, errorCode }) => ({
      topic: name,
      partition: partitionIndex,
      errorCode,
    })),
  );
}

/** What is committed for each place, -1 where nothing is; or Kafka's error code for all of them. */
export async function committedOffsets(
  link: KafkaLink,
  { group, member, epoch }: Pick<Beat, "group" | "member" | "epoch">,
  places: readonly Place[],
): Promise<readonly Offset[] | number> {
  const topics = byTopic(places).map(([name, ofTopic]) => ({
    name,
    partitionIndexes: ofTopic.map(({ partition }) => partition),
  }));
  const request = [{ groupId: group, memberId: member, memberEpoch: epoch, topics }];
  const { groups } = await link.ask(offsetFetchV9.api, request, true);
  const [found] = groups;
  if (found === undefined || found.errorCode !== Code.none) return found?.errorCode ?? -1;
  return found.topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex, committedOffset, errorCode }) => ({
      topic: name,
      partition: partitionIndex,
      errorCode,
      offset: committedOffset,
    })),
  );
}
