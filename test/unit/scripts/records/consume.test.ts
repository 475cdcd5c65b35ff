import { setTimeout as sleep } from "node:timers/promises";
import { KafkaError } from "../../../../provider/admin/port";
import {
  consumeTopic,
  type ConsumeEnd,
  type ConsumeOptions,
} from "../../../../scripts/lib/records/consume";
import { FakeTopic } from "../../../support/fake-topic";
import { waitFor } from "../../../support/wait";

const lost = new KafkaError("unreachable", "one:9092: silent", "NETWORK_EXCEPTION");

interface Reading {
  readonly values: string[];
  readonly told: string[];
  skipped: bigint | undefined;
  readonly stop: AbortController;
  readonly ended: Promise<ConsumeEnd>;
}

/** Those that follow have no end of their own, not even when their test fails. */
const readings: Reading[] = [];
const pauses: (() => void)[] = [];

afterEach(async () => {
  const all = readings.splice(0);
  for (const { stop } of all) stop.abort();
  for (const goOn of pauses.splice(0)) goOn();
  await Promise.allSettled(all.map(({ ended }) => ended));
});

function consume(topic: FakeTopic, changes: Partial<ConsumeOptions> = {}): Reading {
  const [values, told]: string[][] = [[], []];
  const stop = new AbortController();
  const reading: Reading = {
    values: values!,
    told: told!,
    skipped: undefined,
    stop,
    ended: consumeTopic(topic, {
      from: "start",
      follow: false,
      signal: stop.signal,
      onRecord: async ({ value }) => {
        await Promise.resolve();
        values!.push(value?.toString() ?? "null");
      },
      onBegun: (skipped) => (reading.skipped = skipped),
      log: (line) => void told!.push(line),
      ...changes,
    }),
  };
  readings.push(reading);
  return reading;
}

/** A pause that a reader makes; it ends with the test at the latest. */
function pausing(): { pause: Promise<void>; goOn: () => void } {
  let goOn = (): void => undefined;
  const pause = new Promise<void>((resolve) => (goOn = resolve));
  pauses.push(goOn);
  return { pause, goOn };
}

const until = (reading: Reading, count: number) =>
  waitFor(`${count} records`, () =>
    Promise.resolve(reading.values.length >= count ? true : undefined),
  );

test("all partitions are read, each in its order, and the end is the one of the beginning", async () => {
  const topic = new FakeTopic(3, ["one:9092", "two:9092", "one:9092"]);
  topic.put(0, "a1", "a2", "a3", "a4", "a5");
  topic.put(2, "c1");
  // Whoever writes without end keeps no reader.
  topic.fault = ({ call }) => void (call === "fetch" && topic.put(0, "later"));
  const reading = consume(topic);
  await expect(reading.ended).resolves.toEqual({ why: "end", count: 6, troubles: [] });
  expect(reading.values.filter((value) => value.startsWith("a"))).toEqual([
    "a1",
    "a2",
    "a3",
    "a4",
    "a5",
  ]);
  expect(reading.values).toContain("c1");
  expect(reading.skipped).toBe(0n);
});

test("the last records of each partition, and how many lie before them", async () => {
  const topic = new FakeTopic(2);
  topic.put(0, "a1", "a2", "a3");
  topic.put(1, "b1");
  const reading = consume(topic, { from: 2 });
  await reading.ended;
  expect(reading.values.sort()).toEqual(["a2", "a3", "b1"]);
  expect(reading.skipped).toBe(1n);
});

test("offsets that somebody noted before are begun at, and where none is named at the end", async () => {
  const topic = new FakeTopic(2);
  topic.put(0, "a1", "a2", "a3");
  topic.put(1, "b1");
  const reading = consume(topic, { from: new Map([[0, 1n]]), follow: true });
  await until(reading, 2);
  topic.put(1, "b2");
  await until(reading, 3);
  expect(reading.values).toEqual(["a2", "a3", "b2"]);
});

test("one partition alone is asked for", async () => {
  const topic = new FakeTopic(2);
  topic.put(0, "a");
  topic.put(1, "b");
  const reading = consume(topic, { partition: 1 });
  await reading.ended;
  expect(reading.values).toEqual(["b"]);
  expect(topic.asked.flatMap(({ partitions }) => partitions)).not.toContain(0);
});

test("an empty topic ends at once", async () => {
  await expect(consume(new FakeTopic(2)).ended).resolves.toMatchObject({ why: "end", count: 0 });
});

test("following goes on with what comes, until it is interrupted", async () => {
  const topic = new FakeTopic(2);
  topic.put(0, "before");
  const reading = consume(topic, { from: 0, follow: true });
  await waitFor("the beginning", () => Promise.resolve(reading.skipped));
  topic.put(0, "x");
  topic.put(1, "y");
  await until(reading, 2);
  reading.stop.abort();
  await expect(reading.ended).resolves.toMatchObject({ why: "interrupted", count: 2 });
  expect(reading.values.sort()).toEqual(["x", "y"]);
});

test("no more than max, also with several partitions at once", async () => {
  const topic = new FakeTopic(3, ["one:9092", "two:9092", "three:9092"]);
  for (const partition of [0, 1, 2]) topic.put(partition, "a", "b", "c");
  const reading = consume(topic, { max: 4, follow: true });
  await expect(reading.ended).resolves.toMatchObject({ why: "max", count: 4 });
  expect(reading.values.length).toBe(4);
});

test("it ends when nothing comes for so long, and each record begins the time anew", async () => {
  const topic = new FakeTopic();
  const started = Date.now();
  const reading = consume(topic, { follow: true, timeoutMs: 300 });
  await sleep(200);
  topic.put(0, "a");
  await expect(reading.ended).resolves.toMatchObject({ why: "timeout", count: 1 });
  expect(Date.now() - started).toBeGreaterThanOrEqual(490);
});

test("a broker that goes down is told once and its partitions go on elsewhere, none read twice", async () => {
  const topic = new FakeTopic(2, ["one:9092", "two:9092"]);
  topic.put(0, "a1", "a2");
  let down = false;
  topic.fault = ({ call, partitions }) =>
    down && call === "fetch" && partitions.includes(0) && topic.leaders[0] === "one:9092"
      ? lost
      : undefined;
  const reading = consume(topic, { follow: true });
  await until(reading, 2);
  down = true;
  await waitFor("the trouble", () => Promise.resolve(reading.told[0]));
  // The other broker's partition does not wait for this one.
  topic.put(1, "b1");
  await until(reading, 3);
  topic.leaders[0] = undefined;
  await sleep(400);
  topic.leaders[0] = "three:9092";
  topic.put(0, "a3");
  await until(reading, 4);
  reading.stop.abort();
  await reading.ended;
  expect(reading.values).toEqual(["a1", "a2", "b1", "a3"]);
  expect(reading.told).toEqual([
    "  … trying again: one:9092: silent",
    "  … trying again: red, partition 0: no leader",
    "  … going on: red, partition 0",
  ]);
});

test("partitions whose leaders part are read apart", async () => {
  const topic = new FakeTopic(2);
  const reading = consume(topic, { follow: true });
  await waitFor("the beginning", () => Promise.resolve(reading.skipped));
  topic.leaders[1] = "two:9092";
  topic.put(0, "a");
  topic.put(1, "b");
  await until(reading, 2);
  reading.stop.abort();
  await expect(reading.ended).resolves.toMatchObject({ why: "interrupted", count: 2 });
});

test("a cluster that stays silent is given up in time, with the reason", async () => {
  const topic = new FakeTopic();
  topic.put(0, "a");
  topic.fault = ({ call }) => (call === "fetch" ? lost : undefined);
  await expect(consume(topic, { timeoutMs: 500 }).ended).resolves.toEqual({
    why: "timeout",
    count: 0,
    troubles: ["one:9092: silent"],
  });
});

test("what no further try can mend ends all partitions", async () => {
  const topic = new FakeTopic(2, ["one:9092", "two:9092"]);
  topic.fault = ({ call, partitions }) =>
    call === "fetch" && partitions.includes(1)
      ? new KafkaError("refused", "no", "TOPIC_AUTHORIZATION_FAILED")
      : undefined;
  await expect(consume(topic, { follow: true }).ended).rejects.toThrow("no");
  await sleep(50);
  const asked = topic.asked.length;
  await sleep(50);
  expect(topic.asked.length).toBe(asked);
});

test("records that retention deletes meanwhile are told and passed over", async () => {
  const topic = new FakeTopic();
  topic.answerSize = 1;
  topic.put(0, "a", "b", "c", "d");
  const reading = consume(topic, {
    onRecord: ({ value }) => {
      reading.values.push(value!.toString());
      topic.starts[0] = 3n;
      return Promise.resolve();
    },
  });
  await expect(reading.ended).resolves.toMatchObject({ why: "end", count: 2 });
  expect(reading.values).toEqual(["a", "d"]);
  expect(reading.told).toEqual([
    "red, partition 0: offset 1 is not in the log any more; going on at 3.",
  ]);
});

test("a partition that always has more keeps none of the same leader waiting", async () => {
  const topic = new FakeTopic(3);
  topic.room = 1;
  for (const partition of [0, 1, 2]) topic.put(partition, `first of ${partition}`);
  const reading = consume(topic, {
    follow: true,
    max: 20,
    onRecord: ({ value }) => {
      reading.values.push(value!.toString());
      topic.put(0, "more");
      return Promise.resolve();
    },
  });
  await expect(reading.ended).resolves.toMatchObject({ why: "max" });
  expect(reading.values).toEqual(expect.arrayContaining(["first of 1", "first of 2"]));
});

test("a reader that pauses for longer than the timeout gets every record, and nobody is asked for more meanwhile", async () => {
  const topic = new FakeTopic(2, ["one:9092", "two:9092"]);
  const values = Array.from({ length: 10 }, (_, i) => `a${i}`);
  topic.put(0, ...values);
  const { pause, goOn } = pausing();
  const reading: Reading = consume(topic, {
    follow: true,
    timeoutMs: 300,
    onRecord: async ({ value }) => {
      if (reading.values.length === 4) await pause;
      reading.values.push(value!.toString());
    },
  });
  await until(reading, 4);
  // What was under way when the reader stopped may still come in, also from the broker that has nothing.
  await sleep(50);
  const fetches = (): number => topic.asked.filter(({ call }) => call === "fetch").length;
  const before = fetches();
  await sleep(900);
  expect(fetches()).toBe(before);
  expect(reading.values.length).toBe(4);
  goOn();
  await expect(reading.ended).resolves.toEqual({ why: "timeout", count: 10, troubles: [] });
  expect(reading.values).toEqual(values);
});

test("a follower that is interrupted while its reader pauses ends with the record that is being taken", async () => {
  const topic = new FakeTopic();
  topic.put(0, "a", "b", "c");
  const { pause, goOn } = pausing();
  const reading: Reading = consume(topic, {
    follow: true,
    onRecord: async ({ value }) => {
      reading.values.push(value!.toString());
      await pause;
    },
  });
  await until(reading, 1);
  reading.stop.abort();
  goOn();
  await expect(reading.ended).resolves.toMatchObject({ why: "interrupted", count: 1 });
  expect(reading.values).toEqual(["a"]);
});

test("a reader that fails ends it with that error", async () => {
  const topic = new FakeTopic();
  topic.put(0, "a");
  const onRecord = () => Promise.reject(new Error("the disk is full"));
  await expect(consume(topic, { onRecord }).ended).rejects.toThrow("the disk is full");
});
