import type { Writable } from "node:stream";
import { UserError, hasText } from "./errors";

/**
 * What a command prints piece by piece: waits for a slow reader, and knows when there is none any more
 * (`| head`), which is no failure.
 */
export class Output {
  private readonly left = new AbortController();

  constructor(private readonly stream: Writable = process.stdout) {
    // Each failure reaches its own write; without a listener it would end the process as well.
    stream.on("error", () => undefined);
  }

  /** Aborted when nobody reads any more: there is no use in going on. */
  get closed(): AbortSignal {
    return this.left.signal;
  }

  /** @throws UserError when the output fails, e.g. for a full disk; nothing for a reader that has left */
  async write(piece: string | Uint8Array): Promise<void> {
    if (this.closed.aborted) return;
    const error = await new Promise<Error | null | undefined>((resolve) => {
      this.stream.write(piece, resolve);
    });
    if (!error || this.closed.aborted) return;
    if (!hasText(error, "code") || error.code !== "EPIPE") {
      throw new UserError(`The output cannot be written: ${error.message}`);
    }
    this.left.abort();
  }
}
