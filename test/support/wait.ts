import { setTimeout as sleep } from "node:timers/promises";

export interface WaitOptions {
  /** Default two minutes: the machine may be busy with three JVMs that start. */
  readonly deadlineMs?: number;
  readonly pauseMs?: number;
}

/**
 * Asks until there is an answer other than undefined, and gives that.
 * @param what goes on after "waited for": it is told, with what was seen last, when time is over
 * @param probe may throw: that is no answer yet
 */
export async function waitFor<T>(
  what: string,
  probe: () => Promise<T | undefined>,
  { deadlineMs = 120_000, pauseMs = 300 }: WaitOptions = {},
): Promise<T> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    let last = "no answer yet";
    try {
      const answer = await probe();
      if (answer !== undefined) return answer;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    if (Date.now() >= deadline) {
      throw new Error(`waited ${deadlineMs / 1000} s for ${what}; last seen: ${last}`);
    }
    await sleep(pauseMs);
  }
}
