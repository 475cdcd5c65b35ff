import { setTimeout as sleep } from "node:timers/promises";
import { bootstrapServers, type Lab } from "../../model";
import { KafkaConsumer } from "../../payloads/lib/kafka";
import type { InRecord } from "../../payloads/lib/records";
import { Latencies, type Percentiles } from "../../scripts/lib/load/percentiles";

const BEGIN_MS = 60_000;
const PAUSE_MS = 100;

/** What one device has sent in one session, as far as it was read: its numbers, each once. */
type Numbers = Set<number>;

/**
 * A consumer of telemetry messages with a group of its own. It remembers which it has read, by device, session
 * and number, so that what is missing is known.
 */
export class CountingReader {
  private consumer: KafkaConsumer | undefined;
  private reading: Promise<void> = Promise.resolve();
  private failure: Error | undefined;
  private readonly read = new Map<string, Map<string, Numbers>>();
  private latencies: Latencies | undefined;
  private newest = 0;

  constructor(
    private readonly lab: Lab,
    private readonly topic: string,
    private readonly group: string,
  ) {}

  /** Begins where its group has stopped, at first at the topic's beginning; resolves once it reads. */
  async start(signal: AbortSignal): Promise<void> {
    const consumer = new KafkaConsumer(
      { bootstrapServers: bootstrapServers(this.lab).split(",") },
      { group: this.group, topics: [this.topic], from: "earliest" },
      () => undefined,
    );
    this.consumer = consumer;
    this.reading = consumer
      .run((batch) => Promise.resolve(this.take(batch)))
      .catch((error: Error) => {
        this.failure = error;
      });
    const deadline = performance.now() + BEGIN_MS;
    for (let trouble = consumer.trouble(); trouble !== undefined; trouble = consumer.trouble()) {
      this.assertAlive();
      if (performance.now() > deadline) {
        throw new Error(`waited ${BEGIN_MS / 1000} s for ${this.group} to read: ${trouble}`);
      }
      await sleep(PAUSE_MS, undefined, { signal });
    }
  }

  async stop(): Promise<void> {
    await this.consumer?.close();
    await this.reading;
    this.consumer = undefined;
  }

  /** @throws what has ended its reading, if anything has */
  assertAlive(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  /** How many different messages of a session it has read. */
  count(session: string): number {
    const devices = this.read.get(session)?.values() ?? [];
    return [...devices].reduce((sum, numbers) => sum + numbers.size, 0);
  }

  /**
   * How late messages come from now on, from the time in the message.
   * @returns ends that, and tells; undefined where none came
   */
  watch(): () => Percentiles | undefined {
    const latencies = (this.latencies = new Latencies());
    return () => {
      this.latencies = undefined;
      return latencies.percentiles();
    };
  }

  /** The time of the newest message that it has read, epoch ms. */
  get newestMs(): number {
    return this.newest;
  }

  /** Every device that was heard, each once. */
  get devices(): string[] {
    return [...new Set([...this.read.values()].flatMap((found) => [...found.keys()]))].sort();
  }

  /** Numbers that are missing between those that were read, as `DEVICE 17 to 19`. */
  gaps(): string[] {
    return [...this.read.values()].flatMap((devices) =>
      [...devices].flatMap(([device, numbers]) => gapsOf(device, numbers)),
    );
  }

  private take(batch: readonly InRecord[]): void {
    const now = Date.now();
    for (const { value } of batch) {
      const message = readMessage(value);
      if (message === undefined) continue;
      const { device, session, seq, time } = message;
      let devices = this.read.get(session);
      if (devices === undefined) this.read.set(session, (devices = new Map<string, Numbers>()));
      let numbers = devices.get(device);
      if (numbers === undefined) devices.set(device, (numbers = new Set()));
      if (numbers.has(seq)) continue;
      numbers.add(seq);
      this.newest = Math.max(this.newest, Date.parse(time));
      this.latencies?.record(now - Date.parse(time));
    }
  }
}

interface Message {
  readonly device: string;
  readonly session: string;
  readonly seq: number;
  readonly time: string;
}

function readMessage(value: Buffer): Message | undefined {
  try {
    const { device, session, seq, time } = JSON.parse(value.toString()) as Partial<Message>;
    if (device === undefined || session === undefined || seq === undefined || time === undefined)
      return undefined;
    return { device, session, seq, time };
  } catch {
    return undefined;
  }
}

/** Between the least and the greatest that were read. */
export function gapsOf(device: string, numbers: ReadonlySet<number>): string[] {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted.flatMap((seq, i) => {
    const before = sorted[i - 1];
    if (before === undefined || seq === before + 1) return [];
    return [`${device} ${before + 1} to ${seq - 1}`];
  });
}
