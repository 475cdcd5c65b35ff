import { setTimeout as sleep } from "node:timers/promises";

export type Probe<T> = { readonly done: T } | { readonly pending: string };

export interface WaitOptions {
  /** What is waited for, as in `waited 30 s for …`. */
  readonly what: string;
  readonly timeoutMs: number;
  /** Pause between two probes, ms. */
  readonly intervalMs: number;
  /**
   * For what is mostly there at once: pauses begin with a few ms and double until they are `intervalMs`, and
   * progress is told from a second on. Default: no.
   */
  readonly eager?: boolean;
  readonly signal: AbortSignal;
  /** Told at each probe that is not done yet: what was seen, and for how long it has been waited. */
  readonly progress: (line: string) => void;
}

/** The first pause of an eager wait, ms. */
const EAGER_MS = 10;
/** What an eager wait keeps to itself, ms: a thousand that tell of their first look are a thousand messages. */
const EAGER_SILENCE_MS = 1_000;

/** Nothing of what was waited for came in time. */
export class WaitTimeoutError extends Error {
  override readonly name = "WaitTimeoutError";
}

/**
 * Probes until done. A `deadline` that grows while work goes on (log recovery) is the probe's
 * business: it calls the `extend` that it is given.
 */
export async function waitFor<T>(
  options: WaitOptions,
  probe: (extend: () => void) => Promise<Probe<T>>,
): Promise<T> {
  const { intervalMs, eager = false } = options;
  const start = Date.now();
  let pauseMs = eager ? Math.min(EAGER_MS, intervalMs) : intervalMs;
  let deadline = start + options.timeoutMs;
  const extend = (): void => {
    deadline = Date.now() + options.timeoutMs;
  };
  for (;;) {
    options.signal.throwIfAborted();
    const result = await probe(extend);
    if ("done" in result) return result.done;
    const seconds = Math.round((Date.now() - start) / 1000);
    if (Date.now() + pauseMs > deadline) {
      throw new WaitTimeoutError(`waited ${seconds} s for ${options.what}: ${result.pending}`);
    }
    if (!eager || Date.now() - start >= EAGER_SILENCE_MS) {
      options.progress(`waiting for ${options.what} (${seconds} s): ${result.pending}`);
    }
    await sleep(pauseMs, undefined, { signal: options.signal });
    pauseMs = Math.min(2 * pauseMs, intervalMs);
  }
}

/** Settles with the promise, or rejects as soon as the signal is aborted; the work itself goes on. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort);
  });
  try {
    // The race also takes the later failure of work that nobody waits for any more.
    return await Promise.race([aborted, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
