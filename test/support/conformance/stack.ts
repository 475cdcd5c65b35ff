import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { bundlePlugin, ensurePulumi } from "../../../toolchain";
import {
  nameOfUrn,
  parseEvent,
  type EngineEvent,
  type ResourceState,
} from "../../../scripts/lib/engine-events";
import { testRunDir } from "../test-run";

const CHECKOUT = path.resolve(__dirname, "../../..");
const PROGRAM = path.join(CHECKOUT, "test/conformance/program/index.js");

/** A value of the program: JSON, or one of these for what JSON lacks. */
export type Value =
  | null
  | boolean
  | number
  | string
  | readonly Value[]
  | { readonly [key: string]: Value | undefined };

export const secret = (value: Value): Value => ({ $secret: value });
export const text = (content: string): Value => ({ $text: content });
export const file = (name: string): Value => ({ $file: name });
export const archive = (name: string): Value => ({ $archive: name });
export const output = (name: string, property: string): Value => ({ $output: [name, property] });

export interface Resource {
  readonly name: string;
  readonly type: "remote.Command" | "remote.CopyToRemote" | "local.Command";
  readonly args: { readonly [key: string]: Value | undefined };
  readonly dependsOn?: readonly string[];
}

/** A run of the engine that has ended. */
export interface Run {
  /** 0 for success; undefined if a signal ended the engine. */
  readonly exitCode: number | undefined;
  /** What was done, `same` left out, in order of completion: `create job`, `update job`, … */
  readonly steps: readonly string[];
  /** The state that each resource has after the run, by name. */
  readonly resources: Readonly<Record<string, ResourceState>>;
  /** Messages of the resources' logs, the engine's own errors left out. */
  readonly logs: readonly string[];
  /** Every error, in one text. */
  readonly errors: string;
  /** All that the engine printed, events with states included; the program's debug messages are not. */
  readonly everything: string;
}

export interface RunningEngine {
  readonly process: ChildProcess;
  readonly ended: Promise<Run>;
}

/** The folder of the plugin under test: our own bundle, or where PI_LAB_COMMAND_PLUGIN points. */
export async function pluginUnderTest(log: (line: string) => void): Promise<string> {
  const named = process.env["PI_LAB_COMMAND_PLUGIN"];
  if (named === undefined || named === "") return (await bundlePlugin(log, "command")).folder;
  const binary = path.resolve(named);
  if (!fs.existsSync(binary)) throw new Error(`PI_LAB_COMMAND_PLUGIN: ${binary} does not exist`);
  return fs.statSync(binary).isDirectory() ? binary : path.dirname(binary);
}

/**
 * A maker of empty stacks, each with a state of its own, whose programs use the plugin in the given
 * folder. The first stack is initialised by the engine, the others are copies of it.
 */
export async function stackMaker(plugin: string): Promise<() => ConformanceStack> {
  const pulumi = await ensurePulumi((line) => process.stderr.write(`${line}\n`));
  const make = (): ConformanceStack => {
    const folder = fs.mkdtempSync(path.join(testRunDir(), "conformance-"));
    return new ConformanceStack(folder, pulumi.bin, pulumi.env);
  };
  const first = make();
  fs.mkdirSync(path.join(first.folder, "state"));
  fs.writeFileSync(
    path.join(first.folder, "Pulumi.yaml"),
    [
      "name: conformance",
      `main: ${PROGRAM}`,
      "runtime: { name: nodejs, options: { typescript: false } }",
      `plugins: { providers: [{ name: command, path: "${plugin}" }] }`,
    ].join("\n"),
  );
  await first.expectSuccess("stack", "init", "dev");
  return () => {
    const stack = make();
    fs.cpSync(first.folder, stack.folder, { recursive: true });
    return stack;
  };
}

export class ConformanceStack {
  constructor(
    readonly folder: string,
    private readonly bin: string,
    private readonly env: Readonly<Record<string, string>>,
  ) {}

  /** Every process that a run starts has this path in its environment, as CONFORMANCE_PROGRAM. */
  get programFile(): string {
    return path.join(this.folder, "program.json");
  }

  /** Makes the resources so, and expects that to succeed. */
  async up(resources: readonly Resource[]): Promise<Run> {
    const run = await this.run("up", resources);
    if (run.exitCode !== 0) throw new Error(`up failed:\n${run.errors || run.everything}`);
    return run;
  }

  async destroy(): Promise<Run> {
    return this.start("destroy", []).ended;
  }

  run(operation: "up" | "preview" | "refresh", resources: readonly Resource[]): Promise<Run> {
    return this.start(operation, resources).ended;
  }

  /** Starts an operation and leaves it to the caller. */
  start(operation: string, resources: readonly Resource[]): RunningEngine {
    fs.writeFileSync(this.programFile, JSON.stringify(resources));
    const confirm = operation === "preview" ? [] : ["--yes", "--skip-preview"];
    const child = this.spawn([operation, "--json", ...confirm]);
    return { process: child, ended: collect(child) };
  }

  /** The stack's state as it lies on the disk. */
  stateText(): string {
    return fs.readFileSync(
      path.join(this.folder, "state/.pulumi/stacks/conformance/dev.json"),
      "utf8",
    );
  }

  async expectSuccess(...args: string[]): Promise<void> {
    const run = await collect(this.spawn(args));
    if (run.exitCode !== 0) throw new Error(`pulumi ${args.join(" ")}: ${run.everything}`);
  }

  remove(): void {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  private spawn(args: readonly string[]): ChildProcess {
    return spawn(this.bin, [...args, "--non-interactive", "--color", "never"], {
      cwd: this.folder,
      env: {
        ...process.env,
        ...this.env,
        PULUMI_STACK: "dev",
        PULUMI_BACKEND_URL: `file://${path.join(this.folder, "state")}`,
        PULUMI_CONFIG_PASSPHRASE: "conformance",
        PULUMI_ENABLE_STREAMING_JSON_PREVIEW: "true",
        CONFORMANCE_PROGRAM: this.programFile,
        // Whatever agent the person who runs the tests has is none of theirs.
        SSH_AUTH_SOCK: "",
      },
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own: a Ctrl-C for the tests is not one for the engine.
      detached: true,
    });
  }
}

/** Waits for the end of an engine that prints JSON events. */
export async function collect(child: ChildProcess): Promise<Run> {
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => (printed += text));
  }
  const [code] = (await once(child, "close")) as [number | null];
  // The SDK's own debug messages hold secrets in plain; no display shows them.
  const lines = printed
    .split("\n")
    .filter((line) => parseEvent(line)?.diagnosticEvent?.severity !== "debug");
  const events = lines.flatMap((line) => parseEvent(line) ?? []);
  const diagnostics = events.flatMap(({ diagnosticEvent }) => diagnosticEvent ?? []);
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  return {
    exitCode: code ?? undefined,
    steps: events.flatMap(stepOf),
    resources: Object.fromEntries(events.flatMap(stateOf)),
    logs: diagnostics
      .filter(({ urn, severity }) => urn !== undefined && severity !== "error")
      .map(({ message }) => message.trimEnd()),
    errors: errors.map(({ message }) => message).join("\n"),
    everything: lines.join("\n"),
  };
}

function stepOf({ resOutputsEvent }: EngineEvent): string[] {
  const metadata = resOutputsEvent?.metadata;
  if (metadata === undefined || metadata.type === "pulumi:pulumi:Stack") return [];
  if (metadata.op === "same" || metadata.type.startsWith("pulumi:providers:")) return [];
  return [`${metadata.op} ${nameOfUrn(metadata.urn)}`];
}

function stateOf({ resOutputsEvent }: EngineEvent): [string, ResourceState][] {
  const metadata = resOutputsEvent?.metadata;
  return metadata?.new ? [[nameOfUrn(metadata.urn), metadata.new]] : [];
}
