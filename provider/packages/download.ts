import { EventEmitter, once, setMaxListeners } from "node:events";

import type { Draft } from "./store";

const CHUNK = 64 * 1024;

/**
 * A file on its way into the store: one writer, and as many readers as want it while it grows. A reader who is
 * slow or gone hinders nobody, and nothing is held in memory for one.
 */
export class Download {
  private readonly events = new EventEmitter();
  private readonly ended: Promise<void>;
  private state: "running" | "whole" | Error = "running";
  private users = 1;

  /**
   * @param size if its server told it, bytes
   * @param write writes all of the draft, and keeps or refuses it; throws where it is not whole
   */
  constructor(
    private readonly draft: Draft,
    readonly size: number | undefined,
    write: (written: () => void) => Promise<void>,
  ) {
    setMaxListeners(0, this.events);
    const told = (): unknown => this.events.emit("more");
    this.ended = write(told)
      .then(
        () => (this.state = "whole"),
        async (error: unknown) => {
          this.state = error instanceof Error ? error : new Error(String(error));
          await draft.discard().catch(() => undefined);
        },
      )
      .then(told)
      .then(() => this.release());
  }

  /** Why it is not whole; undefined: it is. */
  async outcome(): Promise<Error | undefined> {
    await this.ended;
    return this.state instanceof Error ? this.state : undefined;
  }

  /** Whether it can be read here still; else it is kept by now, or was refused. */
  get isOpen(): boolean {
    return this.users > 0;
  }

  /** All of it, as it comes. Throws at the place where it broke off. */
  async *read(): AsyncGenerator<Buffer> {
    this.users++;
    try {
      for (let at = 0; ;) {
        const { size } = this.draft;
        if (at < size) {
          const length = Math.min(CHUNK, size - at);
          const { buffer, bytesRead } = await this.draft.file.read(
            Buffer.alloc(length),
            0,
            length,
            at,
          );
          at += bytesRead;
          yield buffer.subarray(0, bytesRead);
        } else if (this.state === "running") await once(this.events, "more");
        else if (this.state === "whole") return;
        else throw this.state;
      }
    } finally {
      await this.release();
    }
  }

  private async release(): Promise<void> {
    this.users--;
    if (this.users === 0) await this.draft.file.close().catch(() => undefined);
  }
}
