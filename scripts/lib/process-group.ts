import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { CHECKOUT } from "./lab-folder";

export interface GroupOptions {
  /** After this the program and what it started are ended. */
  readonly deadlineMs: number;
  /** Ends them early. */
  readonly signal: AbortSignal;
  readonly env: NodeJS.ProcessEnv;
  /** Time between SIGTERM and SIGKILL. Default 0: SIGKILL at once. */
  readonly graceMs?: number;
  /** `show`: stderr goes on to this process's, stdout is dropped. `keep`: both are kept. `both`: stderr is shown and kept. */
  readonly output: "show" | "keep" | "both";
}

export interface GroupResult {
  /** Undefined when a signal ended it. */
  readonly exitCode: number | undefined;
  readonly timedOut: boolean;
  /** What was kept, without the white space at its end. */
  readonly output: string;
}

/** Runs a program, with the checkout as its folder, in a process group of its own, which ends with it. */
export function runInGroup(
  command: string,
  args: readonly string[],
  { deadlineMs, signal, env, graceMs = 0, output }: GroupOptions,
): Promise<GroupResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: CHECKOUT,
      env,
      detached: true,
      stdio: [
        "ignore",
        output === "keep" ? "pipe" : "ignore",
        output === "show" ? "inherit" : "pipe",
      ],
    });
    const kept: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => kept.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => {
      kept.push(chunk);
      if (output === "both") process.stderr.write(chunk);
    });
    let timedOut = false;
    let ending: Promise<void> | undefined;
    const endNow = (): void => {
      ending ??= endGroup(child.pid, graceMs);
    };
    const timer = setTimeout(() => {
      timedOut = true;
      endNow();
    }, deadlineMs);
    signal.addEventListener("abort", endNow, { once: true });
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", endNow);
      act();
    };
    child.on("error", (error) => settle(() => reject(error)));
    child.on("close", (code) =>
      settle(() => {
        const text = Buffer.concat(kept).toString().trimEnd();
        // The group may outlive the program.
        void (ending ?? Promise.resolve()).then(() =>
          resolve({ exitCode: code ?? undefined, timedOut, output: text }),
        );
      }),
    );
    if (signal.aborted) endNow();
  });
}

/** Ends a process group: SIGTERM and a grace, if it has one, then SIGKILL for what is left of it. */
async function endGroup(pid: number | undefined, graceMs: number): Promise<void> {
  if (pid === undefined) return;
  const deadline = Date.now() + graceMs;
  if (graceMs > 0) signalGroup(pid, "SIGTERM");
  while (Date.now() < deadline && signalGroup(pid, 0)) await sleep(50);
  signalGroup(pid, "SIGKILL");
}

/** False when none of the group is left. */
function signalGroup(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pid, name);
    return true;
  } catch (error) {
    // macOS says EPERM where only zombies are left.
    if (["ESRCH", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  }
}
