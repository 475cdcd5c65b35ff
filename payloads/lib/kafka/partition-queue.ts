/** What waits for one partition. Pure: it knows neither brokers nor time. */
import { RefusedRecords } from "../records";
import { encodeBatch, nextSequence, sizeOf, type StampedRecord } from "./batch";
import { verdictOf, nameOf, wordsOf } from "./codes";
import type { ProducerNumber } from "./produce-request";

/** One call of `send`: it settles when all its records have. */
export interface Call {
  settled(refusal?: Error): void;
}

export interface Item {
  readonly record: StampedRecord;
  readonly call: Call;
}

/**
 * What one batch may take, bytes: half of what a topic takes by default. A record that is larger goes alone,
 * and Kafka says whether the topic takes it.
 */
const BATCH_BYTES = 512 << 10;

/** What may be said for so long before it is believed, ms. */
export const SETTLING_MS = 10_000;

/** What to do after an answer. */
export type Next = "go-on" | "try-again";

/**
 * Keeps the order of one partition: one batch at a time is under way, all else waits and goes with the next
 * one. (More than one under way would gain next to nothing: a broker takes the next request of a connection
 * only when it has answered the one before, hence only once the replicas have the batch.)
 */
export class PartitionQueue {
  private waiting: Item[] = [];
  private head = 0;
  private items: readonly Item[] | undefined;
  private packed: Buffer | undefined;
  /** Whether the batch may be in the log already. */
  private inDoubt = false;
  private producer: ProducerNumber | undefined;
  private wasNumbered = false;
  /** The broker that has been asked to write the batch and has not answered. */
  askedAt: string | undefined;
  private sequence = 0;
  private settlingSince: number | undefined;

  constructor(
    readonly topic: string,
    readonly partition: number,
  ) {}

  get isEmpty(): boolean {
    return this.items === undefined && this.head === this.waiting.length;
  }

  /** Whether it has a producer number, else which one it needs. */
  get numbering(): "numbered" | "any" | "fresh" {
    if (this.producer !== undefined) return "numbered";
    return this.wasNumbered ? "fresh" : "any";
  }

  push(item: Item): void {
    this.waiting.push(item);
  }

  /** A number that this partition has not been written to with. One that it has meanwhile stays. */
  number(producer: ProducerNumber): void {
    if (this.producer !== undefined) return;
    this.producer = producer;
    this.wasNumbered = true;
    this.sequence = 0;
    this.packed = undefined;
  }

  /**
   * The batch that goes next: the same bytes until its fate is known. Undefined where nothing waits, or one is
   * under way: of two answers the second would be taken for that to the batch behind.
   */
  batch(): Buffer | undefined {
    if (this.askedAt !== undefined || this.isEmpty || this.producer === undefined) return undefined;
    this.items ??= this.cut();
    const records = this.items.map(({ record }) => record);
    this.packed ??= encodeBatch(records, { ...this.producer, sequence: this.sequence });
    return this.packed;
  }

  /** Nobody knows what became of the batch. With the same number and bytes it is not written twice. */
  lost(): void {
    this.askedAt = undefined;
    this.inDoubt = this.items !== undefined;
  }

  answered(errorCode: number, message: string | undefined, now: number): Next {
    const wasGivenUp = this.askedAt !== undefined && this.items === undefined;
    this.askedAt = undefined;
    if (wasGivenUp) return "go-on";
    const verdict = verdictOf(errorCode);
    if (verdict !== "settling") this.settlingSince = undefined;
    switch (verdict) {
      case "done":
        this.settle();
        return "go-on";
      case "passing":
        // Of some of these the log has the batch: NOT_ENOUGH_REPLICAS_AFTER_APPEND, REQUEST_TIMED_OUT.
        this.inDoubt = true;
        return "try-again";
      case "renumber":
        this.producer = undefined;
        return "try-again";
      case "settling":
        this.settlingSince ??= now;
        if (now - this.settlingSince < SETTLING_MS) return "try-again";
        this.refuse(errorCode, message);
        return "go-on";
      case "content":
        if ((this.items?.length ?? 0) > 1) this.halve();
        else this.refuse(errorCode, message);
        return "go-on";
      case "final":
        this.refuse(errorCode, message);
        return "go-on";
      default:
        return verdict satisfies never;
    }
  }

  /** Gives up all that waits. */
  abandon(error: Error): void {
    for (const { call } of this.take()) call.settled(error);
  }

  /** All that waits, which is nobody's then. */
  take(): Item[] {
    const items = [...(this.items ?? []), ...this.waiting.slice(this.head)];
    // The log may have the batch, or get it yet: the next one under its sequence would pass for it.
    if (this.items !== undefined) this.producer = undefined;
    this.forget();
    this.waiting = [];
    this.head = 0;
    return items;
  }

  private cut(): Item[] {
    let bytes = 0;
    let end = this.head;
    for (; end < this.waiting.length; end++) {
      bytes += sizeOf(this.waiting[end]!.record);
      if (bytes > BATCH_BYTES && end > this.head) break;
    }
    const items = this.waiting.slice(this.head, end);
    this.head = end;
    if (this.head > 1024 && this.head * 2 > this.waiting.length) {
      this.waiting = this.waiting.slice(this.head);
      this.head = 0;
    }
    return items;
  }

  private settle(): void {
    const items = this.items ?? [];
    this.sequence = nextSequence(this.sequence, items.length);
    this.forget();
    for (const { call } of items) call.settled();
  }

  private refuse(errorCode: number, message: string | undefined): void {
    const items = this.items ?? this.cut();
    this.unnumberIfInDoubt();
    this.forget();
    const where = `${this.topic}, partition ${this.partition}`;
    const words = `Kafka refuses to write to ${where}: ${wordsOf(errorCode, message)}`;
    for (const { call } of items) call.settled(new RefusedRecords(nameOf(errorCode), words));
  }

  /** Which of the records is at fault shows when they go apart. */
  private halve(): void {
    const items = this.items ?? [];
    const middle = Math.ceil(items.length / 2);
    this.unnumberIfInDoubt();
    this.forget();
    this.items = items.slice(0, middle);
    this.waiting = [...items.slice(middle), ...this.waiting.slice(this.head)];
    this.head = 0;
  }

  /** Were the batch in the log after all, its sequence would be taken, and the next batch for the same. */
  private unnumberIfInDoubt(): void {
    if (this.inDoubt) this.producer = undefined;
  }

  private forget(): void {
    this.items = undefined;
    this.packed = undefined;
    this.inDoubt = false;
  }
}
