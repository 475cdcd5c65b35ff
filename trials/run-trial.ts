import { bootstrapServers } from "../model";
import { endure } from "./endure";
import { TOPIC, type Ground } from "./ground";
import type { Heal, Outcome, Trial } from "./trial";

/**
 * One trial, from a lab that is well to one that is well again.
 * @param rate records a second
 * @throws where the trial is interrupted, or cannot even begin
 */
export async function runTrial(trial: Trial, ground: Ground, rate: number): Promise<Outcome> {
  const { name, title } = trial;
  await ground.waitUntilWell();
  await ground.spreadLeaders();
  await trial.prepare?.(ground);
  const endured = await endure({
    bootstrapServers: bootstrapServers(ground.lab),
    topic: TOPIC,
    rate,
    befall: (leftMs) => {
      ground.leftMs = leftMs;
      return befall(trial, ground);
    },
    waitUntilWell: () => ground.waitUntilWell(),
    signal: ground.signal,
    log: ground.log,
  });
  return { name, title, notes: [...ground.notes], ...endured };
}

/** Undone also where the holding is interrupted: a paused container cannot even be asked to stop. */
async function befall(trial: Trial, ground: Ground): Promise<void> {
  const heal: Heal | void = await trial.befall(ground);
  try {
    await ground.hold(trial.holdMs ?? 0);
  } finally {
    await heal?.();
  }
}
