import type { Ground } from "../ground";
import { watchLives } from "./one-life";
import { evenly, killPoints, momentOf } from "./points";
import { userUp, type UserUp } from "./user-up";

const UP_MS = 10 * 60_000;

/** A setting that Kafka reads at its start alone. */
const ROLLED = "log.retention.hours";

/** How long what a killed engine has left may work on, before the next command ends it. */
const ORPHANS_MS = 3000;

/**
 * Makes a change once undisturbed, to learn its moments; then again for each of them, killed there, and by
 * the next `up` brought to its end.
 * @param change edits the configuration, each time in another way
 * @throws Error at the first moment after which the lab is not as it is to be
 */
export async function killAnywhere(
  ground: Ground,
  change: () => void | Promise<void>,
): Promise<void> {
  const lives = watchLives(ground);
  const failures: string[] = [];
  try {
    await change();
    const all = killPoints((await finish(ground)).events);
    await ground.waitUntilWell();
    const points = evenly(all, ground.kills);
    ground.note(
      `${all.length} moments at which it can be killed, of which ${points.length} are tried`,
    );
    for (const [index, point] of points.entries()) {
      await change();
      ground.log(`  killed at "${point}" (${index + 1} of ${points.length})`);
      await killOnce(ground, point);
    }
  } finally {
    const { looks, twoLives } = await lives.stop();
    ground.note(`each node's machines were looked at ${looks} times`);
    for (const { nodeId, machines } of twoLives) {
      failures.push(`node ${nodeId} ran on ${machines.join(" and ")} at the same time`);
    }
  }
  if (failures.length > 0) throw new Error(failures.join("\n"));
}

async function killOnce(ground: Ground, point: string): Promise<void> {
  const { signal } = ground;
  const began = Date.now();
  const cutOff = await userUp(ground.own.folder, {
    killAt: (event) => momentOf(event) === point,
    deadlineMs: UP_MS,
    signal,
  });
  if (cutOff.exitCode !== undefined || cutOff.timedOut) {
    // Some moments are short, and the provider tells the last one alone of several.
    if (cutOff.exitCode === 0)
      return ground.note(`"${point}" did not come by again: not killed there`);
    throw new Error(`an \`up\` that was to be killed at "${point}" failed:\n${cutOff.output}`);
  }
  await ground.hold(ORPHANS_MS);
  try {
    await finish(ground);
    await ground.waitUntilWell();
    const { changes } = await ground.own.run("preview");
    const left = Object.keys(changes).filter((op) => op !== "same");
    if (left.length > 0) throw new Error(`the next preview would still ${left.join(", ")}`);
  } catch (error) {
    signal.throwIfAborted();
    throw new Error(`after a kill at "${point}": ${(error as Error).message}`, { cause: error });
  }
  ground.note(
    `killed at "${point}": well again after ${Math.round((Date.now() - began) / 1000)} s`,
  );
}

/** An `up` that must go through, as the user would run it after a crash. */
async function finish(ground: Ground): Promise<UserUp> {
  const up = await userUp(ground.own.folder, { deadlineMs: UP_MS, signal: ground.signal });
  if (up.exitCode === 0) return up;
  throw new Error(`the \`up\` ended with ${up.exitCode ?? "a kill"}:\n${up.output}`);
}

/** A roll of all brokers: a setting that is read at their start alone. */
export function anotherRoll(ground: Ground): void {
  const now = ground.lab.cluster.settings[ROLLED] ?? "100";
  ground.own.set(["cluster", "settings", ROLLED], String(Number(now) + 1));
}
