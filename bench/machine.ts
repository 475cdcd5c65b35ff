import { cpus, release, totalmem, type as osType } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "../toolchain/process";
import { checkoutDir } from "../toolchain/paths";

/** Where the figures come from. */
export interface Machine {
  readonly cores: number;
  readonly processor: string;
  readonly memoryGib: number;
  readonly kernel: string;
  readonly node: string;
  readonly pulumi: string;
  readonly docker: string;
  /** Of the checkout, with `+` where it was edited since. */
  readonly commit: string;
}

export async function describeMachine(pulumi: string, dockerHost: string): Promise<Machine> {
  const all = cpus();
  return {
    cores: all.length,
    processor: all[0]?.model.trim() ?? "unknown",
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: `${osType()} ${release()}`,
    node: process.versions.node,
    pulumi,
    docker: await ask("docker", ["-H", dockerHost, "version", "--format", "{{.Server.Version}}"]),
    commit: await ask("git", ["describe", "--always", "--dirty=+"]),
  };
}

async function ask(command: string, args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await run(command, args, { timeoutMs: 10_000, cwd: checkoutDir });
    return stdout.trim();
  } catch {
    return "unknown";
  }
}

/** What was run, and on what: a section's first sentence. */
export const ranOn = (command: string, machine: Machine): string =>
  `\`${command}\` at ${machine.commit}; ${machine.cores} cores (${machine.processor}), ${machine.memoryGib} GiB, ` +
  `${machine.kernel}, Node.js ${machine.node}, Pulumi ${machine.pulumi}, Docker ${machine.docker}.`;

/** How long to look: short against what is measured, long against the clock's ticks of 10 ms. */
const LOOK_MS = 500;

/** Cores that are busy at the moment, 0 to all of them. */
export async function busyCores(): Promise<number> {
  const sinceNow = watchCores();
  await sleep(LOOK_MS);
  return sinceNow();
}

/** @returns tells how many cores were busy since this call, on average */
export function watchCores(): () => number {
  const before = cpuTimes();
  return () => {
    const after = cpuTimes();
    const total = after.total - before.total;
    return total === 0 ? 0 : (cpus().length * (total - (after.idle - before.idle))) / total;
  };
}

function cpuTimes(): { idle: number; total: number } {
  let [idle, total] = [0, 0];
  for (const { times } of cpus()) {
    idle += times.idle;
    total += times.user + times.nice + times.sys + times.idle + times.irq;
  }
  return { idle, total };
}
