import { execFileSync } from "node:child_process";
import * as fs from "node:fs";

/** What the kernel tells about a process, on Linux. */
export interface LinuxStat {
  readonly state: string;
  readonly parent: number;
  /** Since the machine's start, in ticks of USER_HZ. */
  readonly startTicks: number;
}

/** Undefined if there is no such process. */
export function linuxStat(pid: number): LinuxStat | undefined {
  let stat: string;
  try {
    stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined; // ended in the meantime
  }
  // The name in parentheses may hold anything: fields are counted from its end.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0] ?? "", parent: Number(fields[1]), startTicks: Number(fields[19]) };
}

/**
 * When a process started, in a form that is only compared: with the number it names one process for good,
 * since a number alone is given to another process later. Undefined if there is none (a zombie is none).
 */
export function processStart(pid: number): string | undefined {
  return process.platform === "linux" ? linuxStart(pid) : psStart(pid);
}

function linuxStart(pid: number): string | undefined {
  const stat = linuxStat(pid);
  if (!stat || stat.state === "Z" || stat.state === "X") return undefined;
  // The boot belongs to it: what is on disk outlives one, and the ticks begin anew.
  const boot = fs.readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return `${boot} ${stat.startTicks}`;
}

function psStart(pid: number): string | undefined {
  try {
    const line = execFileSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], {
      encoding: "utf8",
      env: { ...process.env, LC_ALL: "C" }, // the date is read again
    });
    const [, state = "", start = ""] = /^\s*(\S+)\s+(.+?)\s*$/.exec(line) ?? [];
    return state.startsWith("Z") || start === "" ? undefined : start;
  } catch {
    return undefined; // ps ends with 1 when there is no such process
  }
}
