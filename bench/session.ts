import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Engine } from "../scripts/lib/engine";
import { nameOfUrn } from "../scripts/lib/engine-events";
import { gatherStatus } from "../scripts/lib/lab-status";
import { dockerObjects, removeObjects } from "../scripts/lib/leftovers";
import { statusPorts } from "../scripts/lib/status-ports";
import type { Log } from "../toolchain/log";
import { runBaseline } from "./baseline";
import { writeBaselineFolder } from "./baseline-folder";
import { BenchLab, Interrupted, type BenchLabOptions, type MeasuredRun } from "./bench-lab";
import { busyCores } from "./machine";
import { makeNoopHome } from "./noop/home";
import { StandIns } from "./stand-ins";
import { measures, type MeasureId, type Samples } from "./report";
import { stepTimes, type StepTime } from "./timeline";

export const parts = ["cold", "preview", "up", "topic", "six", "drift"] as const;
export type Part = (typeof parts)[number];

export interface SessionOptions {
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
  readonly only: ReadonlySet<Part>;
  readonly signal: AbortSignal;
  readonly log: Log;
}

/** One run of the benchmark: brings labs up and down, one at a time, and notes how long that takes. */
export class Session {
  private readonly taken: Partial<Record<MeasureId, number[]>> = {};
  private readonly busy: number[] = [];
  private count = 0;
  /** The steps of the last cold `up` of three hosts. */
  public timeline: readonly StepTime[] = [];

  constructor(private readonly options: SessionOptions) {}

  get samples(): Samples {
    return this.taken;
  }

  get busyCores(): readonly number[] {
    return this.busy;
  }

  async measure(): Promise<void> {
    const { only } = this.options;
    if (["cold", "preview", "up", "topic"].some((part) => only.has(part as Part))) {
      const lab = only.has("cold") ? await this.coldRuns() : await this.unmeasured("brokers");
      await this.quickRuns(lab);
      await lab.remove();
    }
    if (only.has("six")) await this.sixHosts();
    if (only.has("drift")) await this.drift();
  }

  /** Alternates between the script and the stack, so that both meet the machine in the same state. */
  private async coldRuns(): Promise<BenchLab> {
    let lab: BenchLab | undefined;
    for (let run = 1; run <= this.options.runs; run++) {
      await lab?.remove();
      await this.script();
      const previewed = await this.newLab("brokers");
      await this.take("cold-with-preview", () => coldUp(previewed, "--yes"));
      await previewed.remove();
      const next = await this.newLab("brokers");
      lab = next;
      const { events } = await this.take("cold", () => coldUp(next, "--yes", "--skip-preview"));
      this.timeline = stepTimes(events);
    }
    return lab!;
  }

  private async script(): Promise<void> {
    const { dockerHost, image, archive, signal } = this.options;
    const model = await this.newLab("brokers");
    // The same lab by another name: what the script makes is not the stack's.
    const lab = { ...model.lab, name: `${model.lab.name}-script` };
    const folder = join(this.options.folder, lab.name);
    writeBaselineFolder(folder, lab, {
      privateKeyFile: model.privateKeyFile,
      image,
      archive,
      archiveSha256: readFileSync(`${archive}.sha256`, "utf8").split(/\s/)[0]!,
    });
    await this.take("script", async () => ({
      seconds: await runBaseline(folder, dockerHost, signal),
    }));
    const { problems } = await gatherStatus(lab, statusPorts);
    if (problems.length > 0) {
      throw new Error(`bench/baseline.sh ended well, but:\n${problems.join("\n")}`);
    }
    await removeObjects(dockerHost, await dockerObjects(dockerHost, lab.name));
    await model.remove();
  }

  private async quickRuns(lab: BenchLab): Promise<void> {
    const { only, runs } = this.options;
    const noop = only.has("preview") || only.has("up") ? await this.noopLab() : undefined;
    const resources = total(await unchanged(lab, "preview"));
    const resourcesOfNoop = noop && total(await unchanged(noop, "preview"));
    if (noop && resources !== resourcesOfNoop) {
      throw new Error(`the no-op stack has ${resourcesOfNoop} resources, the real ${resources}`);
    }
    for (let round = 1; round <= 2 * runs + 1; round++) {
      if (noop && only.has("preview")) {
        await this.take("noop-preview", () => unchanged(noop, "preview"));
        await this.take("preview", () => unchanged(lab, "preview"));
      }
      if (noop && only.has("up")) {
        await this.take("noop-up", () => unchanged(noop, "up", "--yes"));
        await this.take("up", () => unchanged(lab, "up", "--yes"));
      }
      if (only.has("topic")) {
        lab.editTopic(86_400_000 + round);
        await this.take("topic", () => oneUpdate(lab));
      }
    }
  }

  private async sixHosts(): Promise<void> {
    const { runs } = this.options;
    let lab: BenchLab | undefined;
    for (let run = 1; run <= runs; run++) {
      await lab?.remove();
      const next = await this.newLab("template");
      lab = next;
      await this.take("six-cold", () => coldUp(next, "--yes", "--skip-preview"));
    }
    const last = lab!;
    for (let round = 1; round <= 2 * runs + 1; round++) {
      await this.take("six-preview", () => unchanged(last, "preview"));
      await this.take("six-up", () => unchanged(last, "up", "--yes"));
    }
    await last.remove();
  }

  /** Hosts that are as they were left, from the first dial to the last answer. */
  private async drift(): Promise<void> {
    const rounds = 2 * this.options.runs + 1;
    const lab = await this.unmeasured("template");
    for (let round = 1; round <= rounds; round++) await this.take("drift-6", () => lab.drift());
    const standIns = await StandIns.start(lab.lab, this.options.signal);
    await lab.remove();
    try {
      for (const [id, count] of [
        ["drift-60", 60],
        ["drift-600", 600],
      ] as const) {
        for (let round = 1; round <= rounds; round++) {
          await this.take(id, () => standIns.drift(count));
        }
      }
    } finally {
      standIns.stop();
    }
  }

  private async noopLab(): Promise<BenchLab> {
    const { engine, folder } = this.options;
    const { home, pilabFolder } = await makeNoopHome(join(folder, "noop"));
    const lab = await this.newLab("brokers", {
      engine: { ...engine, env: { ...engine.env, PULUMI_HOME: home } },
      pilabFolder,
    });
    this.options.log("Making the same resources with plugins that do nothing");
    await lab.run("up", "--yes", "--skip-preview");
    return lab;
  }

  private async unmeasured(hosts: BenchLabOptions["hosts"]): Promise<BenchLab> {
    const lab = await this.newLab(hosts);
    this.options.log("Bringing up a lab to measure on");
    await coldUp(lab, "--yes", "--skip-preview");
    return lab;
  }

  private newLab(
    hosts: BenchLabOptions["hosts"],
    other: Partial<BenchLabOptions> = {},
  ): Promise<BenchLab> {
    const { name, folder, subnet, engine, dockerHost, log } = this.options;
    this.count += 1;
    return BenchLab.create({
      name: `${name}-${this.count}`,
      labsDir: join(folder, "labs"),
      subnet,
      hosts,
      engine,
      dockerHost,
      log,
      ...other,
    });
  }

  private async take<T extends { readonly seconds: number }>(
    id: MeasureId,
    work: () => Promise<T>,
  ): Promise<T> {
    if (this.options.signal.aborted) throw new Interrupted();
    this.busy.push(await busyCores());
    const result = await work();
    const values = (this.taken[id] ??= []);
    values.push(result.seconds);
    this.options.log(`${measures[id].title} (${values.length}): ${result.seconds.toFixed(2)} s`);
    return result;
  }
}

/** From no container until every topic has all its replicas in sync, as the script does it. */
async function coldUp(lab: BenchLab, ...flags: string[]): Promise<MeasuredRun> {
  const run = await lab.run("up", ...flags);
  return { ...run, seconds: run.seconds + (await lab.waitUntilWell()) };
}

/** @throws Error where something was to change: then it is another thing that was measured */
async function unchanged(
  lab: BenchLab,
  command: "up" | "preview",
  ...flags: string[]
): Promise<MeasuredRun> {
  return expecting(await lab.run(command, ...flags), {});
}

async function oneUpdate(lab: BenchLab): Promise<MeasuredRun> {
  return expecting(await lab.run("up", "--yes"), { update: 1 });
}

function expecting(run: MeasuredRun, wanted: Readonly<Record<string, number>>): MeasuredRun {
  const changes = Object.fromEntries(Object.entries(run.changes).filter(([op]) => op !== "same"));
  if (JSON.stringify(changes) === JSON.stringify(wanted)) return run;
  const steps = run.events.flatMap(({ event }) => event.resourcePreEvent?.metadata ?? []);
  const changed = steps.filter(({ op }) => op !== "same");
  throw new Error(
    `the run was to change ${JSON.stringify(wanted)} and changed ${JSON.stringify(changes)}: ${changed.map(({ op, urn }) => `${op} ${nameOfUrn(urn)}`).join(", ")}`,
  );
}

function total(run: MeasuredRun): number {
  return Object.values(run.changes).reduce((sum, count) => sum + count, 0);
}
