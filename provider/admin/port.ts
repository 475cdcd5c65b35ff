/**
 * What the provider asks of a Kafka cluster. Every call bounds its own time and rejects with a
 * `KafkaError`; nothing is retried behind the caller's back but another bootstrap server.
 */

import type { SecurityAdmin } from "./security-port";

/** One partition as the cluster's metadata has it. */
export interface PartitionState {
  readonly partition: number;
  /** Broker id, -1 if there is no leader. */
  readonly leader: number;
  /** Broker ids. While a reassignment runs: old and new ones together. */
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}

export interface TopicPartitions {
  readonly topic: string;
  readonly partitions: readonly PartitionState[];
}

/** A topic that exists. */
export interface LiveTopic extends TopicPartitions {
  /** 16 bytes in URL-safe base64, as Kafka's own tools print it. Empty before Kafka 2.8, which has none. */
  readonly topicId: string;
  /** Settings set on this topic; what comes from the brokers' defaults is left out. */
  readonly config: Readonly<Record<string, string>>;
  /** `min.insync.replicas` as it is in force for this topic, wherever it is set. */
  readonly minInsyncReplicas: number;
}

export interface NewTopic {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly config: Readonly<Record<string, string>>;
  /** Replicas of each partition, the preferred leader first. Default: Kafka's choice. */
  readonly placement?: readonly (readonly number[])[] | undefined;
}

export interface RegisteredBroker {
  readonly id: number;
  /** Registered, but serving nothing yet, or not in touch with the controller any more. */
  readonly fenced: boolean;
}

/** A node that follows the metadata log: one node id with another directory is another replica. */
export interface QuorumReplica {
  readonly id: number;
  /** Id of its metadata log directory: 16 bytes in URL-safe base64, as Kafka's own tools print it. */
  readonly directoryId: string;
  /** How long ago it had caught up with the leader, ms, by the leader's own clock. */
  readonly behindMs: number;
}

export interface Quorum {
  readonly leaderId: number;
  readonly voters: readonly QuorumReplica[];
  /** Who reads the log without a vote: brokers that are no controllers, and controllers to be. */
  readonly observers: readonly QuorumReplica[];
}

/** A controller that is to vote, and where the others reach it. */
export interface NewVoter {
  readonly id: number;
  readonly directoryId: string;
  /** Its controller listener's name, and the `host:port` that is advertised for it. */
  readonly listener: string;
  readonly endpoint: string;
}

/** Features by name, as one broker tells of them. */
export interface Features {
  /** Least and greatest level that this very broker knows. */
  readonly supported: Readonly<Record<string, readonly [min: number, max: number]>>;
  /** Levels that the cluster has agreed upon. */
  readonly finalized: Readonly<Record<string, number>>;
}

/** Settings of one broker that were set while it ran, over those that it was started with. */
export interface RunTimeSettings {
  /** Set for this broker alone, by key. */
  readonly own: Readonly<Record<string, string>>;
  /** Set as defaults of all brokers, where this one has none of its own. */
  readonly defaults: Readonly<Record<string, string>>;
}

/** A move of one partition's replicas that is under way. */
export interface Reassignment {
  readonly topic: string;
  readonly partition: number;
  /** Old and new ones together, in the order in which they will stand: the target's first. */
  readonly replicas: readonly number[];
  readonly adding: readonly number[];
  readonly removing: readonly number[];
}

/** A place in a partition's log: its ends, or the first record at or after a time (ms since the epoch). */
export type LogPosition = "earliest" | "latest" | { readonly timestampMs: number };

/** What a look at some records of a partition found. */
export interface RecordSample {
  readonly keyed: number;
  readonly unkeyed: number;
}

/** Topics, their settings, replicas and records. */
export interface TopicAdmin {
  /**
   * The topic, or undefined if there is none of that name. Calls of one moment go out together: a
   * thousand topics are a few requests.
   *
   * @param keys the settings to look at: `config` has no others. Default: all, several times the work
   */
  describeTopic(name: string, keys?: readonly string[]): Promise<LiveTopic | undefined>;
  /**
   * All topics with these settings, by name; undefined where there are more than `most`. One that the cluster
   * does not tell of in full is left out: asked alone it says why.
   */
  describeTopics(
    keys: readonly string[],
    most: number,
  ): Promise<ReadonlyMap<string, LiveTopic> | undefined>;
  /** Ids by name of those topics that are there; empty ids before Kafka 2.8. Nobody is asked about none. */
  topicIds(names: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /**
   * What a topic would have of a setting if it had none of its own, by what the broker that answers was told or
   * started with.
   */
  topicDefault(topic: string, key: string): Promise<string | undefined>;
  /** Partitions of all topics, internal ones included. */
  listPartitions(): Promise<readonly TopicPartitions[]>;
  createTopic(topic: NewTopic): Promise<void>;
  /** `placement`: replicas of each new partition, the preferred leader first. Default: Kafka's choice. */
  raisePartitions(
    name: string,
    count: number,
    placement?: readonly (readonly number[])[],
  ): Promise<void>;
  /** Sets and deletes exactly the named keys; all or none of them. */
  alterTopicConfig(
    name: string,
    set: Readonly<Record<string, string>>,
    remove: readonly string[],
  ): Promise<void>;
  /** By its id alone where the brokers know ids (Kafka 2.8 and later), else by its name. */
  deleteTopic(topic: Pick<LiveTopic, "topic" | "topicId">): Promise<void>;
  /** Of these topics; of all where the list is left out. */
  listReassignments(topics?: readonly string[]): Promise<readonly Reassignment[]>;
  /**
   * Begins moves to these replicas, by partition; null takes a move under way back, to the old replicas in
   * any order (an error, `NO_REASSIGNMENT_IN_PROGRESS`, where there is none). An error names the partitions
   * that failed; the others' moves have begun.
   */
  reassign(topic: string, targets: ReadonlyMap<number, readonly number[] | null>): Promise<void>;
  /** Limits on what throttled replicas copy, bytes a second in and out, by broker id: those that are set. A broker that is away is left out. */
  replicationThrottles(): Promise<ReadonlyMap<number, number>>;
  /**
   * Sets that limit on these brokers, in and out; undefined removes it. Each is asked itself, and all of
   * them before the first failure is thrown. A broker tells and heeds it a moment later.
   */
  throttleReplication(
    brokers: readonly number[],
    bytesPerSecond: number | undefined,
  ): Promise<void>;
  /**
   * Makes the first replica the leader where it does not lead already. One that is not in sync is an
   * error, `PREFERRED_LEADER_NOT_AVAILABLE`, once the others have been elected.
   */
  electPreferredLeaders(topic: string, partitions: readonly number[]): Promise<void>;
  /** By partition; asked of their leaders. Where no record is as late as the time: the end of the log. */
  offsets(
    topic: string,
    partitions: readonly number[],
    at: LogPosition,
  ): Promise<ReadonlyMap<number, bigint>>;
  /** Looks at the newest records of a partition, `limit` at most, for whether they have keys. */
  sampleRecords(topic: string, partition: number, limit: number): Promise<RecordSample>;
  /** Bytes of each broker's replica, by broker id and `topic-0`. A broker that is away is left out. */
  replicaSizes(
    topics?: readonly string[],
  ): Promise<ReadonlyMap<number, ReadonlyMap<string, number>>>;
}

/** One cluster, reached through its bootstrap servers. */
export interface KafkaAdmin extends TopicAdmin {
  readonly security: SecurityAdmin;
  /** A cluster-level dynamic setting, or undefined if it is not set there. */
  clusterSetting(key: string): Promise<string | undefined>;
  setClusterSetting(key: string, value: string): Promise<void>;
  /** The features of whichever broker answers first. */
  describeFeatures(): Promise<Features>;
  /** Raises a finalized level; the controllers refuse what a registered node does not know. */
  raiseFeature(feature: string, level: number): Promise<void>;
  /** To be asked of the broker itself, as the only bootstrap server. */
  runTimeSettings(nodeId: number): Promise<RunTimeSettings>;
  /**
   * Sets and removes settings of one broker while it runs, all or none of them; to be asked of the
   * broker itself, which judges the values. `validateOnly`: it judges, and changes nothing.
   */
  alterRunTimeSettings(
    nodeId: number,
    set: Readonly<Record<string, string>>,
    remove: readonly string[],
    options: { readonly validateOnly: boolean },
  ): Promise<void>;
  /**
   * The newest release whose metadata the broker that answers can read, such as `4.1`: its own. Undefined
   * before Kafka 3.3 and with ZooKeeper, which tell none; `level 40` of a release that is not known here.
   */
  kafkaRelease(): Promise<string | undefined>;
  /** Before Kafka 4.0 only those that are up. */
  listBrokers(): Promise<readonly RegisteredBroker[]>;
  /** Kafka's id of the cluster: 16 bytes in URL-safe base64. */
  clusterId(): Promise<string>;
  /** Asks the process that listens at this very address, broker or controller, whether it answers. */
  ping(server: string): Promise<void>;
  /** Asked on the controllers' own listeners (`host:port`), since a broker may wait long for them. */
  describeQuorum(controllers: readonly string[]): Promise<Quorum>;
  /** Asked of the quorum's leader at its controller listener, as `removeVoter` is. */
  addVoter(leader: string, voter: NewVoter): Promise<void>;
  removeVoter(leader: string, voter: Pick<QuorumReplica, "id" | "directoryId">): Promise<void>;
  /** Bytes of the log of each partition (`topic-0`) that the broker which answers has a replica of. */
  logSizes(): Promise<ReadonlyMap<string, number>>;
  close(): Promise<void>;
}

/** How an adapter is made: the tests put their own in its place. */
export type ConnectAdmin = (
  bootstrapServers: readonly string[],
  options: AdminOptions,
) => KafkaAdmin;

/** Asks over an admin's connections and closes them, whatever comes of it. */
export async function asking<T>(
  admin: KafkaAdmin,
  ask: (admin: KafkaAdmin) => Promise<T>,
): Promise<T> {
  try {
    return await ask(admin);
  } finally {
    await admin.close();
  }
}

/** How to log in. SASL over a plain connection: the password itself goes over the wire with PLAIN alone. */
export interface Sasl {
  readonly mechanism: "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512";
  readonly username: string;
  readonly password: string;
}

export interface AdminOptions {
  /** Default: no login. */
  readonly sasl?: Sasl | undefined;
  /** Limit of one dial, ms. */
  readonly connectTimeoutMs: number;
  /** Limit of one request, ms. */
  readonly requestTimeoutMs: number;
}

/** For resources: a broker in a long garbage collection is waited for. */
export const PATIENT: AdminOptions = { connectTimeoutMs: 3_000, requestTimeoutMs: 15_000 };
/** For the gates of a rollout, which ask again anyway. */
export const BRISK: AdminOptions = { connectTimeoutMs: 2_000, requestTimeoutMs: 2_000 };

/** `unreachable`: no server answered. `refused`: a server answered with an error. */
export type KafkaErrorKind = "unreachable" | "refused";

export class KafkaError extends Error {
  override readonly name = "KafkaError";

  constructor(
    readonly kind: KafkaErrorKind,
    message: string,
    /** Kafka's name of the error, such as `INVALID_CONFIG`. */
    readonly code?: string,
  ) {
    super(message);
  }
}

/** True for errors after which the last known state is the best answer. */
export function isUnreachable(error: unknown): error is KafkaError {
  return error instanceof KafkaError && error.kind === "unreachable";
}
