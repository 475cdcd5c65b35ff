import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseDocument, type Document } from "yaml";
import { parseLab, type Lab } from "../model";
import { openSshShell } from "../provider/ssh/ssh2";
import { askEngine, runEngine, type Engine } from "../scripts/lib/engine";
import { labValue } from "../scripts/lib/lab-config";
import { ensureLabFiles, readLab } from "../scripts/lib/lab-files";
import { labFolder, PROJECT, type LabFolder } from "../scripts/lib/lab-folder";
import { gatherStatus } from "../scripts/lib/lab-status";
import { knownOfHosts } from "../scripts/lib/lab-drift";
import { dockerObjects, removeObjects, resourcesInState } from "../scripts/lib/leftovers";
import { statusPorts } from "../scripts/lib/status-ports";
import { keepHosts, withoutDataPlane } from "../test/support/lab/template";
import type { LabValue } from "../test/support/stack";
import type { Log } from "../toolchain/log";
import { measureDrift } from "./drift";
import type { TimedEvent } from "./timeline";

/** What a measured run of the engine was. */
export interface MeasuredRun {
  /** From the start of the engine's process to its end. */
  readonly seconds: number;
  /** When it was started, as `performance.now()` tells the time. */
  readonly startedMs: number;
  /** How many resources by operation. */
  readonly changes: Readonly<Record<string, number>>;
  readonly events: readonly TimedEvent[];
}

export interface BenchLabOptions {
  /** Names the stack and the lab. */
  readonly name: string;
  readonly labsDir: string;
  readonly subnet: string;
  /**
   * `brokers`: three brokers and nothing else; `six`: the template's brokers and its ring, without MQTT;
   * `template`: the lab as the template has it.
   */
  readonly hosts: "brokers" | "six" | "template";
  /** With `brokers`: machines that are kept although no broker plays on them. */
  readonly spares?: readonly string[];
  readonly engine: Engine;
  readonly dockerHost: string;
  /** Where the project file finds the plugin `pilab`, if not in the checkout. */
  readonly pilabFolder?: string;
  /** The longest that one run of the engine may take. Default 10 minutes. */
  readonly deadlineMs?: number;
  readonly log: Log;
}

/** The user asked for an end. */
export class Interrupted extends Error {
  constructor() {
    super("Interrupted.");
  }
}

/** A cold `up` takes about a minute. */
const RUN_DEADLINE_MS = 10 * 60_000;
const WELL_DEADLINE_MS = 60_000;

/** A lab of the benchmark's or a trial's own: name, subnet, folder and state are nobody else's. */
export class BenchLab {
  private constructor(
    private readonly options: BenchLabOptions,
    readonly folder: LabFolder,
  ) {}

  /** Makes its folder and an empty stack; nothing runs yet. */
  static async create(options: BenchLabOptions): Promise<BenchLab> {
    const folder = labFolder(options.name, options.labsDir);
    const lab = new BenchLab(options, folder);
    await ensureLabFiles(folder, () =>
      Promise.resolve({ name: options.name, subnet: options.subnet }),
    );
    if (options.hosts !== "template") lab.editLab(trimmer(options.hosts, options.spares));
    const { pilabFolder } = options;
    if (pilabFolder !== undefined) {
      lab.edit(folder.projectFile, (project) =>
        project.setIn(["plugins", "providers", 0, "path"], pilabFolder),
      );
    }
    await askEngine(folder, options.engine, ["stack", "init", options.name]);
    return lab;
  }

  get lab(): Lab {
    return parseLab(readLab(this.folder));
  }

  get privateKeyFile(): string {
    return this.folder.privateKeyFile;
  }

  /** @throws Error where the engine fails or takes too long, with what it printed; Interrupted by the user */
  async run(command: "up" | "preview", ...flags: string[]): Promise<MeasuredRun> {
    const { engine, log } = this.options;
    const deadlineMs = this.options.deadlineMs ?? RUN_DEADLINE_MS;
    const events: TimedEvent[] = [];
    const problems: string[] = [];
    const said: string[] = [];
    const begin = performance.now();
    const minutes = (): string => `${Math.round((performance.now() - begin) / 60_000)} min`;
    const reminder = setInterval(() => log(`  … pulumi ${command} runs on (${minutes()})`), 60_000);
    const run = await runEngine(this.folder, engine, [command, ...flags, "--json"], {
      log: (line) => said.push(line),
      onEvent: (event) => {
        events.push({ atMs: performance.now() - begin, event });
        if (event.diagnosticEvent?.severity === "error")
          problems.push(event.diagnosticEvent.message.trim());
      },
      deadlineMs,
    }).finally(() => clearInterval(reminder));
    const seconds = (performance.now() - begin) / 1000;
    if (run.interrupted) throw new Interrupted();
    if (run.exitCode !== 0 || run.timedOut) {
      const how = run.timedOut
        ? `was not done in ${deadlineMs / 60_000} minutes and was ended`
        : `ended with status ${run.exitCode}`;
      throw new Error(`pulumi ${command} ${how}:\n${[...problems, ...said].join("\n")}`);
    }
    const changes = run.summary?.resourceChanges ?? {};
    return { seconds, startedMs: begin, changes, events };
  }

  /** @see waitUntilWell */
  waitUntilWell(): Promise<number> {
    return waitUntilWell(this.lab);
  }

  /** @throws Error where a host has drifted or does not answer: then it is another thing that was measured */
  drift(): Promise<{ readonly seconds: number }> {
    return measureDrift(this.lab, knownOfHosts(resourcesInState(this.folder)), {
      openShell: openSshShell,
      privateKey: readFileSync(this.folder.privateKeyFile, "utf8"),
      signal: new AbortController().signal,
    });
  }

  /** Another value of one setting of one topic, as a user's edit. */
  editTopic(value: number): void {
    const topic = this.lab.topics[0]!.name;
    this.set(["topics", topic, "config", "retention.ms"], String(value));
  }

  /** Another value of one key of the configuration, as a user's edit. */
  set(path: readonly string[], value: unknown): void {
    this.edit(this.folder.configFile, (document) => document.setIn([...LAB, ...path], value));
  }

  /** One more machine, at an address above all of the template's. @param number from 1 */
  addMachine(name: string, number: number): void {
    const network = this.options.subnet.replace(/\.\d+\/\d+$/, "");
    this.set(["machines", name], { board: "pi-4b-8gb", address: `${network}.${100 + number}` });
  }

  /** Removes its containers and forgets its state, without the engine: what comes next starts cold. */
  async remove(): Promise<void> {
    const { dockerHost, name } = this.options;
    await removeObjects(dockerHost, await dockerObjects(dockerHost, name));
    rmSync(this.folder.dir, { recursive: true, force: true });
  }

  private editLab(change: (lab: LabValue) => void): void {
    this.edit(this.folder.configFile, (document) => {
      const value = labValue(document) as LabValue;
      change(value);
      document.setIn(LAB, value);
    });
  }

  private edit(file: string, change: (document: Document) => void): void {
    const document = parseDocument(readFileSync(file, "utf8"));
    change(document);
    writeFileSync(file, document.toString({ lineWidth: 0 }));
  }
}

/**
 * Waits until every topic has all its replicas in sync.
 * @returns how long that took, seconds: 0 where the first look found it so
 */
export async function waitUntilWell(lab: Lab): Promise<number> {
  const begin = performance.now();
  for (let looks = 1; ; looks++) {
    const { problems } = await gatherStatus(lab, statusPorts);
    const waited = performance.now() - begin;
    if (problems.length === 0) return looks === 1 ? 0 : waited / 1000;
    if (waited > WELL_DEADLINE_MS) {
      throw new Error(
        `${lab.name} is not well after ${WELL_DEADLINE_MS / 1000} s:\n${problems.join("\n")}`,
      );
    }
    await sleep(50);
  }
}

const LAB = ["config", `${PROJECT}:lab`];

/** What makes the template's lab one of another kind. */
function trimmer(kind: "brokers" | "six", spares: readonly string[] = []): (lab: LabValue) => void {
  if (kind === "six") return withoutDataPlane;
  return (lab) => {
    const brokers = Object.entries(lab.hosts).filter(([, { role }]) => role === "broker");
    keepHosts(
      lab,
      brokers.map(([name]) => name),
      spares,
    );
  };
}
