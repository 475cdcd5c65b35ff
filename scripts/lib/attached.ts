import { spawn } from "node:child_process";
import { constants } from "node:os";
import { UserError, hasText } from "./errors";

export interface AttachOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Told once it runs. */
  readonly onStart?: (pid: number) => void;
}

/** How a program ended: with its exit code, or by a signal. */
export interface AttachedEnd {
  readonly exitCode: number | undefined;
  /** The exit code as a shell tells it: 128 + n after signal n. */
  readonly shellCode: number;
}

/**
 * Runs a program on this terminal, so that it can ask and be interrupted as usual.
 * @param remedy what to do when there is no such program
 */
export async function runAttached(
  command: string,
  args: readonly string[],
  remedy: string,
  options: AttachOptions = {},
): Promise<AttachedEnd> {
  const { onStart, ...place } = options;
  const child = spawn(command, args, { ...place, stdio: "inherit" });
  if (child.pid !== undefined) onStart?.(child.pid);
  const stop = passSignals(child);
  try {
    return await new Promise<AttachedEnd>((resolve, reject) => {
      child.on("error", (error) => reject(notStarted(command, error, remedy)));
      child.on("exit", (code, signal) =>
        resolve({
          exitCode: code ?? undefined,
          shellCode: code ?? 128 + (signal === null ? 0 : constants.signals[signal]),
        }),
      );
    });
  } finally {
    stop();
  }
}

function notStarted(command: string, error: Error, remedy: string): Error {
  if (!hasText(error, "code") || error.code !== "ENOENT") return error;
  return new UserError(`${command} is not on this machine, or not on the PATH. ${remedy}`);
}

function passSignals(child: ReturnType<typeof spawn>): () => void {
  // A terminal's Ctrl-C reaches the program itself, and a second signal would make some end at once.
  const onInterrupt = (): void => {
    const onTerminal = [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY);
    if (!onTerminal) child.kill("SIGINT");
  };
  const onTerminate = (): void => {
    child.kill("SIGTERM");
  };
  process.on("SIGINT", onInterrupt);
  process.on("SIGTERM", onTerminate);
  return () => {
    process.off("SIGINT", onInterrupt);
    process.off("SIGTERM", onTerminate);
  };
}
