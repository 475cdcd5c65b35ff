const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The exit code of a command that was interrupted before it had done what it was told. */
export const INTERRUPTED = 130;

/**
 * Runs work that can be asked to stop: its signal is aborted by Ctrl-C, and by the other signals that end
 * a process. Without it they would end the process at once, whatever it is about.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  // The same interruption may come several times: a terminal tells every process of `npm run`.
  const onSignal = (): void => stop.abort(new Error("interrupted"));
  for (const name of SIGNALS) process.on(name, onSignal);
  try {
    return await work(stop.signal);
  } finally {
    for (const name of SIGNALS) process.off(name, onSignal);
  }
}
