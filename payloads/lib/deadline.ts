/** The time that some work was given is over. */
export class DeadlineError extends Error {
  override readonly name = "DeadlineError";
}

/**
 * Does some work with a signal that comes when the time is over, or with the outer one.
 *
 * Not by `AbortSignal.any` with `AbortSignal.timeout`: Node.js 20 may collect the two before they fire when
 * nothing else holds them, and then they never do.
 */
export async function withDeadline<T>(
  ms: number,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const inner = new AbortController();
  const stop = (): void => inner.abort(outer.reason);
  const timer = setTimeout(
    () => inner.abort(new DeadlineError(`no answer within ${ms / 1000} s`)),
    ms,
  );
  outer.addEventListener("abort", stop, { once: true });
  if (outer.aborted) stop();
  try {
    return await work(inner.signal);
  } finally {
    clearTimeout(timer);
    outer.removeEventListener("abort", stop);
  }
}

/** What is told so much after its limit was not waited for, ms. */
const STOOD_STILL_MS = 500;

/**
 * Whether the program itself stood still while it waited: then a silence says nothing of the other side.
 * @param begun when it began to wait, monotonic ms
 * @param ms its limit
 */
export const stoodStill = (begun: number, ms: number): boolean =>
  performance.now() - begun > ms + STOOD_STILL_MS;
