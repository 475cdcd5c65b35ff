import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../lib/log";
import type { InRecord } from "../lib/records";
import { compressed, type DataFile, toFiles } from "./data-file";
import type { Figures } from "./figures";
import { pauseMs } from "./retry";
import { type Workspace, WorkspaceError } from "./workspace";

/** The program is to end; what is not uploaded is read again by the next one. */
export class Stopped extends Error {
  override readonly name = "Stopped";
  constructor() {
    super("stopped before all of it was uploaded");
  }
}

interface Options {
  readonly workspace: Pick<Workspace, "upload">;
  readonly figures: Figures;
  readonly log: Log;
  /** No new try is begun once it is aborted. */
  readonly stopping: AbortSignal;
  /** Ends what is under way. */
  readonly giveUp: AbortSignal;
  /** Before the second try, ms. Default 1000. */
  readonly firstPauseMs?: number;
}

/**
 * Uploads batches of records, one file after the other, and tries again for ever: Kafka keeps what waits. At
 * most one batch is in memory.
 */
export class Uploader {
  private failingSince: number | undefined;
  private cause = "";
  /** By topic and partition, the offset that should come next. */
  private readonly next = new Map<string, bigint>();

  constructor(private readonly options: Options) {}

  /** Undefined while uploads succeed, else what is wrong in words. */
  problem(): string | undefined {
    if (this.failingSince === undefined) return undefined;
    const seconds = Math.round((Date.now() - this.failingSince) / 1000);
    return `nothing uploaded for ${seconds} s, the records wait in Kafka: ${this.cause}`;
  }

  /**
   * Resolves once the workspace has all of it.
   * @throws Stopped
   */
  async take(batch: readonly InRecord[]): Promise<void> {
    this.countGaps(batch);
    for (const file of toFiles(batch)) await this.uploadFile(file);
  }

  private async uploadFile(file: DataFile): Promise<void> {
    const { workspace, figures, giveUp, stopping, log } = this.options;
    const body = await compressed(file.lines);
    const done = figures.uploadSeconds.startTimer();
    for (let failures = 0; !stopping.aborted;) {
      try {
        await workspace.upload(file.path, body, giveUp);
      } catch (error) {
        if (!(error instanceof WorkspaceError)) throw error;
        failures += 1;
        this.failed(error);
        const { firstPauseMs } = this.options;
        const ms = pauseMs(failures, error.retryMs, Math.random(), firstPauseMs);
        await sleep(ms, undefined, { signal: stopping }).catch(() => {});
        continue;
      }
      done();
      this.succeeded();
      figures.files.inc();
      figures.records.inc(file.records);
      figures.bytes.inc(file.bytes);
      figures.sentBytes.inc(body.length);
      figures.lastUpload.setToCurrentTime();
      log("debug", "uploaded", { file: file.path, records: file.records });
      return;
    }
    throw new Stopped();
  }

  private failed({ message, status }: WorkspaceError): void {
    const { figures, log } = this.options;
    figures.failures.inc({ status: status === undefined ? "none" : String(status) });
    const words = `${message}${remedyOf(status)}`;
    // A lab may be offline for weeks: the journal is told once.
    if (this.failingSince === undefined || words !== this.cause) {
      log("warn", "not uploaded, tried again until it is", { cause: words });
    }
    this.failingSince ??= Date.now();
    this.cause = words;
  }

  private succeeded(): void {
    if (this.failingSince === undefined) return;
    const seconds = Math.round((Date.now() - this.failingSince) / 1000);
    this.options.log("info", "uploads succeed again", { seconds });
    this.failingSince = undefined;
    this.cause = "";
  }

  private countGaps(batch: readonly InRecord[]): void {
    for (const { topic, partition, offset } of batch) {
      const key = `${topic} ${partition}`;
      const expected = this.next.get(key) ?? offset;
      // Below it: it comes again, or the topic was made anew.
      if (offset > expected) this.options.figures.skipped.inc(Number(offset - expected));
      this.next.set(key, offset + 1n);
    }
  }
}

function remedyOf(status: number | undefined): string {
  switch (status) {
    case 401:
      return ". Set pi-lab:databricksSecret to a valid secret (lab.databricks.clientId says of whom)";
    case 403:
      return ". Grant WRITE VOLUME on the volume, and USE on its catalog and schema";
    case 404:
      return ". Create the volume that lab.databricks.volume names";
    case undefined:
    default:
      return "";
  }
}
