import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../lib/log";
import type { RecordConsumer } from "../lib/records";

/** Before reading begins again that ended by an error, ms. */
const REOPEN_MS = 5_000;

type Handle = Parameters<RecordConsumer["run"]>[0];

/** A reader, and whether it reads all that is its. */
export interface Reader extends RecordConsumer {
  trouble(): string | undefined;
}

/** Reads until `close`: with another reader where one has ended by an error, such as a batch that is damaged. */
export class TelemetryReader {
  private readonly stopping = new AbortController();
  private reader: Reader;
  private failure: string | undefined;
  private readonly reading: Promise<void>;

  /** @param open makes a reader that begins where reading is to go on now */
  constructor(
    private readonly open: () => Reader,
    private readonly handle: Handle,
    private readonly log: Log,
    private readonly pauseMs = REOPEN_MS,
  ) {
    this.reader = open();
    this.reading = this.read();
  }

  /** Undefined while all telemetry is read, else what is wrong in words. */
  trouble(): string | undefined {
    return this.failure ?? this.reader.trouble();
  }

  async close(): Promise<void> {
    this.stopping.abort();
    await this.reader.close();
    await this.reading;
  }

  private async read(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        return await this.reader.run(this.handle);
      } catch (error) {
        const words = error instanceof Error ? error.message : String(error);
        this.failure = `reading telemetry has ended: ${words}`;
        this.log("error", `${this.failure}; it begins again`, { seconds: this.pauseMs / 1000 });
      }
      await this.reader.close();
      await sleep(this.pauseMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      this.reader = this.open();
      this.failure = undefined;
    }
  }
}
