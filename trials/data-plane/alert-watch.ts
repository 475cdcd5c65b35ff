import { setTimeout as sleep } from "node:timers/promises";
import type { KafkaAccess } from "../../model";
import type { Alert } from "../../payloads/alerting/core/ledger";
import { TopicReader } from "./topic-reader";

const TOLD_MS = 60_000;
const LOOK_MS = 50;

/** `RULE/SUBJECT`, which names an alert. */
export const alertName = ({ rule, subject }: Pick<Alert, "rule" | "subject">): string =>
  `${rule}/${subject}`;

/** Reads what alerting tells on its Kafka topic. */
export class AlertWatch {
  /** All of it, from the topic's beginning. */
  readonly told: Alert[] = [];
  private readonly reader: TopicReader;

  constructor(access: KafkaAccess, topic: string, group: string) {
    this.reader = new TopicReader(access, topic, group, (batch) => {
      for (const { value } of batch) this.told.push(JSON.parse(value.toString()) as Alert);
    });
  }

  start(signal: AbortSignal): Promise<void> {
    return this.reader.start(signal);
  }

  stop(): Promise<void> {
    return this.reader.stop();
  }

  /**
   * Waits until an alert is told, or was after a moment.
   * @param name `RULE/SUBJECT`
   * @param sinceMs epoch ms, by alerting's clock
   */
  async await(
    status: Alert["status"],
    name: string,
    sinceMs: number,
    signal: AbortSignal,
  ): Promise<Alert> {
    const deadline = performance.now() + TOLD_MS;
    for (;;) {
      this.reader.assertAlive();
      const found = this.told.find(
        (alert) =>
          alert.status === status && alertName(alert) === name && Date.parse(alert.at) >= sinceMs,
      );
      if (found !== undefined) return found;
      if (performance.now() > deadline) {
        const all = this.told.map((alert) => `${alert.status} ${alertName(alert)}`).join(", ");
        throw new Error(
          `waited ${TOLD_MS / 1000} s for the alert ${name} to be told as ${status}; told so far: ${all || "nothing"}`,
        );
      }
      await sleep(LOOK_MS, undefined, { signal });
    }
  }
}
