import { reasonOf } from "../../scripts/lib/errors";
import type { Ground } from "../ground";
import { watchLives } from "./one-life";
import { choose, killPoints, momentOf } from "./points";
import { Rounds, timeProblem } from "./rounds";
import { userUp } from "./user-up";
import type { WatchedUp } from "./watched-up";

/** The longest that an `up` may take here. */
export const UP_MS = 10 * 60_000;

/** A setting that Kafka reads at its start alone. */
const ROLLED = "log.retention.hours";

/** How long what a killed engine has left may work on, before the next command ends it. */
const ORPHANS_MS = 3000;

/** A change that can be made again and again. */
export interface Change {
  /** Edits the configuration, each time in another way. */
  readonly edit: () => void | Promise<void>;
  /** Rejects where the lab is not what the last edit wants, though all is well. */
  readonly assertDone?: () => Promise<void>;
}

/**
 * Makes a change once undisturbed, to learn its moments; then again for each of them, killed there, and by
 * the next `up` brought to its end.
 * @throws Error at the first moment after which the lab is not as it is to be; where no kill was made; where
 * a node ran twice, or may have
 */
export async function killAnywhere(ground: Ground, change: Change): Promise<void> {
  const lives = watchLives(ground);
  const problems: string[] = [];
  try {
    problems.push(...(await killAtEach(ground, change)));
  } catch (error) {
    problems.push(reasonOf(error));
  } finally {
    const seen = await lives.stop();
    for (const note of seen.notes()) ground.note(note);
    problems.push(...seen.problems());
  }
  ground.signal.throwIfAborted();
  if (problems.length > 0) throw new Error(problems.join("\n"));
}

async function killAtEach(ground: Ground, change: Change): Promise<string[]> {
  const began = Date.now();
  await change.edit();
  const all = killPoints((await finish(ground, change)).events);
  const onceMs = Date.now() - began;
  const points = choose(all, ground.kills);
  ground.note(
    `${all.length} moments at which it can be killed, of which ${points.length} are to be tried`,
  );
  const tooLong = timeProblem(points.length, onceMs, ground.leftMs());
  if (tooLong !== undefined) throw new Error(tooLong);
  const rounds = new Rounds(points);
  try {
    for (const [i, point] of points.entries()) {
      if (ground.leftMs() <= 0) throw new Error("no more records are written: it took too long");
      await change.edit();
      ground.log(`  killed at "${point}" (${i + 1} of ${points.length})`);
      rounds.ended(point, await killOnce(ground, change, point));
    }
  } finally {
    for (const note of rounds.notes()) ground.note(note);
  }
  return rounds.problems();
}

/** @returns whether the moment came by, and it was killed there */
async function killOnce(ground: Ground, change: Change, point: string): Promise<boolean> {
  const { signal } = ground;
  const began = Date.now();
  const cutOff = await userUp(ground.own.folder, {
    killAt: (event) => momentOf(event) === point,
    deadlineMs: UP_MS,
    signal,
  });
  const killed = cutOff.exitCode === undefined && !cutOff.timedOut;
  if (!killed && cutOff.exitCode !== 0) {
    throw new Error(`an \`up\` that was to be killed at "${point}" failed:\n${cutOff.output}`);
  }
  if (killed) await ground.hold(ORPHANS_MS);
  try {
    if (killed) await finish(ground, change);
    else await assertConverged(ground, change);
    const { changes } = await ground.own.run("preview");
    const left = Object.keys(changes).filter((op) => op !== "same");
    if (left.length > 0) throw new Error(`the next preview would still ${left.join(", ")}`);
  } catch (error) {
    signal.throwIfAborted();
    throw new Error(`after a kill at "${point}": ${(error as Error).message}`, { cause: error });
  }
  const seconds = Math.round((Date.now() - began) / 1000);
  if (killed) ground.note(`killed at "${point}": well again after ${seconds} s`);
  return killed;
}

/** An `up` that must go through, as the user would run it after a crash. */
export async function finish(
  ground: Ground,
  change: Pick<Change, "assertDone">,
): Promise<WatchedUp> {
  const up = await userUp(ground.own.folder, { deadlineMs: UP_MS, signal: ground.signal });
  if (up.exitCode !== 0) {
    throw new Error(`the \`up\` ended with ${up.exitCode ?? "a kill"}:\n${up.output}`);
  }
  await assertConverged(ground, change);
  return up;
}

async function assertConverged(
  ground: Ground,
  { assertDone }: Pick<Change, "assertDone">,
): Promise<void> {
  await ground.waitUntilWell();
  await assertDone?.();
}

/** A roll of all brokers: a setting that is read at their start alone. */
export function anotherRoll(ground: Ground): void {
  const now = ground.lab.cluster.settings[ROLLED] ?? "100";
  ground.own.set(["cluster", "settings", ROLLED], String(Number(now) + 1));
}
