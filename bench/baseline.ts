import { spawn } from "node:child_process";
import { join } from "node:path";
import { Interrupted } from "./bench-lab";

const DEADLINE_MS = 10 * 60_000;
const ENDING_GRACE_MS = 5_000;

/**
 * Runs ./baseline.sh on a folder that ./baseline-folder wrote.
 * @param only `machines`: makes them and waits until they answer, and nothing else
 * @returns seconds from its start to its end
 * @throws Interrupted when `signal` was aborted; Error with the script's last lines where it failed
 */
export async function runBaseline(
  folder: string,
  dockerHost: string,
  signal: AbortSignal,
  only: readonly "machines"[] = [],
): Promise<number> {
  const begin = performance.now();
  const child = spawn(join(__dirname, "baseline.sh"), [folder, ...only], {
    env: { ...process.env, DOCKER_HOST: dockerHost },
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, so that the end of all its parts can be asked for at once.
    detached: true,
  });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => lines.push(text));
  }
  let why: string | undefined;
  const kill = (name: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, name);
    } catch {
      // It has ended meanwhile.
    }
  };
  const end = (reason: string): void => {
    why = reason;
    kill("SIGTERM");
    setTimeout(() => kill("SIGKILL"), ENDING_GRACE_MS).unref();
  };
  const abort = (): void => end("it was interrupted");
  signal.addEventListener("abort", abort);
  const timer = setTimeout(
    () => end(`it did not end within ${DEADLINE_MS / 60_000} minutes`),
    DEADLINE_MS,
  );
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on("error", reject);
      // Not `close`: the shared SSH connections outlive the script by a moment, with its pipes.
      child.on("exit", resolve);
    });
    const seconds = (performance.now() - begin) / 1000;
    if (signal.aborted) throw new Interrupted();
    if (code === 0) return seconds;
    const tail = lines.join("").trimEnd().split("\n").slice(-20).join("\n");
    throw new Error(`bench/baseline.sh: ${why ?? `status ${code}`}; its last lines:\n${tail}`);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
    child.stdout.destroy();
    child.stderr.destroy();
  }
}
