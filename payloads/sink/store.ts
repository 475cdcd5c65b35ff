import { setTimeout as sleep } from "node:timers/promises";
import type { StoreAccess } from "../../model";
import type { Log } from "../lib/log";
import type { InRecord, Origin } from "../lib/records";
import { Connection } from "./database";
import { type Clock, type Day, dayOfMs, firstKept } from "./days";
import type { Figures } from "./figures";
import type { Place } from "./place";
import { findPlace, isCommitted } from "./positions";
import { daysOf, isBusy, type Pass, prune } from "./retention";
import { type Grounds, type Outcome, PositionMoved, writeRecords } from "./writer";

/** Pauses between tries while PostgreSQL is away, ms. */
const PAUSE_MS = { first: 250, most: 5_000 };

export interface StoreOptions {
  readonly access: StoreAccess;
  readonly retentionDays: number;
  readonly figures: Figures;
  readonly log: Log;
  /** Aborted when the program is to stop: what is under way is finished, nothing is tried again. */
  readonly signal: AbortSignal;
  /** The log's end of a partition, as Kafka tells it now. */
  readonly endOf: (place: Origin) => bigint | undefined;
  /** Epoch ms. Default: the clock. */
  readonly now?: () => number;
}

/** The program stops before the store has taken what it was given. */
export class Stopped extends Error {
  public override readonly name = "Stopped";
  constructor() {
    super("stopped before PostgreSQL took the records: they are read again at the next start");
  }
}

/**
 * The database with what is known of it. One thing at a time is done, over one connection; while PostgreSQL
 * is away it is tried for ever, and whoever asks waits.
 */
export class Store {
  private connection: Connection | undefined;
  private days = new Set<Day>();
  private readonly places = new Map<string, Place>();
  private turn: Promise<unknown> = Promise.resolve();
  private problem: string | undefined = "the store was not reached yet";
  private isTold = false;

  constructor(private readonly options: StoreOptions) {}

  /** Undefined while PostgreSQL does what it is asked, else what it or the network says. */
  trouble(): string | undefined {
    return this.problem;
  }

  /** Where reading goes on; undefined for a partition that is new. */
  positions(origins: readonly Origin[]): Promise<(bigint | undefined)[]> {
    return this.inTurn(async (connection) => {
      const places = await connection.transaction(async () => {
        const found: Place[] = [];
        for (const origin of origins) found.push(await findPlace(connection, origin));
        return found;
      });
      for (const place of places) this.places.set(keyOf(place), place);
      return places.map(({ next }) => next);
    });
  }

  /**
   * Stores records with the positions behind them, in one transaction.
   * @throws PositionMoved, Stopped
   */
  async write(batch: readonly InRecord[]): Promise<void> {
    const begun = Date.now();
    const groups = [...byOrigin(batch).values()];
    let unsure: readonly Outcome[] | undefined;
    const outcomes = await this.inTurn(async (connection) => {
      // The answer to a commit was lost: it may have been made.
      if (unsure !== undefined && (await isCommitted(connection, unsure))) return unsure;
      return connection.transaction(async () => {
        const found: Outcome[] = [];
        for (const records of groups) {
          found.push(
            ...(await writeRecords(this.grounds(connection), this.placeOf(records), records)),
          );
        }
        unsure = found;
        return found;
      });
    });
    for (const { place } of outcomes) this.places.set(keyOf(place), place);
    this.count(outcomes, batch.length, begun);
  }

  /**
   * Drops what is too old, a little at a time.
   * @returns whether there may be more to do
   */
  async prune(): Promise<boolean> {
    let pass: Pass | undefined;
    try {
      pass = await this.inTurn((connection) => prune(connection, this.days, this.firstKept()), 1);
    } catch (error) {
      if (error instanceof Stopped) return false;
      this.options.log("debug", `retention waits for its next turn: ${wordsOf(error)}`);
      return false;
    }
    const { figures, log } = this.options;
    for (const day of pass.dropped) {
      this.days.delete(day);
      figures.daysDropped.inc();
    }
    if (pass.dropped.length > 0) log("info", "dropped days", { days: pass.dropped.length });
    figures.days.set(this.days.size);
    return pass.more;
  }

  /** What was known of positions is asked for again. */
  forget(): void {
    this.places.clear();
  }

  /** After what is under way. */
  async close(): Promise<void> {
    await this.turn;
    await this.drop();
  }

  private inTurn<T>(work: (connection: Connection) => Promise<T>, tries = Infinity): Promise<T> {
    const mine = this.turn.then(() => this.persist(work, tries));
    this.turn = mine.catch(() => {});
    return mine;
  }

  private async persist<T>(
    work: (connection: Connection) => Promise<T>,
    tries: number,
  ): Promise<T> {
    const { signal, figures } = this.options;
    for (let n = 1, pause = PAUSE_MS.first; ; n++, pause = Math.min(pause * 2, PAUSE_MS.most)) {
      try {
        const result = await work(await this.connect());
        this.well();
        return result;
      } catch (error) {
        // Also what is known of the partitions may be of a transaction that was not.
        await this.drop();
        if (error instanceof PositionMoved) throw error;
        figures.failures.inc();
        if (!isBusy(error)) this.ill(wordsOf(error));
        if (n >= tries) throw error;
      }
      if (signal.aborted) throw new Stopped();
      await sleep(pause, undefined, { signal }).catch(() => {});
      if (signal.aborted) throw new Stopped();
    }
  }

  private async connect(): Promise<Connection> {
    if (this.connection?.usable === true) return this.connection;
    await this.drop();
    const { access, log } = this.options;
    const connection = await Connection.open(access, (title) => {
      log("info", "the schema has a new step", { step: title });
    });
    this.connection = connection;
    this.days = await daysOf(connection);
    this.options.figures.days.set(this.days.size);
    return connection;
  }

  private async drop(): Promise<void> {
    const { connection } = this;
    this.connection = undefined;
    await connection?.close();
  }

  private grounds(connection: Connection): Grounds {
    return {
      connection,
      clock: () => this.clock(),
      firstKept: () => this.firstKept(),
      hasDay: (day) => this.days.has(day),
      madeDay: (day) => this.days.add(day),
      endOf: this.options.endOf,
    };
  }

  private clock(): Clock {
    const { now = Date.now } = this.options;
    let newest: Day | undefined;
    for (const day of this.days) newest = Math.max(day, newest ?? day);
    return { today: dayOfMs(now()), newest };
  }

  private firstKept(): Day {
    return firstKept(this.options.retentionDays, this.clock());
  }

  private placeOf([record]: readonly InRecord[]): Place {
    const place = record && this.places.get(keyOf(record));
    if (place === undefined)
      throw new Error("bug: records came before their position was asked for");
    return place;
  }

  private count(outcomes: readonly Outcome[], records: number, begun: number): void {
    const { figures, log } = this.options;
    figures.batch.observe(records);
    figures.commitSeconds.observe((Date.now() - begun) / 1000);
    figures.lastCommit.set(Date.now() / 1000);
    figures.days.set(this.days.size);
    const generations = new Map<string, number>();
    for (const { place, stored, duplicates, expired, bad, skipped } of outcomes) {
      const { topic, partition, generation } = place;
      figures.stored.inc({ topic }, stored);
      figures.duplicates.inc(duplicates);
      figures.expired.inc(expired);
      figures.skipped.inc(Number(skipped));
      for (const [reason, count] of Object.entries(bad)) figures.bad.inc({ reason }, count);
      const before = generations.get(keyOf(place));
      generations.set(keyOf(place), generation);
      if (before === undefined) continue;
      figures.cuts.inc();
      const words =
        "the log was cut off and written anew: its records are kept as another generation";
      log("warn", words, { topic, partition, generation });
    }
  }

  private well(): void {
    if (this.isTold) this.options.log("info", "PostgreSQL does what it is asked again");
    this.problem = undefined;
    this.isTold = false;
  }

  private ill(words: string): void {
    const problem = `PostgreSQL: ${words}`;
    if (this.problem !== problem || !this.isTold) this.options.log("warn", problem);
    this.problem = problem;
    this.isTold = true;
  }
}

const keyOf = ({ topicId, partition }: Pick<Origin, "topicId" | "partition">): string =>
  `${topicId} ${partition}`;

function byOrigin(batch: readonly InRecord[]): Map<string, InRecord[]> {
  const groups = new Map<string, InRecord[]>();
  for (const record of batch) {
    const key = keyOf(record);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [record]);
    else group.push(record);
  }
  return groups;
}

/** What an error says; node's own for several addresses has no words of its own. */
function wordsOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(wordsOf).join("; ");
  return error instanceof Error ? error.message : String(error);
}
