import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

/** How long a program may take to end on a signal, ms. */
const STOP_MS = 30_000;

export const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean =>
  exitCode !== null || signalCode !== null;

/**
 * Ends a program, if it runs, and waits for its end.
 *
 * @throws where it takes longer than 30 s; it is killed then
 */
export async function endChild(
  name: string,
  child: ChildProcess | undefined,
  signal: NodeJS.Signals,
): Promise<void> {
  if (child === undefined || hasEnded(child)) return;
  const ended = once(child, "exit");
  child.kill(signal);
  const late = sleep(STOP_MS, "late", { ref: false });
  if ((await Promise.race([ended, late])) !== "late") return;
  child.kill("SIGKILL");
  await ended;
  throw new Error(`waited ${STOP_MS / 1000} s for ${name} to end on ${signal}`);
}
