import { setTimeout as sleep } from "node:timers/promises";
import { bootstrapServers } from "../model";
import { reasonOf } from "../scripts/lib/errors";
import { readBack, startChecker } from "./checker/checker";
import { KafkaLog } from "./checker/kafka-log";
import { judge, type Verdict } from "./checker/ledger";
import { TOPIC, type Ground } from "./ground";
import { longestOfferMs, MOST_RECORDS, readBackMs } from "./limits";
import type { Heal, Moments, Outcome, Trial } from "./trial";

/** Records are written for so long before a fault and after the recovery. */
const LEAD_MS = 5000;
const TAIL_MS = 5000;

/**
 * One trial, from a lab that is well to one that is well again. What goes wrong on the way is the outcome's
 * `problem`; the records are read back all the same, where they can be.
 * @param rate records a second
 * @throws where the trial is interrupted, or cannot even begin
 */
export async function runTrial(trial: Trial, ground: Ground, rate: number): Promise<Outcome> {
  const { name, title } = trial;
  await ground.waitUntilWell();
  await ground.spreadLeaders();
  await trial.prepare?.(ground);
  const log = await KafkaLog.open(bootstrapServers(ground.lab).split(","), TOPIC);
  const limits = { maxMs: longestOfferMs(rate), maxRecords: MOST_RECORDS };
  const checker = startChecker(log, { rate, ...limits });
  ground.leftMs = () => checker.leftMs();
  const moments: { -readonly [K in keyof Moments]?: number } = {};
  let problem: string | undefined;
  let verdict: Verdict | undefined;
  const failed = (error: unknown): void => {
    ground.signal.throwIfAborted();
    problem ??= reasonOf(error);
    ground.log(`  ✗ ${reasonOf(error)}`);
  };
  try {
    await ground.hold(LEAD_MS);
    moments.fellMs = checker.elapsedMs();
    try {
      await befall(trial, ground);
      moments.healedMs = checker.elapsedMs();
      await ground.waitUntilWell();
      moments.wellMs = checker.elapsedMs();
      await ground.hold(TAIL_MS);
    } catch (error) {
      failed(error);
    }
    try {
      const ledger = await checker.stop();
      verdict = judge(ledger, await readBack(log, ledger, readBackMs(ledger.offered)));
    } catch (error) {
      failed(error);
    }
    return { name, title, notes: [...ground.notes], moments, verdict, problem };
  } finally {
    checker.abandon();
    await Promise.race([log.close(), sleep(5000)]);
  }
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
