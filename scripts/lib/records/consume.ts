import { setTimeout as sleep } from "node:timers/promises";
import { abortable } from "../../../provider/wait";
import type { Log } from "../../../toolchain/log";
import {
  mayPass,
  noLeader,
  type Bounds,
  type PartitionPlace,
  type StoredRecord,
  type TopicClient,
} from "./port";
import { Patience } from "./patience";

export interface ConsumeOptions {
  /** Only this one; undefined: all. */
  readonly partition?: number | undefined;
  /** Where each partition is begun: `start`, so many records before its end, or an offset of each. */
  readonly from: "start" | number | ReadonlyMap<number, bigint>;
  /** Goes on with what comes; otherwise each partition ends where it ended at the beginning. */
  readonly follow: boolean;
  /** Ends after so many records. */
  readonly max?: number | undefined;
  /** Ends when the brokers have brought no record for so long; while `onRecord` is at work no time passes. */
  readonly timeoutMs?: number | undefined;
  readonly signal: AbortSignal;
  /** Called with one record after the other. While it is at work nothing more is asked for. */
  readonly onRecord: (record: StoredRecord) => Promise<void>;
  /** Told once, when every partition has been found: how many records lie before the first that is read. */
  readonly onBegun: (skipped: bigint) => void;
  /** Told of what keeps it waiting, and when it goes on. */
  readonly log: Log;
}

export interface ConsumeEnd {
  /** `end`: everything there was; `timeout`: nothing came any more. */
  readonly why: "end" | "max" | "timeout" | "interrupted";
  readonly count: number;
  /** Partitions that nobody could be asked for when it ended. */
  readonly troubles: readonly string[];
}

/** How long a leader waits for a record before it says that there is none. */
const LONG_POLL_MS = 500;

/** Between two tries. */
const PAUSE_MS = 300;

/** Reads a topic without joining a group: nothing is left in the cluster of who has read what. */
export function consumeTopic(client: TopicClient, options: ConsumeOptions): Promise<ConsumeEnd> {
  return new Consumption(client, options).run();
}

class Consumption {
  /** The next offset to read of each partition that has been found. */
  private readonly positions = new Map<number, bigint>();
  /** Where each partition ends; none when following. */
  private readonly ends = new Map<number, bigint>();
  private readonly stop = new AbortController();
  private readonly troubles = new Map<number, string>();
  private why: ConsumeEnd["why"] = "end";
  private count = 0;
  private partitions = 0;
  private skipped = 0n;
  private readonly patience: Patience;

  constructor(
    private readonly client: TopicClient,
    private readonly options: ConsumeOptions,
  ) {
    this.patience = new Patience(options.timeoutMs, () => this.end("timeout"));
  }

  async run(): Promise<ConsumeEnd> {
    const { partition, signal } = this.options;
    const onAbort = (): void => this.end("interrupted");
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
    try {
      const all = (await this.client.places()).map((place) => place.partition);
      const wanted = partition === undefined ? all : [partition];
      this.partitions = wanted.length;
      await this.read(wanted);
    } catch (error) {
      // What is under way breaks when it is told to stop.
      if (!this.stop.signal.aborted) throw error;
    } finally {
      this.patience.stop();
      signal.removeEventListener("abort", onAbort);
      this.stop.abort(new Error("ended"));
    }
    return { why: this.why, count: this.count, troubles: [...new Set(this.troubles.values())] };
  }

  private end(why: ConsumeEnd["why"]): void {
    if (this.stop.signal.aborted) return;
    this.why = why;
    this.stop.abort(new Error(why));
  }

  /**
   * Reads partitions until they end. Those of each leader are read by themselves, so that a broker that
   * falls silent keeps up its own partitions alone.
   */
  private async read(partitions: readonly number[]): Promise<void> {
    let fresh = false;
    while (!this.stop.signal.aborted) {
      const open = partitions.filter((partition) => !this.isDone(partition));
      if (open.length === 0) return;
      try {
        const groups = byLeader(await this.bounded(this.client.places(fresh)), open);
        if (groups.size > 1) {
          await Promise.all([...groups.values()].map((group) => this.read(group)));
          return;
        }
        const [leader] = groups.keys();
        if (leader === undefined) throw noLeader(this.client.topic, open);
        await this.readFrom(leader, open);
        fresh = false;
        this.clear(open);
      } catch (error) {
        if (this.stop.signal.aborted || !mayPass(error)) throw error;
        this.tell(open, error.message);
        fresh = true;
        await sleep(PAUSE_MS, undefined, { signal: this.stop.signal });
      }
    }
  }

  private async readFrom(leader: string, partitions: readonly number[]): Promise<void> {
    const lost = partitions.filter((partition) => !this.positions.has(partition));
    if (lost.length > 0) {
      const found = await this.bounded(this.client.bounds(leader, lost));
      for (const [partition, bounds] of found) this.place(partition, bounds);
      return;
    }
    await this.patience.taken();
    const positions = new Map(
      [...this.positions].filter(([partition]) => partitions.includes(partition)),
    );
    const answers = await this.bounded(this.client.fetch(leader, positions, LONG_POLL_MS));
    for (const { partition, records, next, outOfRange } of answers) {
      if (outOfRange) {
        await this.findAgain(leader, partition);
        continue;
      }
      for (const record of records) await this.deliver(record);
      if (!this.stop.signal.aborted) this.goOnAt(partition, next);
    }
  }

  /** Who brought something is asked behind the others: an answer has room for so much, from the first one on. */
  private goOnAt(partition: number, next: bigint): void {
    if (this.positions.get(partition) !== next) this.positions.delete(partition);
    this.positions.set(partition, next);
  }

  /** Where a partition is begun, and where it ends. */
  private place(partition: number, { start, end }: Bounds): void {
    const { from, follow } = this.options;
    const wanted = from === "start" ? start : wantedPosition(from, partition, end);
    const position = wanted > start ? wanted : start;
    this.positions.set(partition, position);
    if (!follow) this.ends.set(partition, end);
    this.skipped += position - start;
    if (this.positions.size === this.partitions) this.options.onBegun(this.skipped);
  }

  private async deliver(record: StoredRecord): Promise<void> {
    const { partition, offset } = record;
    const { max = Infinity, onRecord } = this.options;
    const end = this.ends.get(partition);
    // Written after we began: the next reader's.
    const isLater = end !== undefined && offset >= end;
    if (isLater || this.count >= max || this.stop.signal.aborted) return;
    this.count += 1;
    const isLast = this.count === max;
    await this.patience.deliver(() => onRecord(record));
    if (isLast) this.end("max");
  }

  /** Retention has deleted what was to be read next, or an unclean election has cut it off. */
  private async findAgain(leader: string, partition: number): Promise<void> {
    const bounds = (await this.bounded(this.client.bounds(leader, [partition]))).get(partition);
    const position = this.positions.get(partition) ?? 0n;
    if (bounds === undefined) return;
    const next = position < bounds.start ? bounds.start : bounds.end;
    this.positions.set(partition, next);
    this.options.log(
      `${this.client.topic}, partition ${partition}: offset ${position} is not in the log any more; going on at ${next}.`,
    );
  }

  private isDone(partition: number): boolean {
    const [position, end] = [this.positions.get(partition), this.ends.get(partition)];
    return position !== undefined && end !== undefined && position >= end;
  }

  private tell(partitions: readonly number[], trouble: string): void {
    const isNew = partitions.some((partition) => this.troubles.get(partition) !== trouble);
    for (const partition of partitions) this.troubles.set(partition, trouble);
    if (isNew) this.options.log(`  … trying again: ${trouble}`);
  }

  private clear(partitions: readonly number[]): void {
    const were = partitions.filter((partition) => this.troubles.delete(partition));
    if (were.length === 0) return;
    this.options.log(`  … going on: ${this.client.topic}, partition ${were.join(", ")}`);
  }

  private bounded<T>(promise: Promise<T>): Promise<T> {
    return abortable(promise, this.stop.signal);
  }
}

/** A partition that is not named is begun at its end. */
function wantedPosition(
  from: number | ReadonlyMap<number, bigint>,
  partition: number,
  end: bigint,
): bigint {
  return typeof from === "number" ? end - BigInt(from) : (from.get(partition) ?? end);
}

/** The partitions of each leader, and those that have none. */
function byLeader(
  places: readonly PartitionPlace[],
  partitions: readonly number[],
): Map<string | undefined, number[]> {
  const groups = new Map<string | undefined, number[]>();
  for (const partition of partitions) {
    const leader = places[partition]?.leader;
    groups.set(leader, [...(groups.get(leader) ?? []), partition]);
  }
  return groups;
}
