/** How programs read and write Kafka: a port with one adapter (./kafka). */

export interface OutRecord {
  readonly topic: string;
  readonly key?: string | undefined;
  readonly value: Buffer;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export interface RecordProducer {
  /**
   * Idempotent, `acks=all`. Resolves when all of them are on min ISR, in the order of each partition;
   * several calls may be under way. Tries again while brokers are away, without an end: whoever calls
   * bounds what it has under way.
   *
   * @throws RefusedRecords when Kafka will never take them (too large, no such topic, not allowed)
   */
  send(records: readonly OutRecord[]): Promise<void>;
  /** Waits for what is under way, at most so long; whatever is not acknowledged then is rejected. */
  close(timeoutMs: number): Promise<void>;
}

/** Kafka's answer is final: trying again gives the same. */
export class RefusedRecords extends Error {
  public override readonly name = "RefusedRecords";
  /** @param code Kafka's name of the error, e.g. `MESSAGE_TOO_LARGE` */
  constructor(
    public readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** A partition of a topic that is known by its id: another one of the same name has another. */
export interface Origin {
  readonly topic: string;
  /** Kafka's, in the notation of UUIDs. */
  readonly topicId: string;
  readonly partition: number;
}

export interface InRecord {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly offset: bigint;
  /** Epoch ms, the record's own time stamp. */
  readonly timestampMs: number;
  readonly key: Buffer | undefined;
  readonly value: Buffer;
  readonly headers: ReadonlyMap<string, Buffer>;
}

/** The log's first record, its end, or the first record that came then or later, epoch ms. */
export type Start = "earliest" | "latest" | { readonly sinceMs: number };

export interface ConsumeOptions {
  /** Consumer group: its committed offsets are gone on from. Undefined: none, from `from` on. */
  readonly group: string | undefined;
  readonly topics: readonly string[];
  /** Where nothing is committed. */
  readonly from: Start;
  /**
   * Without a group: the offsets to go on from, kept by whoever asks; in the order of the origins, undefined
   * where it has none. It is waited for, and an error ends the reading.
   */
  readonly positions?: (origins: readonly Origin[]) => Promise<readonly (bigint | undefined)[]>;
  /**
   * Brokers hold an answer back until it has so many bytes, at most 1 MiB, or for so long: fewer and larger
   * batches. Default: each record comes at once.
   */
  readonly gather?: { readonly bytes: number; readonly waitMs: number };
}

/** How far a partition is read. */
export interface Progress extends Origin {
  /** The offset that is handed over next. */
  readonly next: bigint;
  /** The one that the next record gets, as last told. */
  readonly end: bigint;
}

export interface RecordConsumer {
  /** Hands over each batch in order; offsets are committed after `handle` has resolved, never before. */
  run(handle: (batch: readonly InRecord[]) => Promise<void>): Promise<void>;
  close(): Promise<void>;
}
