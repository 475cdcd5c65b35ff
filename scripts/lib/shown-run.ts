import type { Log } from "../../toolchain/log";
import { runEngine, type Engine, type EngineRun } from "./engine";
import type { LabFolder } from "./lab-folder";
import { resourcesInState } from "./leftovers";
import { Progress } from "./progress";

/** How often steps that take long are looked at. */
const TICK_MS = 1000;

/** Runs an operation of the engine and tells the user of its steps, a line each. */
export async function runShown(
  folder: LabFolder,
  engine: Engine,
  args: readonly string[],
  log: Log,
): Promise<EngineRun> {
  const progress = new Progress(log);
  const ticker = setInterval(() => progress.tick(), TICK_MS);
  try {
    return await runEngine(folder, engine, [...args, "--json"], {
      log,
      onEvent: (event) => progress.handle(event),
    });
  } finally {
    clearInterval(ticker);
  }
}

/**
 * The engine's arguments that bring a lab up without a question. On a lab that stands its preview comes
 * first: what a resource refuses is then told before any other is changed. One that has nothing yet can
 * lose nothing.
 */
export function upArgs(folder: LabFolder): string[] {
  const isEmpty = resourcesInState(folder).length === 0;
  return ["up", "--yes", ...(isEmpty ? ["--skip-preview"] : [])];
}
