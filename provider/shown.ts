import type { CallContext } from "../plugins/common/rpc";
import { waitFor } from "./wait";

/** How long a change may take until the broker that is asked shows it, ms: each follows the controllers in its own time. */
const SHOWN_MS = 15_000;
const INTERVAL_MS = 100;

/** Waits for a change that the controllers have taken. `pending` says what is missing; undefined: nothing is. */
export async function untilShown(
  what: string,
  { signal, log }: CallContext,
  pending: () => Promise<string | undefined>,
): Promise<void> {
  const progress = (line: string): void => log.status(line);
  const options = { what, timeoutMs: SHOWN_MS, intervalMs: INTERVAL_MS, eager: true };
  await waitFor({ ...options, signal, progress }, async () => {
    const missing = await pending();
    return missing === undefined ? { done: undefined } : { pending: missing };
  });
}
