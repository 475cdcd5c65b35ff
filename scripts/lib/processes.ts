import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { linuxStat, processStart } from "../../toolchain/process-start";
import { hasText } from "./errors";

/** One process for good: a number alone may be given to another process later. */
export interface ProcessId {
  readonly pid: number;
  /** Start time in the words of this system, boot included. Only ever compared for equality. */
  readonly start: string;
}

/** The identity of a living process; undefined when there is none by that number (a zombie is none). */
export function processId(pid: number): ProcessId | undefined {
  const start = processStart(pid);
  return start === undefined ? undefined : { pid, start };
}

/** Whether exactly this process still lives. */
export function isAlive(id: ProcessId): boolean {
  return processId(id.pid)?.start === id.start;
}

/** When a living process started, as far as the system tells (to about a second); undefined when it does not live. */
export function startedAt(pid: number): Date | undefined {
  if (process.platform !== "linux") {
    const start = processStart(pid);
    return start === undefined ? undefined : new Date(start);
  }
  // A zombie has ended; its number stays until its parent, or the system's first process, looks.
  if (processStart(pid) === undefined) return undefined;
  const ticks = linuxStat(pid)?.startTicks;
  if (ticks === undefined) return undefined;
  const boot = /^btime (\d+)$/m.exec(readFileSync("/proc/stat", "utf8"))?.[1];
  return new Date((Number(boot) + ticks / CLOCK_TICKS_PER_SECOND) * 1000);
}

/** USER_HZ: the kernel's interface to user space fixes it at 100 on every architecture that runs here. */
const CLOCK_TICKS_PER_SECOND = 100;

/** The numbers of the processes that started this one, nearest first. */
export function ancestors(pid: number): number[] {
  const parent = parentOf(pid);
  return parent === undefined || parent <= 0 ? [] : [parent, ...ancestors(parent)];
}

function parentOf(pid: number): number | undefined {
  if (process.platform === "linux") return linuxStat(pid)?.parent;
  try {
    return Number(execFileSync("ps", ["-o", "ppid=", "-p", String(pid)], { encoding: "utf8" }));
  } catch {
    return undefined;
  }
}

/**
 * Living processes that carry a variable with this value in their environment, the caller left out.
 * Children inherit it, so a random value finds all descendants, even those whose parents are gone.
 */
export function processesWithEnv(name: string, value: string): ProcessId[] {
  const pids = process.platform === "linux" ? linuxPidsWith(name, value) : psPidsWith(name, value);
  return pids.filter((pid) => pid !== process.pid).flatMap((pid) => processId(pid) ?? []);
}

function linuxPidsWith(name: string, value: string): number[] {
  const wanted = `${name}=${value}`;
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => {
      try {
        return readFileSync(`/proc/${entry}/environ`, "utf8").split("\0").includes(wanted);
      } catch {
        return false; // another user's, or ended in the meantime
      }
    })
    .map(Number);
}

function psPidsWith(name: string, value: string): number[] {
  const lines = execFileSync("ps", ["-Eww", "-x", "-o", "pid=,command="], {
    encoding: "utf8",
    maxBuffer: Infinity, // the environments of all of a user's processes
  });
  return lines
    .split("\n")
    .filter((line) => ` ${line} `.includes(` ${name}=${value} `))
    .map((line) => Number.parseInt(line, 10));
}

/** Sends a signal to exactly this process; nothing happens when it has ended. */
export function signalProcess(id: ProcessId, signal: NodeJS.Signals): void {
  if (!isAlive(id)) return;
  try {
    process.kill(id.pid, signal);
  } catch (error) {
    if (!hasText(error, "code") || error.code !== "ESRCH") throw error;
  }
}

/**
 * Ends processes: the signal first, SIGKILL for those that still live after the grace.
 * @param graceMs default 5 s
 * @returns those that were still alive at the start
 */
export async function endProcesses(
  ids: readonly ProcessId[],
  signal: NodeJS.Signals = "SIGTERM",
  graceMs = 5000,
): Promise<ProcessId[]> {
  const living = ids.filter(isAlive);
  for (const id of living) signalProcess(id, signal);
  if (await waitForEnd(living, graceMs)) return living;
  for (const id of living) signalProcess(id, "SIGKILL");
  if (await waitForEnd(living, KILL_DEADLINE_MS)) return living;
  const left = living.filter(isAlive).map((id) => id.pid);
  throw new Error(
    `Processes ${left.join(", ")} survived SIGKILL for ${KILL_DEADLINE_MS / 1000} s.`,
  );
}

const KILL_DEADLINE_MS = 5000;

/** Whether all of them have ended before the deadline. */
export async function waitForEnd(ids: readonly ProcessId[], deadlineMs: number): Promise<boolean> {
  const deadline = Date.now() + deadlineMs;
  while (ids.some(isAlive)) {
    if (Date.now() >= deadline) return false;
    await sleep(50);
  }
  return true;
}
