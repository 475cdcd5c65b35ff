import type { ChildProcessByStdio } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { nameOfUrn, parseEvent, type EngineEvent } from "../../scripts/lib/engine-events";

/** How an `up` that was watched ended. */
export interface WatchedUp {
  /** Undefined when it was killed. */
  readonly exitCode: number | undefined;
  /** Killed because it took too long. */
  readonly timedOut: boolean;
  readonly events: readonly EngineEvent[];
  /** Errors of resources, and all that was printed beside events. */
  readonly output: string;
}

export interface WatchOptions {
  /** Kills at the first event for which this is true. */
  readonly killAt?: (event: EngineEvent) => boolean;
  /** What is killed there. Default: the command and its engine, which cannot tidy up then. */
  readonly kill?: () => void;
  /** At the first event for which this is true it is told to cancel, as by a user's Ctrl-C. */
  readonly cancelAt?: (event: EngineEvent) => boolean;
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

/** @param child an `up` that prints events, in a group of processes of its own */
export async function watchUp(
  child: ChildProcessByStdio<null, Readable, Readable>,
  options: WatchOptions,
): Promise<WatchedUp> {
  const { killAt, cancelAt, deadlineMs, signal } = options;
  const events: EngineEvent[] = [];
  const said: string[] = [];
  let [killed, cancelled, timedOut] = [false, false, false];
  const killGroup = (): void => {
    // The plugins have groups of their own, as in a user's crash: they are left behind.
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  };
  const onEvent = (event: EngineEvent): void => {
    events.push(event);
    const { urn, severity, message } = event.diagnosticEvent ?? {};
    if (severity === "error") said.push(`${urn ? nameOfUrn(urn) : "engine"}: ${message}`);
    if (!cancelled && cancelAt?.(event) === true) {
      cancelled = true;
      child.kill("SIGINT");
    }
    if (!killed && killAt?.(event) === true) {
      killed = true;
      (options.kill ?? killGroup)();
    }
  };
  createInterface({ input: child.stdout }).on("line", (line) => {
    const event = parseEvent(line);
    if (event === undefined) said.push(line);
    else onEvent(event);
  });
  createInterface({ input: child.stderr }).on("line", (line) => said.push(line));
  const timer = setTimeout(() => {
    timedOut = true;
    said.push(`not done after ${deadlineMs / 1000} s: killed`);
    killGroup();
  }, deadlineMs);
  signal.addEventListener("abort", killGroup, { once: true });
  try {
    // Not "close": plugins that are left behind hold the pipes open.
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on("error", reject);
      child.on("exit", resolve);
    });
    signal.throwIfAborted();
    return { exitCode: code ?? undefined, timedOut, events, output: said.join("\n") };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", killGroup);
    child.stdout.destroy();
    child.stderr.destroy();
  }
}
