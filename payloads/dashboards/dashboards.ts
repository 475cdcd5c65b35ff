import { setTimeout as sleep } from "node:timers/promises";
import { ZodError } from "zod";
import type { DashboardsConfig } from "../../model";
import type { Ground, Running } from "../lib/program";
import { Convergence } from "./converge";
import { makeFigures } from "./figures";
import { Metabase, MetabaseError } from "./metabase";

export interface Pace {
  /** Between two questions whether Metabase has started, ms. */
  readonly startMs: number;
  /** How long a start may take before it is told as a fault, ms. On a Pi it takes minutes, the first one longest. */
  readonly startDeadlineMs: number;
  /** How often a start that goes on is told, ms. */
  readonly tellMs: number;
  /** After a failure, ms; doubled at each up to a minute. */
  readonly failureMs: number;
}

const PACE: Pace = {
  startMs: 2_000,
  startDeadlineMs: 15 * 60_000,
  tellMs: 15_000,
  failureMs: 5_000,
};
const LONGEST_MS = 60_000;

/** Keeps Metabase as the lab wants it: at once, and at an interval from then on. */
export function startDashboards(
  config: DashboardsConfig,
  { log, metrics, signal }: Ground,
  pace: Pace = PACE,
): Running {
  const figures = makeFigures(metrics);
  const { lab, store, everySeconds } = config;
  const metabase = new Metabase(config.metabase, [store.password]);
  const convergence = new Convergence(metabase, { lab, store });
  let problem: string | undefined = "Metabase has not been looked at yet";

  const awaitStart = async (): Promise<void> => {
    const began = Date.now();
    let told = 0;
    for (;;) {
      const state = await metabase.startState(signal);
      if (state === undefined || signal.aborted) return;
      const waited = Date.now() - began;
      if (waited > pace.startDeadlineMs) {
        const seconds = Math.round(pace.startDeadlineMs / 1000);
        const remedy = "See `journalctl -u metabase` there";
        throw new MetabaseError(`not started within ${seconds} s: ${state}. ${remedy}`, undefined);
      }
      problem = `Metabase does not serve yet: ${state}`;
      if (waited >= told) {
        log("info", "waiting for Metabase", { state, seconds: Math.round(waited / 1000) });
        told = waited + pace.tellMs;
      }
      await sleep(pace.startMs, undefined, { signal }).catch(() => {});
    }
  };

  const round = async (): Promise<void> => {
    await awaitStart();
    if (signal.aborted) return;
    if (await metabase.setUp(`Lab ${lab}`, signal)) log("info", "set up", { lab });
    const { changes, dashboard } = await convergence.round(signal);
    for (const change of changes) log("info", "made as wanted", { change });
    figures.changes.inc(changes.length);
    figures.lastSuccess.setToCurrentTime();
    const { address, port } = config.metabase;
    if (problem !== undefined) {
      log("info", "Metabase shows the lab", {
        url: `http://${address}:${port}/dashboard/${dashboard}#refresh=10`,
      });
    }
    problem = undefined;
  };

  const run = async (): Promise<void> => {
    let failures = 0;
    while (!signal.aborted) {
      let pauseMs = everySeconds * 1000;
      try {
        await round();
        failures = 0;
        figures.rounds.inc({ outcome: "ok" });
      } catch (error) {
        if (signal.aborted) return;
        const words = wordsOf(error);
        if (words !== problem) log("warn", "Metabase is not as wanted", { cause: words });
        problem = words;
        figures.rounds.inc({ outcome: "failed" });
        const doubled = Math.min(pace.failureMs * 2 ** Math.min(failures++, 20), LONGEST_MS);
        const asked = error instanceof MetabaseError ? (error.retryMs ?? 0) : 0;
        pauseMs = Math.max(doubled, Math.min(asked, 10 * LONGEST_MS));
      }
      await sleep(pauseMs, undefined, { signal }).catch(() => {});
    }
  };
  const working = run();
  return { health: () => problem, stop: () => working };
}

/** An answer of another shape names its fields, not its content. */
function wordsOf(error: unknown): string {
  if (error instanceof ZodError) {
    const fields = error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
    return `Metabase answers in a form that is not known: ${fields.join("; ")}`;
  }
  return error instanceof Error ? error.message : String(error);
}
