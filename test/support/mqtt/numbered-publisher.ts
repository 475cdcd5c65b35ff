import { setTimeout as sleep } from "node:timers/promises";
import type { MqttAccess } from "../../../model";
import { Link, LinkEnded } from "../../../payloads/bridge/link";

/**
 * Publishes numbered messages of quality of service 1 in their order, at a pace, and keeps which of them
 * the MQTT broker has acknowledged. What it had not when the connection broke is published again.
 */
export class NumberedPublisher {
  readonly acknowledged = new Set<number>();
  /** How many were published, those that were published again counted each time. */
  published = 0;
  private readonly stopping = new AbortController();
  private readonly running: Promise<void>;

  /** @param topicOf the topic of each number; a topic's messages stay in their order */
  constructor(
    private readonly access: MqttAccess,
    private readonly clientId: string,
    private readonly count: number,
    private readonly perSecond: number,
    private readonly topicOf: (n: number) => string,
  ) {
    this.running = this.run();
  }

  /** Resolves when all are acknowledged. */
  get finished(): Promise<void> {
    return this.running;
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    for (let next = 1; next <= this.count && !this.stopping.signal.aborted;) {
      try {
        next = await this.publishFrom(next);
      } catch (error) {
        if (!(error instanceof LinkEnded)) throw error;
        // In order: from the first that is not acknowledged.
        next = this.firstOpen();
        await sleep(100);
      }
    }
  }

  private async publishFrom(first: number): Promise<number> {
    const options = {
      ...{ access: this.access, clientId: this.clientId, persistent: false, receiveMaximum: 10 },
      onPublish: () => undefined,
    };
    const link = await Link.open(options, this.stopping.signal);
    try {
      const tick = 20;
      for (let next = first; next <= this.count && !this.stopping.signal.aborted;) {
        const portion = Math.min(Math.ceil((this.perSecond * tick) / 1000), this.count - next + 1);
        await Promise.all(
          Array.from({ length: portion }, async (_, i) => {
            const n = next + i;
            const payload = JSON.stringify({ n, time: new Date().toISOString() });
            this.published++;
            await link.publish(this.topicOf(n), payload, { qos: 1, retain: false });
            this.acknowledged.add(n);
          }),
        );
        next += portion;
        await sleep(tick);
      }
      return this.count + 1;
    } finally {
      await link.disconnect();
    }
  }

  private firstOpen(): number {
    let n = 1;
    while (this.acknowledged.has(n)) n++;
    return n;
  }
}
