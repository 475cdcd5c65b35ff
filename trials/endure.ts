import { setTimeout as sleep } from "node:timers/promises";
import { reasonOf } from "../scripts/lib/errors";
import type { Log } from "../toolchain/log";
import { readBack, startChecker } from "./checker/checker";
import { KafkaLog } from "./checker/kafka-log";
import { judge, type Verdict } from "./checker/ledger";
import { longestOfferMs, MOST_RECORDS, readBackMs } from "./limits";
import type { Moments, Outcome } from "./trial";

/** Records are written for so long before a fault and after the recovery. */
const LEAD_MS = 5000;
const TAIL_MS = 5000;

/** What records are written through. */
export interface Ordeal {
  readonly bootstrapServers: string;
  readonly topic: string;
  /** Records a second. */
  readonly rate: number;
  /** @param leftMs for how long records will still be written, ms */
  readonly befall: (leftMs: () => number) => Promise<void>;
  readonly waitUntilWell: () => Promise<void>;
  readonly signal: AbortSignal;
  readonly log: Log;
}

/** What became of it. */
export type Endured = Pick<Outcome, "moments" | "verdict" | "problem">;

/**
 * Writes records while something befalls the brokers, and reads them back. What goes wrong on the way is
 * the `problem`; the records are read back all the same, where they can be.
 * @throws where it is interrupted, or cannot even begin
 */
export async function endure(ordeal: Ordeal): Promise<Endured> {
  const { bootstrapServers, topic, rate, signal } = ordeal;
  const log = await KafkaLog.open(bootstrapServers.split(","), topic);
  const limits = { maxMs: longestOfferMs(rate), maxRecords: MOST_RECORDS };
  const checker = startChecker(log, { rate, ...limits });
  const moments: { -readonly [K in keyof Moments]?: number } = {};
  let problem: string | undefined;
  let verdict: Verdict | undefined;
  const failed = (error: unknown): void => {
    signal.throwIfAborted();
    problem ??= reasonOf(error);
    ordeal.log(`  ✗ ${reasonOf(error)}`);
  };
  try {
    await sleep(LEAD_MS, undefined, { signal });
    moments.fellMs = checker.elapsedMs();
    try {
      await ordeal.befall(() => checker.leftMs());
      moments.healedMs = checker.elapsedMs();
      await ordeal.waitUntilWell();
      moments.wellMs = checker.elapsedMs();
      await sleep(TAIL_MS, undefined, { signal });
    } catch (error) {
      failed(error);
    }
    try {
      const ledger = await checker.stop();
      verdict = judge(ledger, await readBack(log, ledger, readBackMs(ledger.offered)));
    } catch (error) {
      failed(error);
    }
    return { moments, verdict, problem };
  } finally {
    checker.abandon();
    await Promise.race([log.close(), sleep(5000)]);
  }
}
