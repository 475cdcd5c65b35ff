import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../lib/log";
import { RefusedRecords, type OutRecord, type RecordProducer } from "../lib/records";
import type { Figures } from "./figures";
import { timeIn } from "./routes";
import { isOfTheRecord } from "./verdict";

/** What may be under way to Kafka from one session. */
export interface Limits {
  /** Messages that are not acknowledged: MQTT's Receive Maximum. */
  readonly messages: number;
  /** Bytes of their payloads; one message more than that may be held. */
  readonly bytes: number;
}

export const LIMITS: Limits = { messages: 1000, bytes: 16 * 1024 * 1024 };

/** Pauses between tries to give Kafka what it refuses for a reason that can be cured, ms. */
const HOLD_MS = { first: 1000, most: 30_000 };
/** From when on an unacknowledged record makes the bridge unwell, ms. */
const LATE_MS = 30_000;

export interface CarrierGround {
  readonly producer: RecordProducer;
  readonly deadLetters: string | undefined;
  readonly figures: Figures;
  readonly log: Log;
  readonly limits: Limits;
}

interface Load {
  readonly record: OutRecord;
  readonly since: number;
  /** Called once Kafka has the record, or it was refused for good. */
  readonly done: () => void;
}

/** What waits, in its order, for a topic that Kafka refuses to write to. */
interface Held {
  readonly loads: Load[];
  reason: string;
}

/**
 * Carries the messages of one session to Kafka. What it holds is bounded by its user, who takes no more
 * from MQTT while it is `full`.
 */
export class Carrier {
  /** In the order in which they came. */
  private readonly underWay = new Set<Load>();
  private bytes = 0;
  private readonly held = new Map<string, Held>();
  private readonly idle: (() => void)[] = [];
  private isGone = false;

  /** @param onRoom called whenever something is through */
  constructor(
    private readonly ground: CarrierGround,
    private readonly onRoom: () => void,
  ) {}

  get full(): boolean {
    const { messages, bytes } = this.ground.limits;
    return this.underWay.size >= messages || this.bytes >= bytes;
  }

  take(record: OutRecord, done: () => void): void {
    const load = { record, done, since: Date.now() };
    this.underWay.add(load);
    this.count(record, 1);
    const held = this.held.get(record.topic);
    if (held === undefined) void this.carry(load);
    else held.loads.push(load);
  }

  /** Resolves when nothing is under way. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      if (this.underWay.size === 0) resolve();
      else this.idle.push(resolve);
    });
  }

  /**
   * The connection is gone on which its records could be acknowledged: MQTT sends them again, so none waits
   * for a cure any more. What Kafka was given may still come through.
   */
  letGo(): void {
    this.isGone = true;
    const all = [...this.held.values()];
    this.held.clear();
    for (const { loads } of all) for (const load of loads) this.through(load);
  }

  /** There is a connection again. */
  begin(): void {
    this.isGone = false;
  }

  /** What is wrong on Kafka's side; undefined while nothing is. */
  problem(now = Date.now()): string | undefined {
    for (const [topic, { reason }] of this.held) {
      return `Kafka refuses records for topic ${topic}: ${reason}`;
    }
    const [oldest] = this.underWay;
    if (oldest === undefined || now - oldest.since < LATE_MS) return undefined;
    return `Kafka has not acknowledged a record for ${Math.round((now - oldest.since) / 1000)} s`;
  }

  private async carry(load: Load): Promise<void> {
    const error = await this.attempt(load);
    if (error === undefined) this.through(load);
    else this.hold(load, error);
  }

  /** Undefined when the record is in Kafka, in the dead letters or dropped, else what stands in the way. */
  private async attempt(load: Load): Promise<Error | undefined> {
    const { producer, figures } = this.ground;
    const { record } = load;
    const begun = Date.now();
    const error = await failureOf(producer.send([record]));
    if (error === undefined) {
      const now = Date.now();
      figures.kafkaSeconds.observe((now - begun) / 1000);
      figures.produced.inc();
      const time = timeIn(record.value);
      if (time !== undefined) figures.eventLagSeconds.observe((now - time) / 1000);
      load.done();
      return undefined;
    }
    if (!isForGood(error)) return error;
    return failureOf(this.bury(load, error.code, error.message));
  }

  /** The lab is at fault, not the record: it waits, and so does all that comes for its topic after it. */
  private hold(load: Load, error: Error): void {
    if (this.isGone) return this.through(load);
    const { topic, headers } = load.record;
    const code = error instanceof RefusedRecords ? error.code : "FAILED";
    const reason = error.message;
    this.ground.figures.refused.inc({ reason: code, outcome: "held" });
    const known = this.held.get(topic);
    if (known !== undefined) {
      known.loads.push(load);
      return;
    }
    const held = { loads: [load], reason };
    this.held.set(topic, held);
    this.ground.log("error", `Kafka refuses records: ${code}. They wait until that is cured.`, {
      topic,
      mqttTopic: headers?.["mqtt.topic"],
      cause: reason,
    });
    void this.tryAgain(topic, held);
  }

  /** Tries the first of those that are held, until it is through; the others follow in their order. */
  private async tryAgain(topic: string, held: Held): Promise<void> {
    for (let pause = HOLD_MS.first; ; pause = Math.min(pause * 2, HOLD_MS.most)) {
      await sleep(pause, undefined, { ref: false });
      const [first] = held.loads;
      // Let go meanwhile.
      if (first === undefined || this.held.get(topic) !== held) return;
      const error = await this.attempt(first);
      if (this.held.get(topic) !== held) return;
      if (error === undefined) break;
      held.reason = error.message;
    }
    this.held.delete(topic);
    this.ground.log("info", "Kafka takes records again", { topic, held: held.loads.length });
    const [first, ...rest] = held.loads;
    if (first !== undefined) this.through(first);
    for (const load of rest) void this.carry(load);
  }

  /** The record is at fault: no other try can help, and the queue must not stop for it. */
  private async bury(load: Load, code: string, cause: string): Promise<void> {
    const { deadLetters, figures, log } = this.ground;
    const { record } = load;
    const isKept = deadLetters !== undefined && (await this.keepDead(record, deadLetters, code));
    const outcome = isKept ? "dead_letter" : "dropped";
    figures.refused.inc({ reason: code, outcome });
    log("error", `Kafka refuses a record for good: ${code}`, {
      outcome,
      topic: record.topic,
      mqttTopic: record.headers?.["mqtt.topic"],
      bytes: record.value.length,
      cause,
    });
    load.done();
  }

  /** Whether the topic of dead letters took the record; it may be too large there, too. */
  private async keepDead(record: OutRecord, topic: string, code: string): Promise<boolean> {
    const headers = { ...record.headers, "bridge.topic": record.topic, "bridge.error": code };
    const error = await failureOf(this.ground.producer.send([{ ...record, topic, headers }]));
    if (error === undefined) return true;
    if (isForGood(error)) return false;
    throw error;
  }

  private through(load: Load): void {
    if (!this.underWay.delete(load)) return;
    this.count(load.record, -1);
    if (this.underWay.size === 0) for (const resolve of this.idle.splice(0)) resolve();
    this.onRoom();
  }

  private count({ value }: OutRecord, sign: 1 | -1): void {
    this.bytes += sign * value.length;
    this.ground.figures.inFlight.inc(sign);
    this.ground.figures.inFlightBytes.inc(sign * value.length);
  }
}

const isForGood = (error: Error): error is RefusedRecords =>
  error instanceof RefusedRecords && isOfTheRecord(error.code);

/** What it fails with; undefined when it does not. */
const failureOf = (work: Promise<void>): Promise<Error | undefined> =>
  work.then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  );
