import { KafkaError } from "../../../provider/admin/port";
import type { StoredRecord } from "../../../shared/kafka/batches";

export type { StoredRecord };

/** A record as a user makes it. */
export interface NewRecord {
  /** Null: none. */
  readonly key: Buffer | null;
  readonly value: Buffer;
}

/** Where a partition is, as the cluster last said. */
export interface PartitionPlace {
  readonly partition: number;
  /** `host:port` of its leader; undefined while it has none. */
  readonly leader: string | undefined;
  readonly replicas: number;
  readonly inSync: number;
}

/** Who writes, so that Kafka takes a batch that is sent twice for one. */
export interface ProducerId {
  readonly id: bigint;
  readonly epoch: number;
}

/** First offset that is still there, and the one that the next record gets. */
export interface Bounds {
  readonly start: bigint;
  readonly end: bigint;
}

/** What a partition's leader answered from a position on. */
export interface Fetched {
  readonly partition: number;
  readonly records: readonly StoredRecord[];
  /** Where to go on: behind the records, and behind what is not for clients (marks of transactions). */
  readonly next: bigint;
  /** The position that was asked for is not in the log (any more). */
  readonly outOfRange: boolean;
}

/**
 * One topic of a cluster. Every call bounds its own time and rejects with a `KafkaError`; nothing is tried
 * again behind the caller's back.
 */
export interface TopicClient {
  readonly topic: string;
  /** Partitions by number. Asked of the cluster the first time, and when it is to be `fresh`. */
  places(fresh?: boolean): Promise<readonly PartitionPlace[]>;
  /** For writing with `append`. */
  newProducer(): Promise<ProducerId>;
  /**
   * Appends a batch to a partition; resolves with the first record's offset when all in-sync replicas have it.
   * @param sequence how many records this producer has written to the partition before
   */
  append(
    place: PartitionPlace,
    records: readonly NewRecord[],
    producer: ProducerId,
    sequence: number,
  ): Promise<bigint>;
  bounds(leader: string, partitions: readonly number[]): Promise<ReadonlyMap<number, Bounds>>;
  /** Waits up to `maxWaitMs` for the first record of any of the partitions, all of which `leader` leads. */
  fetch(
    leader: string,
    positions: ReadonlyMap<number, bigint>,
    maxWaitMs: number,
  ): Promise<readonly Fetched[]>;
  close(): Promise<void>;
}

/** Kafka's words for what another try may mend: a broker that is away, an election, a replica that is slow. */
const PASSING = new Set([
  "CORRUPT_MESSAGE",
  "UNKNOWN_TOPIC_OR_PARTITION",
  "LEADER_NOT_AVAILABLE",
  "NOT_LEADER_OR_FOLLOWER",
  "REQUEST_TIMED_OUT",
  "BROKER_NOT_AVAILABLE",
  "REPLICA_NOT_AVAILABLE",
  "NETWORK_EXCEPTION",
  "COORDINATOR_LOAD_IN_PROGRESS",
  "COORDINATOR_NOT_AVAILABLE",
  "NOT_ENOUGH_REPLICAS",
  "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
  "CONCURRENT_TRANSACTIONS",
  "KAFKA_STORAGE_ERROR",
  "FENCED_LEADER_EPOCH",
  "UNKNOWN_LEADER_EPOCH",
  "OFFSET_NOT_AVAILABLE",
  "UNKNOWN_TOPIC_ID",
  "INCONSISTENT_TOPIC_ID",
]);

/** Whether another try may help. */
export function mayPass(error: unknown): error is KafkaError {
  return (
    error instanceof KafkaError && (error.kind === "unreachable" || PASSING.has(error.code ?? ""))
  );
}

/** What is told of partitions that nobody leads: it passes when a replica in sync is back. */
export function noLeader(topic: string, partitions: readonly number[]): KafkaError {
  const which = `${partitions.length === 1 ? "partition" : "partitions"} ${partitions.join(", ")}`;
  return new KafkaError("unreachable", `${topic}, ${which}: no leader`);
}
