import { setTimeout as sleep } from "node:timers/promises";
import type { KafkaAccess } from "../../model";
import { KafkaConsumer } from "../../payloads/lib/kafka";
import type { InRecord } from "../../payloads/lib/records";

const BEGIN_MS = 60_000;
const PAUSE_MS = 100;

/** A consumer of one topic with a group of its own, that can be stopped and go on. */
export class TopicReader {
  private consumer: KafkaConsumer | undefined;
  private reading: Promise<void> = Promise.resolve();
  private failure: Error | undefined;

  constructor(
    private readonly access: KafkaAccess,
    private readonly topic: string,
    private readonly group: string,
    private readonly take: (batch: readonly InRecord[]) => void,
  ) {}

  /** Begins where its group has stopped, at first at the topic's beginning; resolves once it reads. */
  async start(signal: AbortSignal): Promise<void> {
    const consumer = new KafkaConsumer(
      this.access,
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
}
