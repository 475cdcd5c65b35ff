import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { nameOfUrn, parseEvent, type EngineEvent } from "../../scripts/lib/engine-events";
import { CHECKOUT, type LabFolder } from "../../scripts/lib/lab-folder";

/** How such a run ended. */
export interface UserUp {
  /** Undefined when it was killed. */
  readonly exitCode: number | undefined;
  /** Killed because it took too long. */
  readonly timedOut: boolean;
  readonly events: readonly EngineEvent[];
  /** Errors of resources, and all that was printed beside events. */
  readonly output: string;
}

export interface UserUpOptions {
  /** Kills the command and its engine, which cannot tidy up then, at the first event for which this is true. */
  readonly killAt?: (event: EngineEvent) => boolean;
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

/** `npm run pulumi -- up` as a user has it, recovery from earlier runs included, in a group of processes of its own. */
export async function userUp(folder: LabFolder, options: UserUpOptions): Promise<UserUp> {
  const { killAt, deadlineMs, signal } = options;
  const script = join(CHECKOUT, "scripts", "pulumi.ts");
  const child = spawn(
    process.execPath,
    ["--import", "tsx", script, "up", "--yes", "--skip-preview", "--json"],
    {
      cwd: CHECKOUT,
      env: { ...process.env, PI_LAB_LABS_DIR: dirname(folder.dir), PI_LAB_STACK: folder.stack },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    },
  );
  const events: EngineEvent[] = [];
  const said: string[] = [];
  let [killed, timedOut] = [false, false];
  const kill = (): void => {
    killed = true;
    // The plugins have groups of their own, as in a user's crash: they are left behind.
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  };
  createInterface({ input: child.stdout }).on("line", (line) => {
    const event = parseEvent(line);
    if (event === undefined) return said.push(line);
    events.push(event);
    const { urn, severity, message } = event.diagnosticEvent ?? {};
    if (severity === "error") said.push(`${urn ? nameOfUrn(urn) : "engine"}: ${message}`);
    if (!killed && killAt?.(event) === true) kill();
    return undefined;
  });
  createInterface({ input: child.stderr }).on("line", (line) => said.push(line));
  const timer = setTimeout(() => {
    timedOut = true;
    said.push(`not done after ${deadlineMs / 1000} s: killed`);
    kill();
  }, deadlineMs);
  signal.addEventListener("abort", kill, { once: true });
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
    signal.removeEventListener("abort", kill);
    child.stdout.destroy();
    child.stderr.destroy();
  }
}
