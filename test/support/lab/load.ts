import type { Lab } from "../../../model";
import { readBack, startChecker, type RunningChecker } from "../../../trials/checker/checker";
import type { KafkaLog } from "../../../trials/checker/kafka-log";
import { judge, type Ledger, type Verdict } from "../../../trials/checker/ledger";
import { waitFor } from "../wait";
import { openLog } from "./records";

export interface Loaded<T> {
  readonly result: T;
  readonly ledger: Ledger;
  readonly verdict: Verdict;
}

/**
 * Writes 350 records a second to a topic while `work` goes on, and reads them back afterwards.
 * @param then may look at the log once more, before it is closed
 */
export async function underLoad<T>(
  lab: Lab,
  topic: string,
  work: () => Promise<T>,
  then: (log: KafkaLog, loaded: Loaded<T>) => Promise<void> = () => Promise.resolve(),
): Promise<Loaded<T>> {
  const log = await openLog(lab, topic);
  let checker: RunningChecker | undefined;
  try {
    const running = (checker = startChecker(log));
    await waitFor("a second's records to be acknowledged", () =>
      Promise.resolve(running.acknowledged() > 350 || undefined),
    );
    const result = await work();
    const ledger = await running.stop();
    if (ledger.endedEarly !== undefined) throw new Error(ledger.endedEarly);
    const loaded = { result, ledger, verdict: judge(ledger, await readBack(log, ledger)) };
    await then(log, loaded);
    return loaded;
  } finally {
    checker?.abandon();
    await log.close();
  }
}
