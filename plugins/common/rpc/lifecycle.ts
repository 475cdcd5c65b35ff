import { setMaxListeners } from "node:events";
import { CancelledError } from "./errors";

/**
 * Whether work may still begin in this process. Once ended, it stays so: the engine starts a new
 * plugin for its next run.
 */
export class Lifecycle {
  private readonly controller = new AbortController();

  constructor() {
    // Every call under way listens, and the engine makes dozens at once; the warning about more
    // than ten would be shown to the user.
    setMaxListeners(0, this.controller.signal);
  }

  /** Aborted with a CancelledError as its reason. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Refuses all further work and aborts what is under way. */
  end(reason: string): void {
    if (!this.signal.aborted) this.controller.abort(new CancelledError(reason));
  }
}
