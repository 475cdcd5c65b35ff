import { join } from "node:path";
import type { Engine } from "../scripts/lib/engine";
import { nameOfUrn } from "../scripts/lib/engine-events";
import { reasonOf } from "../scripts/lib/errors";
import { dockerObjects, removeObjects } from "../scripts/lib/leftovers";
import type { Log } from "../toolchain/log";
import { BenchLab, Interrupted, type BenchLabOptions, type MeasuredRun } from "./bench-lab";
import { busyCores } from "./machine";
import { measures, type Failure, type MeasureId, type Samples } from "./measures";

export interface MeasuringOptions {
  /** Begins the name of everything that the benchmark makes in Docker. */
  readonly name: string;
  /** A folder of its own. */
  readonly folder: string;
  readonly subnet: string;
  readonly engine: Engine;
  readonly dockerHost: string;
  readonly image: string;
  readonly archive: string;
  /** How often a lab is brought up from nothing; what takes seconds is measured `2 * runs + 1` times. */
  readonly runs: number;
  /** MiB that each broker holds when one of them is swapped. */
  readonly dataMib: number;
  /** Topics of the stack that has many of them. */
  readonly topics: number;
  /** The longest that one run of the engine may take. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
  readonly log: Log;
}

/** What the parts of the benchmark measure with: labs of their own, and a record of what was found. */
export class Measuring {
  private readonly taken: Partial<Record<MeasureId, number[]>> = {};
  private count = 0;
  readonly busyCores: number[] = [];
  readonly notes: string[] = [];
  readonly failures: Failure[] = [];

  constructor(readonly options: MeasuringOptions) {}

  get samples(): Samples {
    return this.taken;
  }

  /** How often what takes seconds is measured. */
  get rounds(): number {
    return 2 * this.options.runs + 1;
  }

  note(text: string): void {
    this.notes.push(text);
    this.options.log(text);
  }

  /**
   * Measures one thing once. What fails is noted with its reason and costs that one figure alone.
   * @returns undefined where it failed
   * @throws Interrupted
   */
  async take<T extends { readonly seconds: number }>(
    id: MeasureId,
    work: () => Promise<T>,
  ): Promise<T | undefined> {
    return this.trying(measures[id].title, async () => {
      this.busyCores.push(await busyCores());
      const result = await work();
      this.sample(id, result.seconds);
      return result;
    });
  }

  /** Notes a figure that was found while something else was measured. */
  sample(id: MeasureId, seconds: number): void {
    const values = (this.taken[id] ??= []);
    values.push(seconds);
    this.options.log(`${measures[id].title} (${values.length}): ${seconds.toFixed(2)} s`);
  }

  /**
   * Does what measurements stand on.
   * @returns undefined where it failed, which is noted with its reason
   * @throws Interrupted
   */
  async trying<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    const { signal, log } = this.options;
    if (signal.aborted) throw new Interrupted();
    try {
      return await work();
    } catch (error) {
      if (signal.aborted || error instanceof Interrupted) throw new Interrupted();
      const reason = reasonOf(error);
      this.failures.push({ what, reason });
      log(`FAILED: ${what}: ${reason}`);
      return undefined;
    }
  }

  /** Brings a lab up to measure on. @param edit the configuration, before that */
  async unmeasured(
    hosts: BenchLabOptions["hosts"],
    edit: (lab: BenchLab) => void = () => undefined,
  ): Promise<BenchLab> {
    const lab = await this.newLab(hosts);
    edit(lab);
    this.options.log("Bringing up a lab to measure on");
    await coldUp(lab, "--yes", "--skip-preview");
    return lab;
  }

  /** Makes a lab's folder and its empty stack; nothing runs yet. */
  newLab(hosts: BenchLabOptions["hosts"], other: Partial<BenchLabOptions> = {}): Promise<BenchLab> {
    const { name, folder, subnet, engine, dockerHost, deadlineMs, log } = this.options;
    this.count += 1;
    return BenchLab.create({
      name: `${name}-${this.count}`,
      labsDir: join(folder, "labs"),
      subnet,
      hosts,
      engine,
      dockerHost,
      deadlineMs,
      log,
      ...other,
    });
  }

  /** Removes what a part has left in Docker: the next one's labs have the same subnet. */
  async clear(): Promise<void> {
    const { dockerHost, name } = this.options;
    const left = (await dockerObjects(dockerHost)).filter(({ lab }) => lab.startsWith(`${name}-`));
    await removeObjects(dockerHost, left);
  }
}

/** From no container until every topic has all its replicas in sync, as the script does it. */
export async function coldUp(lab: BenchLab, ...flags: string[]): Promise<MeasuredRun> {
  const run = await lab.run("up", ...flags);
  return { ...run, seconds: run.seconds + (await lab.waitUntilWell()) };
}

/** @throws Error where something was to change: then it is another thing that was measured */
export async function unchanged(
  lab: BenchLab,
  command: "up" | "preview",
  ...flags: string[]
): Promise<MeasuredRun> {
  return expecting(await lab.run(command, ...flags), {});
}

/** @throws Error where anything else changed than so many resources by operation */
export function expecting(run: MeasuredRun, wanted: Readonly<Record<string, number>>): MeasuredRun {
  const changes = Object.fromEntries(Object.entries(run.changes).filter(([op]) => op !== "same"));
  if (JSON.stringify(changes) === JSON.stringify(wanted)) return run;
  const steps = run.events.flatMap(({ event }) => event.resourcePreEvent?.metadata ?? []);
  const changed = steps.filter(({ op }) => op !== "same");
  throw new Error(
    `the run was to change ${JSON.stringify(wanted)} and changed ${JSON.stringify(changes)}: ${changed.map(({ op, urn }) => `${op} ${nameOfUrn(urn)}`).join(", ")}`,
  );
}
