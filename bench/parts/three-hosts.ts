import { join } from "node:path";
import type { BenchLab, MeasuredRun } from "../bench-lab";
import { coldUp, expecting, unchanged, type Measuring } from "../measuring";
import { makeNoopHome } from "../noop/home";
import { stepTimes, type StepTime } from "../timeline";
import { takeScript } from "./script";

export interface ThreeHostsOptions {
  readonly cold: boolean;
  readonly preview: boolean;
  readonly up: boolean;
  readonly topic: boolean;
}

/**
 * Three brokers: brought up from nothing, then looked at unchanged and with one topic's setting edited.
 * @returns the steps of the last cold `up`; none without one
 */
export async function threeHosts(
  measuring: Measuring,
  options: ThreeHostsOptions,
): Promise<readonly StepTime[]> {
  const { lab, timeline } = options.cold
    ? await coldRuns(measuring)
    : { lab: undefined, timeline: [] };
  if (options.preview || options.up || options.topic) {
    const standing = lab ?? (await measuring.unmeasured("brokers"));
    await quickRuns(measuring, standing, options);
    await standing.remove();
  } else {
    await lab?.remove();
  }
  return timeline;
}

interface ColdRuns {
  /** The last lab, if its `up` went well. */
  readonly lab: BenchLab | undefined;
  readonly timeline: readonly StepTime[];
}

/** Alternates between the script and the stack, so that both meet the machine in the same state. */
async function coldRuns(measuring: Measuring): Promise<ColdRuns> {
  let lab: BenchLab | undefined;
  let timeline: readonly StepTime[] = [];
  for (let run = 1; run <= measuring.options.runs; run++) {
    await lab?.remove();
    lab = undefined;
    await measuring.trying("3 hosts: the shell script's lab", () => takeScript(measuring));
    const previewed = await measuring.newLab("brokers");
    await measuring.take("cold-with-preview", () => coldUp(previewed, "--yes"));
    await previewed.remove();
    const next = await measuring.newLab("brokers");
    const cold = await measuring.take("cold", () => coldUp(next, "--yes", "--skip-preview"));
    if (cold === undefined) {
      await next.remove();
      continue;
    }
    lab = next;
    timeline = stepTimes(cold.events);
  }
  return { lab, timeline };
}

async function quickRuns(
  measuring: Measuring,
  lab: BenchLab,
  { preview, up, topic }: ThreeHostsOptions,
): Promise<void> {
  const noop = preview || up ? await noopLab(measuring) : undefined;
  const resources = total(await unchanged(lab, "preview"));
  const resourcesOfNoop = noop && total(await unchanged(noop, "preview"));
  if (noop && resources !== resourcesOfNoop) {
    throw new Error(`the no-op stack has ${resourcesOfNoop} resources, the real ${resources}`);
  }
  for (let round = 1; round <= measuring.rounds; round++) {
    if (noop && preview) {
      await measuring.take("noop-preview", () => unchanged(noop, "preview"));
      await measuring.take("preview", () => unchanged(lab, "preview"));
    }
    if (noop && up) {
      await measuring.take("noop-up", () => unchanged(noop, "up", "--yes"));
      await measuring.take("up", () => unchanged(lab, "up", "--yes"));
    }
    if (topic) {
      lab.editTopic(86_400_000 + round);
      await measuring.take("topic", async () =>
        expecting(await lab.run("up", "--yes"), { update: 1 }),
      );
    }
  }
}

async function noopLab(measuring: Measuring): Promise<BenchLab> {
  const { engine, folder, log } = measuring.options;
  const { home, pilabFolder } = await makeNoopHome(join(folder, "noop"));
  const lab = await measuring.newLab("brokers", {
    engine: { ...engine, env: { ...engine.env, PULUMI_HOME: home } },
    pilabFolder,
  });
  log("Making the same resources with plugins that do nothing");
  await lab.run("up", "--yes", "--skip-preview");
  return lab;
}

function total(run: MeasuredRun): number {
  return Object.values(run.changes).reduce((sum, count) => sum + count, 0);
}
