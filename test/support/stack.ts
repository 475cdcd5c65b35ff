import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseLab, type Lab } from "../../model";
import { askEngine, runEngine, type Engine, type EngineRun } from "../../scripts/lib/engine";
import {
  nameOfUrn,
  type DiagnosticEvent,
  type EngineEvent,
  type StepMetadata,
} from "../../scripts/lib/engine-events";
import { labValue, parseStackFile } from "../../scripts/lib/lab-config";
import { ensureKey, ensureLabFiles } from "../../scripts/lib/lab-files";
import { CHECKOUT, labFolder, type LabFolder } from "../../scripts/lib/lab-folder";
import { labLogin } from "../../scripts/lib/lab-login";
import { gatherStatus, type LabStatus } from "../../scripts/lib/lab-status";
import { dockerObjects, removeObjects, type DockerObject } from "../../scripts/lib/leftovers";
import { recover } from "../../scripts/lib/open-lab";
import { statusPortsAs } from "../../scripts/lib/status-ports";
import { freeSubnet, takenSubnets } from "../../scripts/lib/subnets";
import { writeWhole } from "../../scripts/lib/files";
import { ensureAll, ensureJmxAgent, type Docker } from "../../toolchain";
import { dockerHostFile, labPrefix, randomSubnet, testRunDir } from "./test-run";

/** A lab's configuration as it stands in YAML, loosely typed so that tests can write mistakes too. */
export interface LabValue {
  name: string;
  switch: { subnet: string; [key: string]: unknown };
  ssh: { user: string; privateKeyPath?: string; [key: string]: unknown };
  machines: Record<string, { address: string; hostKey?: string; [key: string]: unknown }>;
  hosts: Record<
    string,
    { role: string; machine: string; settings?: Record<string, string>; [key: string]: unknown }
  >;
  cluster: { settings?: Record<string, string>; [key: string]: unknown };
  topics: Record<
    string,
    { partitions: number; config?: Record<string, string>; [key: string]: unknown }
  >;
  [key: string]: unknown;
}

export interface TestStackOptions {
  /** Which committed template to start from. Default `virtual`; `pi-lab` can only be previewed. */
  readonly template?: "virtual" | "pi-lab";
  /** Changes the template's value before the first run. */
  readonly edit?: (lab: LabValue) => void;
}

/** One step of the engine that is not `same`, with what differs. */
export interface Step {
  readonly op: string;
  readonly type: string;
  readonly name: string;
  /** Paths of the properties that differ, with the kind of difference (`update`, `add`, `delete`, …). */
  readonly diff: Readonly<Record<string, string>>;
  readonly metadata: StepMetadata;
}

/** A run of the engine with all that it told. */
export interface Outcome extends EngineRun {
  readonly events: readonly EngineEvent[];
  /** Every resource that was (or in a preview: would be) changed. */
  readonly steps: readonly Step[];
  /** The messages of errors and of warnings, each whole. */
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
  /** Everything in one text, for a failing assertion to show. */
  readonly output: string;
}

/** A run that goes on while the test does something, e.g. kills it. */
export interface RunningScript {
  readonly process: ChildProcess;
  /** All output so far, both streams. */
  output(): string;
  /** Exit code (128 + 9 for SIGKILL) and all output. */
  readonly ended: Promise<{ exitCode: number; output: string; stdout: string }>;
}

let created = 0;

/**
 * A stack of its own for a test: own name, subnet, folder, state and passphrase, from a committed
 * template. Nothing is brought up yet. End it with `remove`, in `afterAll`.
 */
export async function createTestStack(options: TestStackOptions = {}): Promise<TestStack> {
  const log = (line: string): boolean => process.stderr.write(`${line}\n`);
  const { pulumi, docker } = await ensureAll(log);
  writeWhole(dockerHostFile(), docker.host);
  created += 1;
  const template = options.template ?? "virtual";
  const stack = `${labPrefix()}${process.env.JEST_WORKER_ID ?? "0"}-${created}`;
  const folder = labFolder(stack, testRunDir());
  await ensureLabFiles(folder, async () => ({
    subnet: freeSubnet(randomSubnet(), await takenSubnets(docker.host)),
  }));
  const engine: Engine = { bin: pulumi.bin, env: { ...pulumi.env, DOCKER_HOST: docker.host } };
  const made = new TestStack(folder, engine, docker);
  if (template === "pi-lab") made.replaceWithTemplate("pi-lab");
  made.edit(options.edit ?? (() => undefined));
  if (made.value().cluster["metrics"] === true) await ensureJmxAgent(log);
  await askEngine(folder, engine, ["stack", "init", stack]);
  return made;
}

export class TestStack {
  constructor(
    readonly folder: LabFolder,
    readonly engine: Engine,
    private readonly docker: Docker,
  ) {}

  get name(): string {
    return this.folder.stack;
  }

  /** The same stack, whose engine, program and plugins get these variables too. */
  withEnv(env: Readonly<Record<string, string>>): TestStack {
    const engine = { ...this.engine, env: { ...this.engine.env, ...env } };
    return new TestStack(this.folder, engine, this.docker);
  }

  /** The stack's configuration as it stands, parsed and checked. */
  lab(): Lab {
    return parseLab(this.value());
  }

  value(): LabValue {
    const text = readFileSync(this.folder.configFile, "utf8");
    return labValue(parseStackFile(text, this.folder.configFile)) as LabValue;
  }

  /** Changes the configuration, as a user would in the file. */
  edit(change: (lab: LabValue) => void): void {
    const document = parseStackFile(
      readFileSync(this.folder.configFile, "utf8"),
      this.folder.configFile,
    );
    const lab = labValue(document) as LabValue;
    change(lab);
    document.setIn(["config", "pi-lab:lab"], lab);
    writeWhole(this.folder.configFile, document.toString({ lineWidth: 0 }));
  }

  /** Takes another template's lab over, but for the SSH key's path. */
  replaceWithTemplate(template: string): void {
    ensureKey(this.folder);
    const file = join(CHECKOUT, `Pulumi.${template}.yaml`);
    const lab = labValue(parseStackFile(readFileSync(file, "utf8"), file)) as LabValue;
    this.edit((value) => {
      for (const key of Object.keys(value)) delete value[key];
      Object.assign(value, lab);
      value.ssh.privateKeyPath = this.folder.privateKeyFile;
    });
  }

  preview(...args: string[]): Promise<Outcome> {
    return this.run("preview", ...args);
  }

  /** `up`, expected to succeed: throws with all output otherwise. Use `run("up", …)` where it should fail. */
  async up(...args: string[]): Promise<Outcome> {
    const outcome = await this.run("up", "--yes", "--skip-preview", ...args);
    if (outcome.exitCode !== 0) throw new Error(`up of ${this.name} failed:\n${outcome.output}`);
    return outcome;
  }

  refresh(...args: string[]): Promise<Outcome> {
    return this.run("refresh", "--yes", "--skip-preview", ...args);
  }

  destroy(...args: string[]): Promise<Outcome> {
    return this.run("destroy", "--yes", "--skip-preview", ...args);
  }

  /** Any operation that can print events. `--json` is added. */
  async run(command: string, ...args: string[]): Promise<Outcome> {
    const events: EngineEvent[] = [];
    const run = await runEngine(this.folder, this.engine, [command, ...args, "--json"], {
      log: () => undefined,
      onEvent: (event) => events.push(event),
    });
    return outcomeOf(run, events);
  }

  /** The engine's answer to a question, e.g. `ask("stack", "output", "--json")`. */
  ask(...args: string[]): Promise<string> {
    return askEngine(this.folder, this.engine, args);
  }

  async outputs(): Promise<Record<string, unknown>> {
    return JSON.parse(await this.ask("stack", "output", "--json")) as Record<string, unknown>;
  }

  /** One of the user's commands (`lab`, `lab-down`, `status`, `pulumi`, …) on this stack, in a process of its own. */
  script(name: string, ...args: string[]): RunningScript {
    return this.scriptReading("", name, ...args);
  }

  /** The same with something on its standard input. */
  scriptReading(input: string, name: string, ...args: string[]): RunningScript {
    const child = spawn(
      process.execPath,
      ["--import", "tsx", join(CHECKOUT, "scripts", `${name}.ts`), ...args],
      {
        cwd: CHECKOUT,
        env: { ...process.env, PI_LAB_LABS_DIR: testRunDir(), PI_LAB_STACK: this.name },
        stdio: ["pipe", "pipe", "pipe"],
      },
    );
    // One that reads nothing has ended before, or closes it.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    let output = "";
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => (output += text));
    const ended = new Promise<{ exitCode: number; output: string; stdout: string }>(
      (resolve, reject) => {
        child.on("error", reject);
        child.on("close", (code, signal) =>
          resolve({ exitCode: code ?? (signal === "SIGKILL" ? 137 : 130), output, stdout }),
        );
      },
    );
    return { process: child, output: () => output, ended };
  }

  /** The stack's hosts and topics as they are now. */
  async status(): Promise<LabStatus> {
    const lab = this.lab();
    return gatherStatus(
      lab,
      statusPortsAs(await labLogin(this.folder, lab, undefined, this.engine)),
    );
  }

  /** This stack's containers, networks and volumes. */
  inDocker(): Promise<DockerObject[]> {
    return dockerObjects(this.docker.host, this.name);
  }

  /** Cleans up after a run that was killed, as the user's commands do before their own run. */
  recover(log: (line: string) => void = () => undefined): Promise<void> {
    return recover(this.folder, this.engine, this.docker, log, false);
  }

  /** Removes the stack's folder, state and all; what it was in charge of goes on. */
  forget(): void {
    rmSync(this.folder.dir, { recursive: true, force: true });
  }

  /** Destroys the stack and removes its folder; what the engine could not remove is removed by its label. */
  async remove(): Promise<void> {
    try {
      await this.recover();
      const outcome = await this.destroy();
      if (outcome.exitCode !== 0)
        throw new Error(`destroy of ${this.name} failed:\n${outcome.output}`);
    } finally {
      await removeObjects(this.docker.host, await this.inDocker());
      this.forget();
    }
  }
}

function outcomeOf(run: EngineRun, events: readonly EngineEvent[]): Outcome {
  const diagnostics = events.flatMap(({ diagnosticEvent }) => diagnosticEvent ?? []);
  const said = (severity: DiagnosticEvent["severity"]): string[] =>
    diagnostics
      .filter((event) => event.severity === severity)
      .map(({ message }) => message.trimEnd());
  const shown = diagnostics
    .filter(({ severity }) => severity !== "debug")
    .map(
      ({ severity, urn, message }) =>
        `${severity} ${urn ? nameOfUrn(urn) : ""}: ${message.trimEnd()}`,
    );
  return {
    ...run,
    events,
    steps: events.flatMap(({ resourcePreEvent }) => stepOf(resourcePreEvent?.metadata)),
    errors: said("error"),
    warnings: said("warning"),
    output: [...shown, run.text].join("\n"),
  };
}

function stepOf(metadata: StepMetadata | undefined): Step[] {
  if (!metadata || metadata.op === "same" || metadata.op === "read") return [];
  const detailed = Object.entries(metadata.detailedDiff ?? {});
  const diff =
    detailed.length > 0
      ? detailed.map(([path, { diffKind }]) => [path, diffKind])
      : (metadata.diffs ?? []).map((path) => [path, "update"]);
  return [
    {
      op: metadata.op,
      type: metadata.type,
      name: nameOfUrn(metadata.urn),
      diff: Object.fromEntries(diff) as Record<string, string>,
      metadata,
    },
  ];
}
