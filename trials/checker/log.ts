/** The log that a checker writes to and reads back: Kafka, or in a unit test one that loses records. */
export interface RecordLog {
  /** How many partitions it has; they are numbered from 0. */
  readonly partitions: number;
  /**
   * One try to append values to a partition, all or none of them; resolves once they are acknowledged by
   * all replicas in sync. After a rejection they may be in the log all the same.
   */
  append(partition: number, values: readonly string[], signal: AbortSignal): Promise<Appended>;
  /** Every value of a partition in the log's order, from its begin up to this offset at least. */
  read(partition: number, upTo: bigint, signal: AbortSignal): Promise<string[]>;
}

/** An acknowledgement. */
export interface Appended {
  /** Who gave it, `host:port`. */
  readonly server: string;
  /** Offset of the first value. */
  readonly offset: bigint;
  /** Offset of the last value. */
  readonly lastOffset: bigint;
}
