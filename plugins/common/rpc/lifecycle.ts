import { setMaxListeners } from "node:events";
import { CancelledError } from "./errors";

/**
 * Whether work may still begin in this process. Once ended, it stays so: the engine starts a new
 * plugin for its next run.
 */
export class Lifecycle {
  private readonly controller = new AbortController();
  private underWay = 0;

  constructor() {
    // Every call under way listens, and the engine makes dozens at once; the warning about more
    // than ten would be shown to the user.
    setMaxListeners(0, this.controller.signal);
  }

  /** Aborted with a CancelledError as its reason. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Nothing is under way that still has to be answered. */
  get idle(): boolean {
    return this.underWay === 0;
  }

  /** Counts work as under way until it ends. */
  async track(work: Promise<void>): Promise<void> {
    this.underWay += 1;
    try {
      await work;
    } finally {
      this.underWay -= 1;
    }
  }

  /** Refuses all further work and aborts what is under way. */
  end(reason: string | CancelledError): void {
    const error = typeof reason === "string" ? new CancelledError(reason) : reason;
    if (!this.signal.aborted) this.controller.abort(error);
  }
}
