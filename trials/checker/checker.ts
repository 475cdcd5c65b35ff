import { randomBytes } from "node:crypto";
import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { reasonOf } from "../../scripts/lib/errors";
import { Lane } from "./lane";
import type { Ack, Ledger, ReadBack } from "./ledger";
import type { RecordLog } from "./log";

export interface CheckerOptions {
  /** Records a second, all partitions together. Default 350: as many Pis that report once a second. */
  readonly rate?: number;
  /** No more records are offered after this time, and the ledger says so. Default 40 minutes. */
  readonly maxMs?: number;
  /** No more records are offered than these, and the ledger says so. Default one million. */
  readonly maxRecords?: number;
  /** How long what is not acknowledged is tried again after the last one was offered. Default 60 s. */
  readonly drainMs?: number;
}

/** A checker at work. */
export interface RunningChecker {
  /** Since its start: the time in which the ledger is written. */
  elapsedMs(): number;
  /** How many records are acknowledged so far. */
  acknowledged(): number;
  /** For how long records will still be offered, as far as its limits go, ms. */
  leftMs(): number;
  /** Offers no more, tries what is left for the time that it has, and gives the ledger. */
  stop(): Promise<Ledger>;
  /** Offers no more and tries nothing more. */
  abandon(): void;
}

/** Records are offered in ticks: the rate is kept by the clock, not by what a tick took. */
const TICK_MS = 20;

/**
 * Writes numbered records at an even rate, over all partitions in turn, each until it is acknowledged.
 * Nothing that the log does slows the offering down, so that a stall meets as many records as in use.
 */
export function startChecker(log: RecordLog, options: CheckerOptions = {}): RunningChecker {
  const { rate = 350, maxMs = 40 * 60_000, maxRecords = 1_000_000, drainMs = 60_000 } = options;
  const run = randomBytes(4).toString("hex");
  const begin = performance.now();
  const elapsedMs = (): number => performance.now() - begin;
  const acks: Ack[] = [];
  const failures: Record<string, number> = {};
  const giveUp = new AbortController();
  // Each partition has some of its own.
  setMaxListeners(0, giveUp.signal);
  let [offered, acknowledged, stopped] = [0, 0, false];
  let drain: NodeJS.Timeout | undefined;
  let endedEarly: string | undefined;

  const lanes = Array.from({ length: log.partitions }, (_, partition) => {
    return new Lane({
      log,
      partition,
      render: (id) => renderRecord(run, id),
      onAck: (ids, { server, offset }) => {
        acks.push({ atMs: elapsedMs(), partition, ids, server, offset });
        acknowledged += ids.length;
      },
      onFailure: (reason) => (failures[reason] = (failures[reason] ?? 0) + 1),
      signal: giveUp.signal,
    });
  });

  const offer = async (): Promise<void> => {
    while (!stopped && elapsedMs() < maxMs && offered < maxRecords) {
      const due = Math.min(maxRecords, Math.floor((Math.min(elapsedMs(), maxMs) / 1000) * rate));
      for (; offered < due; offered++) lanes[offered % lanes.length]!.offer(offered);
      await sleep(TICK_MS);
    }
    if (!stopped) {
      endedEarly =
        offered >= maxRecords
          ? `all of ${maxRecords} records were offered before it was told to stop`
          : `records were offered for ${maxMs / 1000} s, and it was not told to stop`;
    }
    for (const lane of lanes) lane.close();
    drain = setTimeout(() => giveUp.abort(), drainMs);
  };
  const writing = Promise.all([offer(), ...lanes.map((lane) => lane.run())]).finally(() =>
    clearTimeout(drain),
  );
  // Whoever stops it gets the error; until then it must not end the process.
  writing.catch(() => undefined);

  return {
    elapsedMs,
    acknowledged: () => acknowledged,
    leftMs: () => Math.min(maxMs - elapsedMs(), ((maxRecords - offered) / rate) * 1000),
    stop: async () => {
      stopped = true;
      await writing;
      const { partitions } = log;
      return { run, partitions, offered, acks, endedMs: elapsedMs(), endedEarly, failures };
    },
    abandon: () => {
      stopped = true;
      giveUp.abort();
    },
  };
}

/** A batch of markers and the reading together; after a recovery both take seconds. */
const READ_BACK_MS = 120_000;
const READ_PAUSE_MS = 500;

/**
 * Reads all of a ledger's records back. A leader that was elected a moment ago may serve less than it has,
 * so a mark is written behind the records of each partition first: once that is acknowledged, all before it
 * is served as well, and the reading does not end before it has come by.
 * @throws Error where a partition cannot be read to its end: then nothing is known, not even a loss
 */
export async function readBack(
  log: RecordLog,
  { run }: Pick<Ledger, "run">,
  deadlineMs = READ_BACK_MS,
): Promise<ReadBack> {
  const signal = AbortSignal.timeout(deadlineMs);
  setMaxListeners(0, signal);
  return Promise.all(
    Array.from({ length: log.partitions }, async (_, partition) => {
      for (let last = "no answer yet"; ; await sleep(READ_PAUSE_MS)) {
        try {
          const { lastOffset } = await log.append(partition, [`${run} end`], signal);
          const values = await log.read(partition, lastOffset, signal);
          return values.flatMap((value) => recordId(run, value) ?? []);
        } catch (error) {
          if (signal.aborted) {
            throw new Error(
              `partition ${partition} could not be read back in ${deadlineMs / 1000} s; last seen: ${last}`,
              { cause: error },
            );
          }
          last = reasonOf(error);
        }
      }
    }),
  );
}

function renderRecord(run: string, id: number): string {
  return `${run} ${id}`;
}

/** Undefined for what another one has written. */
function recordId(run: string, value: string): number | undefined {
  const [, of, id] = /^([0-9a-f]{8}) (\d+)$/.exec(value) ?? [];
  return of === run && id !== undefined ? Number(id) : undefined;
}
