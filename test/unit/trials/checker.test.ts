import { setTimeout as sleep } from "node:timers/promises";
import { KafkaError } from "../../../provider/admin/port";
import {
  readBack,
  startChecker,
  type CheckerOptions,
  type RunningChecker,
} from "../../../trials/checker/checker";
import { judge, type Verdict } from "../../../trials/checker/ledger";
import type { Appended, RecordLog } from "../../../trials/checker/log";

/** A log in memory, faithful but for what a test makes it do. */
class FakeLog implements RecordLog {
  readonly logs: string[][];
  tries = 0;
  /** Called before each append; what it throws is the append's failure. */
  before: (partition: number, values: readonly string[]) => void | Promise<void> = () => undefined;
  /** Called after an append that took effect: what it throws hides the acknowledgement. */
  after: (partition: number, values: readonly string[]) => void = () => undefined;

  constructor(readonly partitions = 3) {
    this.logs = Array.from({ length: partitions }, () => []);
  }

  async append(partition: number, values: readonly string[]): Promise<Appended> {
    this.tries += 1;
    await this.before(partition, values);
    const log = this.logs[partition]!;
    const offset = BigInt(log.length);
    log.push(...values);
    this.after(partition, values);
    return { server: "fake:9092", offset, lastOffset: BigInt(log.length - 1) };
  }

  read(partition: number, upTo: bigint): Promise<string[]> {
    const log = this.logs[partition]!;
    if (BigInt(log.length) <= upTo) return Promise.reject(new Error("shorter than that"));
    return Promise.resolve([...log]);
  }

  drop(partition: number, index: number): string {
    // As a log that was truncated and written on: the offsets behind stay what they were.
    const [gone] = this.logs[partition]!.splice(index, 1, "something else");
    return gone!;
  }
}

async function verdictOf(log: FakeLog, checker: RunningChecker): Promise<Verdict> {
  const ledger = await checker.stop();
  return judge(ledger, await readBack(log, ledger));
}

/** Offers this many records as fast as may be, and waits until that is done. */
async function offer(log: FakeLog, maxRecords: number, options: CheckerOptions = {}) {
  const checker = startChecker(log, { rate: 10_000, maxRecords, ...options });
  for (let i = 0; i < 200 && checker.acknowledged() < maxRecords; i++) await sleep(10);
  return checker;
}

test("a faithful log loses nothing; the records are spread over its partitions", async () => {
  const log = new FakeLog();
  const verdict = await verdictOf(log, await offer(log, 90));
  expect(verdict).toMatchObject({ acknowledged: 90, lost: [], duplicates: 0, unacknowledged: 0 });
  // And the mark behind them.
  expect(log.logs.map(({ length }) => length)).toEqual([31, 31, 31]);
});

test("a log that drops one acknowledged record is found out, with the record", async () => {
  const log = new FakeLog();
  const checker = await offer(log, 90);
  const gone = log.drop(1, 4);
  const { lost } = await verdictOf(log, checker);
  expect(lost.map(({ id }) => `${id}`)).toEqual([gone.split(" ")[1]]);
  expect(lost[0]?.ack).toMatchObject({ partition: 1, server: "fake:9092" });
});

test("a write that arrived without its acknowledgement is tried again: a duplicate, no loss", async () => {
  const log = new FakeLog(1);
  let hide = 2;
  log.after = () => {
    if (hide-- > 0) throw new KafkaError("refused", "too slow", "REQUEST_TIMED_OUT");
  };
  const verdict = await verdictOf(log, await offer(log, 10));
  expect(verdict).toMatchObject({ acknowledged: 10, lost: [] });
  expect(verdict.failures).toEqual({ REQUEST_TIMED_OUT: 2 });
  const first = log.logs[0]!.filter((value) => value.endsWith(" 0"));
  expect(first).toHaveLength(3);
  expect(verdict.duplicates).toBeGreaterThanOrEqual(2);
});

test("one partition that refuses holds up its own records alone, and they are told as not acknowledged", async () => {
  const log = new FakeLog();
  log.before = (partition, values) => {
    if (partition === 2 && !values[0]!.endsWith("end")) throw new Error("no leader");
  };
  const checker = startChecker(log, { rate: 10_000, maxRecords: 90, drainMs: 300 });
  while (checker.acknowledged() < 60) await sleep(10);
  const verdict = await verdictOf(log, checker);
  expect(verdict).toMatchObject({
    offered: 90,
    acknowledged: 60,
    lost: [],
    unacknowledged: 30,
    unacknowledgedPresent: 0,
  });
  expect(verdict.failures["connection"]).toBeGreaterThan(0);
  expect(verdict.longestStall.partition).toBe(2);
  expect(verdict.longestStall.ms).toBeGreaterThanOrEqual(300);
});

test("the rate is kept by the clock, and a stall does not slow it down", async () => {
  const log = new FakeLog(1);
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  log.before = () => gate;
  const checker = startChecker(log, { rate: 200 });
  await sleep(500);
  expect(checker.acknowledged()).toBe(0);
  open();
  const verdict = await verdictOf(log, checker);
  expect(verdict.offered).toBeGreaterThan(50);
  expect(verdict.offered).toBeLessThanOrEqual(checker.elapsedMs() / 5);
  expect(verdict).toMatchObject({ acknowledged: verdict.offered, lost: [] });
  expect(verdict.longestStall.ms).toBeGreaterThanOrEqual(400);
  // The first request held what had come by then, the second all that waited behind it.
  expect(log.tries).toBeLessThan(10);
});

test("it ends by itself at its limits of time and count", async () => {
  const timed = new FakeLog();
  const checker = startChecker(timed, { rate: 100, maxMs: 200 });
  await sleep(500);
  const { offered, endedEarly } = await checker.stop();
  expect(offered).toBeLessThanOrEqual(20);
  expect(endedEarly).toBe("records were offered for 0.2 s, and it was not told to stop");
  expect(checker.leftMs()).toBeLessThanOrEqual(0);

  const log = new FakeLog();
  const all = await offer(log, 7);
  await sleep(100);
  const counted = await all.stop();
  expect(counted.offered).toBe(7);
  expect(judge(counted, await readBack(log, counted)).endedEarly).toBe(
    "all of 7 records were offered before it was told to stop",
  );
});

test("one that is told to stop before its limits has not ended early", async () => {
  const checker = startChecker(new FakeLog(), { rate: 100, maxRecords: 1_000_000 });
  await sleep(100);
  expect(checker.leftMs()).toBeGreaterThan(0);
  expect((await checker.stop()).endedEarly).toBeUndefined();
});

test("records of another run are not taken for its own", async () => {
  const log = new FakeLog(1);
  log.logs[0]!.push("0badcafe 0", "0badcafe 1", "not ours at all");
  const verdict = await verdictOf(log, await offer(log, 5));
  expect(verdict).toMatchObject({ acknowledged: 5, duplicates: 0, lost: [] });
});

test("a partition that cannot be read to its end is an error, never a verdict", async () => {
  const log = new FakeLog(1);
  const checker = await offer(log, 5);
  const ledger = await checker.stop();
  log.read = () => Promise.reject(new Error("not the leader"));
  await expect(readBack(log, ledger, 700)).rejects.toThrow(
    /partition 0 could not be read back in 0\.7 s; last seen: not the leader/,
  );
});
