import { LinkEnded, ON_PURPOSE } from "./link";

/** What the work gives, or `stopped` if the signal comes first. The work itself goes on. */
export async function unlessAborted<T>(
  signal: AbortSignal,
  work: Promise<T>,
): Promise<T | "stopped"> {
  let stop = (): void => undefined;
  const stopped = new Promise<"stopped">((resolve) => {
    stop = () => resolve("stopped");
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([work, stopped]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** Waits for an answer that the MQTT broker owes. @throws LinkEnded also once the signal comes */
export async function orEnded(signal: AbortSignal, answer: Promise<void>): Promise<void> {
  if ((await unlessAborted(signal, answer)) === "stopped") throw new LinkEnded(ON_PURPOSE);
}
