import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Log } from "../../toolchain/log";
import { run as runCommand } from "../../toolchain/process";
import { parseEvent, type EngineEvent, type SummaryEvent } from "./engine-events";
import { engineEnv, type LabFolder } from "./lab-folder";
import { endProcesses, processId, processesWithEnv } from "./processes";
import { RUN_VARIABLE, newRun, writeRun, type RunRecord } from "./run-record";

/** The engine's executable with the environment that it needs (plugins' home, language host on the PATH). */
export interface Engine {
  readonly bin: string;
  readonly env: Readonly<Record<string, string>>;
}

/** How a run of the engine ended. */
export interface EngineRun {
  /** 0 for success; undefined when the engine was killed, and the run is therefore cut off. */
  readonly exitCode: number | undefined;
  /** Counts of what was done; undefined when the engine failed before its first step. */
  readonly summary: SummaryEvent | undefined;
  /** What it printed besides events: early failures are told there. */
  readonly text: string;
  /** Whether this process was asked to stop (SIGINT, SIGTERM or SIGHUP) meanwhile. */
  readonly interrupted: boolean;
  /** Whether it was ended because `deadlineMs` was over. */
  readonly timedOut: boolean;
}

export interface RunOptions {
  readonly onEvent?: ((event: EngineEvent) => void) | undefined;
  /** Gets what the engine prints besides events, line by line, and our own notes. */
  readonly log: Log;
  /** Variables besides the engine's and the lab's. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** After this it is told to cancel, and a minute later ended with all that it started. Default: never. */
  readonly deadlineMs?: number | undefined;
}

/** What an engine that is told to cancel may finish: a step that has begun may wait for a broker. */
const CANCEL_MS = 60_000;

/**
 * Variables of the user's own Pulumi that may reach the engine of a lab. All others stay out: some beat
 * what a lab is given (PULUMI_CONFIG_PASSPHRASE the passphrase's file), and others change the form of the
 * checkpoint (PULUMI_DIY_BACKEND_GZIP) or which plugins run (PULUMI_DEBUG_PROVIDERS).
 */
const HARMLESS = new Set([
  "PULUMI_DEBUG_GRPC",
  "PULUMI_DEBUG_PROMISE_LEAKS",
  "PULUMI_PARALLEL",
  "PULUMI_SUPPRESS_OUTPUTS",
  "PULUMI_SUPPRESS_PROGRESS",
]);

/**
 * The whole environment of an engine that works on this lab.
 * @param inherited default: this process's
 */
export function environmentOf(
  folder: LabFolder,
  engine: Engine,
  extra: Readonly<Record<string, string>> = {},
  inherited: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv {
  const own = Object.entries(inherited).filter(
    ([name]) => !name.startsWith("PULUMI_") || HARMLESS.has(name),
  );
  const all = { ...Object.fromEntries(own), ...engine.env, ...engineEnv(folder), ...extra };
  const { NODE_OPTIONS: options = "" } = all;
  return { ...all, NODE_OPTIONS: `${options} --require=${JSON.stringify(PROGRAM_START)}`.trim() };
}

const PROGRAM_START = join(__dirname, "program-start.cjs");

/**
 * Runs an operation of the engine (`up`, `preview`, `destroy`, …) that prints JSON events, records it in
 * the lab's folder, and passes interruptions on: the first one lets the engine cancel in good order, a
 * second one ends it and all that it started.
 * @param args as after `pulumi`; must hold `--json`
 */
export async function runEngine(
  folder: LabFolder,
  engine: Engine,
  args: readonly string[],
  options: RunOptions,
): Promise<EngineRun> {
  const record = newRun(args[0] ?? "");
  writeRun(folder, record);
  const child = spawn(engine.bin, [...args], {
    cwd: folder.dir,
    env: environmentOf(folder, engine, {
      PULUMI_ENABLE_STREAMING_JSON_PREVIEW: "true",
      ...options.env,
      [RUN_VARIABLE]: record.runId,
    }),
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own: a terminal's Ctrl-C would otherwise reach it beside our own signal, and two
    // signals make it end at once instead of cancelling.
    detached: true,
  });
  const ended = endOf(child);
  const begun = recordEngine(folder, record, child);
  const signals = passSignals(child, record, options.log);
  const deadline = endAfter(options.deadlineMs, child, record, options.log);
  const output = collect(child, options);
  try {
    const exitCode = await ended;
    await output.done;
    if (exitCode === undefined) {
      // Its plugins would go on for a minute and more, at work on the hosts.
      await endProcesses(processesWithEnv(RUN_VARIABLE, record.runId));
      options.log("The engine was killed. The next command on this lab cleans up after it.");
    } else {
      writeRun(folder, { ...begun, exitCode });
    }
    return {
      exitCode,
      summary: output.summary(),
      text: output.text(),
      interrupted: signals.received(),
      timedOut: deadline.passed(),
    };
  } finally {
    signals.stop();
    deadline.stop();
  }
}

/** Runs a short command of the engine that changes no resource, e.g. `stack output --json`, and returns what it prints. */
export async function askEngine(
  folder: LabFolder,
  engine: Engine,
  args: readonly string[],
  stdin?: string,
): Promise<string> {
  const { stdout } = await runCommand(engine.bin, [...args, "--non-interactive"], {
    timeoutMs: 120_000,
    cwd: folder.dir,
    env: environmentOf(folder, engine),
    ...(stdin === undefined ? {} : { stdin }),
  });
  return stdout;
}

function recordEngine(folder: LabFolder, record: RunRecord, child: ChildProcess): RunRecord {
  const engine = child.pid === undefined ? undefined : processId(child.pid);
  const begun = { ...record, engine };
  writeRun(folder, begun);
  return begun;
}

/** The exit code, or undefined for the end by a signal: the engine handles those that it can. */
function endOf(child: ChildProcess): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => resolve(code ?? undefined));
  });
}

interface Output {
  readonly done: Promise<void>;
  summary(): SummaryEvent | undefined;
  text(): string;
}

function collect(child: ChildProcess, { onEvent, log }: RunOptions): Output {
  const text: string[] = [];
  let summary: SummaryEvent | undefined;
  const say = (line: string): void => {
    if (line.trim() === "") return;
    text.push(line);
    log(line);
  };
  const lines = (
    stream: NodeJS.ReadableStream | null,
    take: (line: string) => void,
  ): Promise<void> =>
    new Promise((resolve) => {
      if (!stream) return resolve();
      createInterface({ input: stream, crlfDelay: Infinity }).on("line", take).on("close", resolve);
    });
  const stdout = lines(child.stdout, (line) => {
    const event = parseEvent(line);
    if (!event) return say(line);
    summary = event.summaryEvent ?? summary;
    onEvent?.(event);
  });
  const stderr = lines(child.stderr, say);
  // An orphaned grandchild may hold the pipes open after the engine's end: do not wait for it for ever.
  const done = Promise.race([
    Promise.all([stdout, stderr]),
    // That it was not started at all is told by the one who waits for its end.
    endOf(child).then(
      () => pause(PIPE_GRACE_MS),
      () => undefined,
    ),
  ]);
  return { done: done.then(() => undefined), summary: () => summary, text: () => text.join("\n") };
}

const PIPE_GRACE_MS = 2000;

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

/** Two signals within this time are one: a terminal signals every process of `npm run`, and they pass it on. */
const SAME_SIGNAL_MS = 1000;

function passSignals(
  child: ChildProcess,
  record: RunRecord,
  log: Log,
): { stop(): void; received(): boolean } {
  let last = -Infinity;
  let count = 0;
  const handle = (): void => {
    const now = Date.now();
    if (now - last < SAME_SIGNAL_MS) return;
    last = now;
    count += 1;
    if (count === 1) {
      log("Interrupted: the engine finishes what has begun and stops. Once more ends it at once.");
      child.kill("SIGINT");
      return;
    }
    log("Interrupted again: ending the engine and its plugins.");
    endAll(child, record, log);
  };
  const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of names) process.on(name, handle);
  return {
    stop: () => names.forEach((name) => process.off(name, handle)),
    received: () => count > 0,
  };
}

/** As a user would who has waited too long: Ctrl-C, and once more. Other runs of this process go on. */
function endAfter(
  deadlineMs: number | undefined,
  child: ChildProcess,
  record: RunRecord,
  log: Log,
): { stop(): void; passed(): boolean } {
  let passed = false;
  if (deadlineMs === undefined) return { stop: () => undefined, passed: () => passed };
  let timer = setTimeout(() => {
    passed = true;
    log(`The engine is not done after ${deadlineMs / 1000} s: it is told to cancel.`);
    child.kill("SIGINT");
    timer = setTimeout(() => {
      log(`It has not cancelled in ${CANCEL_MS / 1000} s: ending the engine and its plugins.`);
      endAll(child, record, log);
    }, CANCEL_MS);
  }, deadlineMs);
  return { stop: () => clearTimeout(timer), passed: () => passed };
}

function endAll(child: ChildProcess, record: RunRecord, log: Log): void {
  child.kill("SIGKILL");
  endProcesses(processesWithEnv(RUN_VARIABLE, record.runId)).catch((error: unknown) =>
    log(String(error)),
  );
}
