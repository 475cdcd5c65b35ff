import { spawn, type ChildProcessByStdio } from "node:child_process";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Readable } from "node:stream";
import { build } from "esbuild";
import { bundlePlugin } from "../../../toolchain";
import { nodeBundle } from "../../../toolchain/bundle";
import type { Engine } from "../../../scripts/lib/engine";
import { processesWithEnv, type ProcessId } from "../../../scripts/lib/processes";
import { collect, type Run } from "../conformance/stack";

const CHECKOUT = resolve(__dirname, "../../..");

/** A topic as a program declares it, everything known. */
export interface DeclaredTopic {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  /** Default: where Kafka puts them. */
  readonly placement?: number[][];
  readonly config: Readonly<Record<string, string>>;
  readonly deletionProtection: boolean;
}

/** What the program makes, by the names of its resources. */
export interface TopicProgram {
  readonly topics?: Readonly<Record<string, DeclaredTopic>>;
  /** Name of the `TopicSet` of them all. Default: there is none. */
  readonly guard?: string;
  /** Topics that are only read (`Topic.get`): their ids. */
  readonly got?: Readonly<Record<string, string>>;
  /** Whether the cluster's own settings are read, too. Default: no. */
  readonly gotCluster?: boolean;
}

export interface TopicStackOptions {
  /** A folder of its own, made if need be. */
  readonly folder: string;
  readonly engine: Engine;
  /** Of the plugin `pilab`. Default: our own, bundled now. */
  readonly pilabFolder?: string;
  /** Ends a run of the engine, and it with it. Default: never. */
  readonly signal?: AbortSignal;
  /** The longest that one run may take, ms. Default 10 minutes. */
  readonly deadlineMs?: number;
}

/** An engine that works on a stack, with its output to be read. */
export type StartedEngine = ChildProcessByStdio<null, Readable, Readable>;

const PASSPHRASE = "topics";
/** Names the file with what the program makes; and marks all processes of a stack, which inherit it. */
const PROGRAM_VARIABLE = "TOPIC_PROGRAM";
const DEADLINE_MS = 10 * 60_000;

/**
 * A stack with nothing but topics, with a state of its own. Its provider is the default one, which a
 * user configures with `pulumi config set pilab:bootstrapServers …`.
 */
export class TopicStack {
  private constructor(private readonly options: TopicStackOptions) {}

  static async create(options: TopicStackOptions): Promise<TopicStack> {
    mkdirSync(join(options.folder, "state"), { recursive: true });
    const stack = new TopicStack(options);
    stack.declare({});
    await stack.usePlugin(options.pilabFolder);
    await stack.ask("stack", "init", "dev");
    return stack;
  }

  /** From now on this plugin `pilab` answers. Default: our own, bundled now. */
  async usePlugin(folder?: string): Promise<void> {
    const log = (line: string) => process.stderr.write(`${line}\n`);
    const pilab = folder ?? (await bundlePlugin(log, "pilab")).folder;
    writeFileSync(
      join(this.options.folder, "Pulumi.yaml"),
      [
        "name: topics",
        `main: ${await bundledProgram()}`,
        "runtime: { name: nodejs, options: { typescript: false } }",
        `plugins: { providers: [{ name: pilab, path: "${pilab}" }] }`,
      ].join("\n"),
    );
  }

  /** What the next runs are to make. */
  declare(program: TopicProgram): void {
    writeFileSync(this.programFile, JSON.stringify(program));
  }

  /** Runs an operation that prints events (`up`, `preview`, `refresh`, `destroy`, `import`). */
  run(operation: string, ...args: readonly string[]): Promise<Run> {
    const confirm = operation === "preview" ? [] : ["--yes", "--skip-preview"];
    return this.end(this.spawn([operation, "--json", ...confirm, ...args]), operation);
  }

  /** Starts an `up` that prints events, in a group of processes of its own, and leaves it to the caller. */
  startUp(): StartedEngine {
    return this.spawn(["up", "--json", "--yes", "--skip-preview"]);
  }

  /** Its engine, its program and its plugins, as far as they live, those of earlier runs included. */
  processes(): ProcessId[] {
    return processesWithEnv(PROGRAM_VARIABLE, this.programFile);
  }

  /** Runs a command that answers at once, such as `config set`. @returns what it printed */
  async ask(...args: readonly string[]): Promise<string> {
    const run = await this.end(this.spawn(args), args.join(" "));
    if (run.exitCode !== 0) throw new Error(`pulumi ${args.join(" ")}: ${run.everything}`);
    return run.everything;
  }

  private get programFile(): string {
    return join(this.options.folder, "program.json");
  }

  private spawn(args: readonly string[]): StartedEngine {
    const { folder, engine } = this.options;
    return spawn(engine.bin, [...args, "--non-interactive", "--color", "never"], {
      cwd: folder,
      env: {
        ...process.env,
        ...engine.env,
        PULUMI_STACK: "dev",
        PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
        PULUMI_CONFIG_PASSPHRASE: PASSPHRASE,
        PULUMI_ENABLE_STREAMING_JSON_PREVIEW: "true",
        [PROGRAM_VARIABLE]: this.programFile,
      },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
  }

  private async end(child: StartedEngine, what: string): Promise<Run> {
    const { signal, deadlineMs = DEADLINE_MS } = this.options;
    let isEnded = false;
    // With the program and the plugins: they are of its group.
    const kill = (): void => {
      isEnded = true;
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    };
    const late = setTimeout(kill, deadlineMs);
    signal?.addEventListener("abort", kill);
    if (signal?.aborted === true) kill();
    try {
      const run = await collect(child);
      if (!isEnded) return run;
      throw new Error(
        `pulumi ${what} was ended before it was done (${deadlineMs / 1000} s at most)`,
      );
    } finally {
      clearTimeout(late);
      signal?.removeEventListener("abort", kill);
    }
  }
}

/** In the checkout, from where the program finds Pulumi's SDK as the lab's own program does. */
async function bundledProgram(): Promise<string> {
  const folder = join(CHECKOUT, "bin/topic-program");
  const draft = join(folder, `bundle-${process.pid}.js`);
  const bundle = join(folder, "bundle.js");
  await build({
    absWorkingDir: CHECKOUT,
    entryPoints: [join(__dirname, "program.ts")],
    outfile: draft,
    ...nodeBundle,
    external: ["@pulumi/*"],
  });
  renameSync(draft, bundle);
  return bundle;
}
