import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../../../toolchain/log";
import { UserError } from "../errors";
import type { StoredRecord } from "../records/port";
import { Devices } from "./devices";
import { watchGenerator } from "./generator-use";
import { Ledger } from "./ledger";
import { figure } from "./limits";
import { decodeMessage, deviceName, encodeMessage } from "./message";
import { reasonName, type DeviceHooks, type LoadTarget } from "./mqtt-device";
import { Latencies } from "./percentiles";
import type { ReadBack } from "./read-back";
import type { GeneratorUse, StageEnd, StageResult } from "./result";
import { Schedule, type Stage } from "./schedule";

export interface StageGround {
  readonly target: LoadTarget;
  readonly readBack: ReadBack;
  /** In every message of the stage, and in no other's. */
  readonly session: string;
  readonly wait: Wait;
  readonly signal: AbortSignal;
  readonly log: Log;
}

/** How long what is missing at the end of a stage is waited for, ms. */
export interface Wait {
  /** Given up when nothing new has come for so long. */
  readonly silenceMs: number;
  /** Given up after so long, even while something comes. */
  readonly mostMs: number;
}

/** After Ctrl-C, what is under way may still arrive, ms. */
const INTERRUPTED_WAIT: Wait = { silenceMs: 2_000, mostMs: 5_000 };
const LOOK_MS = 50;
/** After everything is back: a message that is there twice comes a little later. */
const SETTLE_MS = 500;
const PROGRESS_MS = 5_000;
/** MQTT 5: taken, and nobody has subscribed to it. */
const NO_SUBSCRIBERS = 0x10;
const REFUSED = 0x80;
/** How many lost messages are told by name. */
const SOME = 5;

/** Runs one stage, to its end or until the signal is aborted. */
export async function runStage(stage: Stage, ground: StageGround): Promise<StageResult> {
  return new StageRun(stage, ground).run();
}

class StageRun implements DeviceHooks {
  private readonly schedule: Schedule;
  private readonly ledger: Ledger;
  private readonly latencies = {
    sent: new Latencies(),
    puback: new Latencies(),
    kafka: new Latencies(),
    read: new Latencies(),
  };
  private readonly refusals = new Tally();
  private readonly disconnects = new Tally();
  private unheard = 0;
  private resent = 0;
  /** By the monotonic clock and by the calendar's. */
  private begin = { ms: 0, epochMs: 0 };
  private due = 0;
  private readonly fault = new AbortController();

  constructor(
    private readonly stage: Stage,
    private readonly ground: StageGround,
  ) {
    this.schedule = new Schedule(stage);
    this.ledger = new Ledger(this.schedule.total);
  }

  async run(): Promise<StageResult> {
    const { target, readBack, signal, log } = this.ground;
    const { devices: count, ratePerSecond, seconds } = this.stage;
    log(
      `${figure(count)} devices, ${figure(count * ratePerSecond)} messages a second, for ${seconds} s: connecting …`,
    );
    const devices = await Devices.connect(count, target, this, signal);
    const gapsBefore = readBack.gaps;
    const progress = setInterval(() => log(this.progress()), PROGRESS_MS);
    try {
      readBack.handTo((record) => this.onRecord(record));
      const watch = watchGenerator();
      this.begin = { ms: performance.now(), epochMs: Date.now() };
      await this.send(devices);
      const generator = watch.use();
      const end = await this.drain(devices);
      const drainMs = Math.max(
        0,
        this.elapsedMs() - this.schedule.dueMs(Math.max(0, this.due - 1)),
      );
      await sleep(SETTLE_MS);
      const unread = end === "complete" ? 0 : await this.unread();
      const more = unread + readBack.gaps - gapsBefore;
      return this.result({ end, drainMs, generator, more });
    } finally {
      clearInterval(progress);
      devices.close();
    }
  }

  /** Lets messages out as they become due, whatever the lab does. */
  private async send(devices: Devices): Promise<void> {
    const { signal } = this.ground;
    const { total } = this.schedule;
    while (this.due < total && !signal.aborted) {
      this.assertSound();
      const due = this.schedule.dueAfter(this.elapsedMs());
      for (; this.due < due; this.due++) {
        devices.release(this.schedule.deviceOf(this.due), this.schedule.sequenceOf(this.due) + 1);
      }
      if (this.due === total) return;
      // A timer fires a millisecond late or two, and then lets out what has become due meanwhile.
      const waitMs = this.schedule.dueMs(this.due) - this.elapsedMs();
      await sleep(Math.max(1, waitMs), undefined, { signal }).catch(() => undefined);
    }
  }

  private async drain(devices: Devices): Promise<StageEnd> {
    const { ledger } = this;
    const began = performance.now();
    let [last, lastMs] = [-1, began];
    for (;;) {
      this.assertSound();
      if (devices.idle && ledger.missing === 0) {
        return this.ground.signal.aborted ? "interrupted" : "complete";
      }
      const now = performance.now();
      const count = ledger.sent + ledger.acknowledged + ledger.records;
      if (count !== last) [last, lastMs] = [count, now];
      const { aborted } = this.ground.signal;
      const wait = aborted ? INTERRUPTED_WAIT : this.ground.wait;
      const over = now - began > wait.mostMs;
      if (over || now - lastMs > wait.silenceMs) {
        return aborted ? "interrupted" : over ? "late" : "silent";
      }
      await sleep(LOOK_MS);
    }
  }

  private async unread(): Promise<number> {
    try {
      return await this.ground.readBack.unread(AbortSignal.timeout(INTERRUPTED_WAIT.mostMs));
    } catch (error) {
      this.ground.log(`The topic's ends cannot be asked for: ${(error as Error).message}`);
      return 0;
    }
  }

  private assertSound(): void {
    this.fault.signal.throwIfAborted();
    this.ground.readBack.assertAlive();
  }

  private elapsedMs(): number {
    return performance.now() - this.begin.ms;
  }

  /** Since a message was due. */
  private latencyMs(index: number): number {
    return Math.max(0, this.elapsedMs() - this.schedule.dueMs(index));
  }

  payload(device: number, sequence: number): string {
    const dueMs = this.schedule.dueMs(this.indexOf(device, sequence));
    return encodeMessage(this.ground.session, { device, sequence }, this.begin.epochMs + dueMs);
  }

  onSent(device: number, sequence: number, again: boolean): void {
    const index = this.indexOf(device, sequence);
    if (again) this.resent += 1;
    else if (this.ledger.send(index)) this.latencies.sent.record(this.latencyMs(index));
  }

  onPuback(device: number, sequence: number, reason: number): void {
    if (reason >= REFUSED) {
      this.refusals.add(reasonName(reason));
      return;
    }
    if (reason === NO_SUBSCRIBERS) this.unheard += 1;
    const index = this.indexOf(device, sequence);
    if (this.ledger.acknowledge(index)) this.latencies.puback.record(this.latencyMs(index));
  }

  onDisconnect(_device: number, reason: string): void {
    this.disconnects.add(reason);
  }

  onTakenOver(device: number): void {
    this.fault.abort(
      new UserError(
        `${deviceName(device)} cannot stay connected, as when another client connects with its id. Only one load can run on a lab at a time: stop the other one.`,
      ),
    );
  }

  private onRecord({ value, timestampMs }: StoredRecord): void {
    const message = decodeMessage(this.ground.session, value);
    if (message === undefined) return;
    const index = this.schedule.indexOf(message.device, message.sequence);
    if (index === undefined || !this.ledger.readBack(index)) return;
    this.latencies.read.record(this.latencyMs(index));
    const dueMs = this.begin.epochMs + this.schedule.dueMs(index);
    // Kafka's time is in whole milliseconds, and so is ours here.
    this.latencies.kafka.record(Number(timestampMs) - Math.floor(dueMs));
  }

  private indexOf(device: number, sequence: number): number {
    const index = this.schedule.indexOf(device, sequence);
    if (index === undefined) throw new Error(`bug: device ${device} has no message ${sequence}`);
    return index;
  }

  private progress(): string {
    const { sent, acknowledged, read, total } = this.ledger;
    const seconds = Math.round(this.elapsedMs() / 1000);
    const disconnects =
      this.disconnects.total === 0 ? "" : `, ${this.disconnects.total} disconnects`;
    return `  … ${seconds} s: of ${figure(total)} messages ${figure(sent)} sent, ${figure(acknowledged)} acknowledged, ${figure(read)} read back${disconnects}`;
  }

  private result(ended: {
    readonly end: StageEnd;
    readonly drainMs: number;
    readonly generator: GeneratorUse;
    readonly more: number;
  }): StageResult {
    const { ledger, latencies, schedule } = this;
    const { more, ...rest } = ended;
    return {
      ...this.stage,
      ...rest,
      session: this.ground.session,
      due: this.due,
      sent: ledger.sent,
      acknowledged: ledger.acknowledged,
      refused: this.refusals.total,
      refusals: this.refusals.texts(),
      unheard: this.unheard,
      inKafka: ledger.records + more,
      read: ledger.read,
      lost: ledger.missing,
      lostMessages: ledger
        .firstMissing(SOME)
        .map((i) => `${deviceName(schedule.deviceOf(i))} number ${schedule.sequenceOf(i)}`),
      duplicates: ledger.duplicates,
      disconnects: this.disconnects.total,
      disconnectReasons: this.disconnects.texts(),
      resent: this.resent,
      beforeDue: latencies.kafka.negative,
      latencyMs: {
        sent: latencies.sent.percentiles(),
        puback: latencies.puback.percentiles(),
        kafka: latencies.kafka.percentiles(),
        read: latencies.read.percentiles(),
      },
    };
  }
}

/** How often each text came; of many different ones the first few. */
class Tally {
  private readonly counts = new Map<string, number>();
  total = 0;

  add(text: string): void {
    this.total += 1;
    const key = this.counts.has(text) || this.counts.size < SOME ? text : "other reasons";
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
  }

  texts(): string[] {
    return [...this.counts].map(([text, count]) => `${text} (${count})`);
  }
}
