import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "ssh2";
import type { SshTarget } from "./dial";
import { addressOf, dialOnce, prepare, reasonOf } from "./dial";
import { SshError } from "./errors";
import { SshSession } from "./session";

/** Where progress is told; a provider's log fits. */
export interface SshLog {
  status(message: string): void;
}

export interface ConnectOptions {
  /** For one try, until the login; 0 for no limit. Default: 15,000. */
  readonly dialTimeoutMs?: number;
  /** Further tries after the first one; -1 for no limit. Default: 10. */
  readonly retries?: number;
  readonly log?: SshLog;
  /** Ends the dialling, and whatever the session is doing later. */
  readonly signal?: AbortSignal;
}

const FIRST_DELAY_MS = 100;
const DELAY_FACTOR = 1.5;
const MAX_DELAY_MS = 5_000;

/**
 * Connects and logs in. A host that does not answer yet is tried again after 0.1 s, then ever
 * more slowly up to every 5 s; a wrong host key or a refused login is final at once.
 */
export async function connect(
  target: SshTarget,
  options: ConnectOptions = {},
): Promise<SshSession> {
  const { dialTimeoutMs = 15_000, retries = 10, log, signal } = options;
  const prepared = prepare(target);
  const started = Date.now();
  for (let attempt = 1, delay = FIRST_DELAY_MS; ; attempt++) {
    let client: Client;
    try {
      client = await dialOnce(prepared, dialTimeoutMs, signal);
    } catch (error) {
      if (!(error instanceof SshError) || !error.canRetry) throw error;
      if (retries >= 0 && attempt > retries) throw gaveUp(error, attempt, Date.now() - started);
      const limit = retries < 0 ? "" : ` of ${retries + 1}`;
      log?.status(`${error.message}; that was try ${attempt}${limit}`);
      await sleep(delay, undefined, signal && { signal }).catch(() => {
        const text = `dialling ${addressOf(target)}: ${reasonOf(signal)}`;
        throw new SshError("aborted", text);
      });
      delay = Math.min(delay * DELAY_FACTOR, MAX_DELAY_MS);
      continue;
    }
    return new SshSession(client, addressOf(target), signal);
  }
}

function gaveUp(last: SshError, attempts: number, tookMs: number): SshError {
  const tries = attempts === 1 ? "1 try" : `${attempts} tries`;
  return new SshError(
    last.code,
    `${last.message} (${tries} in ${(tookMs / 1000).toFixed(1)} s). Is the host on, is its ` +
      "address right, and does sshd run there?",
    { cause: last },
  );
}
