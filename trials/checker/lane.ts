import { setTimeout as sleep } from "node:timers/promises";
import { KafkaError } from "../../provider/admin/port";
import type { Appended, RecordLog } from "./log";

/** Records in one request at most: after a long stall many wait, and a broker takes 1 MiB. */
const MAX_BATCH = 500;

/** Between two tries of the same records. */
const RETRY_MS = 100;

export interface LaneOptions {
  readonly log: RecordLog;
  readonly partition: number;
  /** The text of a record. */
  readonly render: (id: number) => string;
  readonly onAck: (ids: readonly number[], appended: Appended) => void;
  /** A try that failed, and why. */
  readonly onFailure: (reason: string) => void;
  /** Gives up what is not acknowledged yet. */
  readonly signal: AbortSignal;
}

/**
 * Writes one partition's records in their order, one request at a time, each until it is acknowledged.
 * While a request is out the next records gather behind it, so that the offered rate stays what it is.
 */
export class Lane {
  private readonly waiting: number[] = [];
  private closed = false;
  private wake = (): void => undefined;

  constructor(private readonly options: LaneOptions) {}

  offer(id: number): void {
    this.waiting.push(id);
    this.wake();
  }

  /** Nothing more is offered: `run` ends once all is acknowledged. */
  close(): void {
    this.closed = true;
    this.wake();
  }

  async run(): Promise<void> {
    const { signal } = this.options;
    signal.addEventListener("abort", () => this.wake(), { once: true });
    while (!signal.aborted) {
      const ids = this.waiting.slice(0, MAX_BATCH);
      if (ids.length > 0) await this.write(ids);
      else if (this.closed) return;
      else await this.offered();
    }
  }

  private async write(ids: readonly number[]): Promise<void> {
    const { log, partition, render, onAck, onFailure, signal } = this.options;
    const values = ids.map(render);
    // The same records again and again, none added: each try that arrived counts as one duplicate.
    while (!signal.aborted) {
      try {
        onAck(ids, await log.append(partition, values, signal));
        this.waiting.splice(0, ids.length);
        return;
      } catch (error) {
        if (signal.aborted) return;
        onFailure(reasonToCount(error));
        await sleep(RETRY_MS);
      }
    }
  }

  private offered(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }
}

/** Kafka's name of the error, which says it for all records; else that the connection failed. */
function reasonToCount(error: unknown): string {
  return error instanceof KafkaError && error.code !== undefined ? error.code : "connection";
}
