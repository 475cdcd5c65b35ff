import type { KafkaAccess } from "../../model";
import type { InRecord } from "../../payloads/lib/records";
import { Latencies, type Percentiles } from "../../scripts/lib/load/percentiles";
import { TopicReader } from "./topic-reader";

/** What one device has sent in one session, as far as it was read: its numbers, each once. */
type Numbers = Set<number>;

/**
 * A consumer of telemetry messages with a group of its own. It remembers which it has read, by device, session
 * and number, so that what is missing is known.
 */
export class CountingReader {
  private readonly reader: TopicReader;
  private readonly read = new Map<string, Map<string, Numbers>>();
  /** The time of each device's newest message, epoch ms. */
  private readonly newestOfEach = new Map<string, number>();
  private latencies: Latencies | undefined;

  constructor(access: KafkaAccess, topic: string, group: string) {
    this.reader = new TopicReader(access, topic, group, (batch) => this.take(batch));
  }

  /** @see TopicReader.start */
  start(signal: AbortSignal): Promise<void> {
    return this.reader.start(signal);
  }

  stop(): Promise<void> {
    return this.reader.stop();
  }

  assertAlive(): void {
    this.reader.assertAlive();
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
    return Math.max(0, ...this.newestOfEach.values());
  }

  /** The same of one device; 0 where none of it was read. */
  newestOf(device: string): number {
    return this.newestOfEach.get(device) ?? 0;
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
      const timeMs = Date.parse(time);
      this.newestOfEach.set(device, Math.max(this.newestOf(device), timeMs));
      this.latencies?.record(now - timeMs);
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
