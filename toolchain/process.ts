import { spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import * as path from "node:path";

import { ToolchainError } from "./errors";

/** How many of a failed command's last lines its error shows. */
const shownLines = 25;

/** How much of a command's output is kept for an error to show its end; a result is never cut. */
const keptCharacters = 1_000_000;

export interface RunOptions {
  /** After this many milliseconds the command is ended and the run fails. */
  readonly timeoutMs: number;
  readonly cwd?: string;
  /** The whole environment of the command. Default: this process's. */
  readonly env?: NodeJS.ProcessEnv;
  readonly stdin?: string;
  /** Called with each line that the command prints, on either stream. */
  readonly onLine?: (line: string) => void;
  /** What the user can do when the command fails. */
  readonly remedy?: string;
}

export interface RunResult {
  readonly stdout: string;
  readonly stderr: string;
}

/** The command ended with a status other than 0. */
export class CommandError extends ToolchainError {
  constructor(
    problem: string,
    remedy: string,
    readonly output: string,
  ) {
    super(problem, remedy);
  }
}

/** Runs a command without a shell. Its last lines are in the error if it fails. */
export function run(
  command: string,
  args: readonly string[],
  options: RunOptions,
): Promise<RunResult> {
  const shown = [command, ...args].join(" ");
  const remedy =
    options.remedy ?? "Try again; if it fails in the same way, run that command by hand.";
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: [options.stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
    let timedOut = false;
    let kill: NodeJS.Timeout | undefined;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill("SIGTERM");
      kill = setTimeout(() => {
        child.kill("SIGKILL");
        // A grandchild may hold the pipes open for ever.
        child.stdout?.destroy();
        child.stderr?.destroy();
      }, 5_000);
    }, options.timeoutMs);

    const output = { stdout: "", stderr: "", both: "" };
    const collect = (name: "stdout" | "stderr") => {
      let partial = "";
      const stream = child[name]!;
      stream.setEncoding("utf8");
      stream.on("data", (chunk: string) => {
        output[name] += chunk;
        output.both = (output.both + chunk).slice(-keptCharacters);
        const lines = (partial + chunk).split(/[\r\n]+/);
        partial = lines.pop() ?? "";
        for (const line of lines) if (line.trim() !== "") options.onLine?.(line.trim());
      });
    };
    collect("stdout");
    collect("stderr");
    if (options.stdin !== undefined) {
      // A command that ends without reading its input is judged by its status.
      child.stdin!.on("error", () => undefined);
      child.stdin!.end(options.stdin);
    }

    const done = (settle: () => void) => {
      clearTimeout(timer);
      clearTimeout(kill);
      settle();
    };
    child.on("error", (error) =>
      done(() =>
        reject(new ToolchainError(`${shown}: ${error.message}`, remedy, { cause: error })),
      ),
    );
    child.on("close", (code, signal) =>
      done(() => {
        if (code === 0 && !timedOut) {
          resolve({ stdout: output.stdout, stderr: output.stderr });
          return;
        }
        const why = timedOut
          ? `did not end within ${options.timeoutMs / 1000} s`
          : signal === null
            ? `ended with status ${code}`
            : `was ended by ${signal}`;
        const tail = output.both.trimEnd().split("\n").slice(-shownLines).join("\n    ");
        const problem = `${shown}\n  ${why}${tail === "" ? "" : `; its last lines:\n    ${tail}`}`;
        reject(new CommandError(problem, remedy, output.both));
      }),
    );
  });
}

/** The full path of a program on the PATH, or undefined. */
export function which(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  // Daemons and package tools are often missing from an ordinary user's PATH.
  const folders = [...(env["PATH"] ?? "").split(path.delimiter), "/usr/sbin", "/sbin"];
  for (const folder of folders) {
    if (folder === "") continue;
    const candidate = path.join(folder, name);
    try {
      accessSync(candidate, constants.X_OK);
      if (statSync(candidate).isFile()) return candidate;
    } catch {
      continue;
    }
  }
  return undefined;
}
