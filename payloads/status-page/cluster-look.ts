/** What brokers tell of their cluster at one time. */
export interface ClusterLook {
  /** Node ids of brokers that serve: registered and not fenced. */
  readonly brokers: ReadonlySet<number>;
  /** By name. */
  readonly topics: ReadonlyMap<string, TopicLook>;
}

export interface TopicLook {
  /** In Kafka's words; with one there are no partitions. */
  readonly problem: string | undefined;
  readonly partitions: readonly PartitionLook[];
}

/** Node ids. */
export interface PartitionLook {
  readonly partition: number;
  readonly leader: number | undefined;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}

export interface QuorumLook {
  /** Node id of the active controller. */
  readonly leader: number;
  /** By node id: how long ago the voter last fetched, by the leader's clock, ms. */
  readonly voters: ReadonlyMap<number, number>;
}
