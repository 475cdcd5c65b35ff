import { KafkaError } from "../../../../provider/admin/port";
import type { Line } from "../../../../scripts/lib/records/lines";
import { partitionOfKey } from "../../../../scripts/lib/records/partitioner";
import { LineProducer, type ProduceOptions } from "../../../../scripts/lib/records/produce";
import { FakeTopic } from "../../../support/fake-topic";

const lost = new KafkaError("unreachable", "one:9092: silent", "NETWORK_EXCEPTION");
const refused = (code: string) => new KafkaError("refused", `one:9092 refused: ${code}`, code);

const lines = (...texts: readonly string[]): Line[] =>
  texts.map((text, i) => ({ number: i + 1, key: null, value: Buffer.from(text) }));

function producer(topic: FakeTopic, changes: Partial<ProduceOptions> = {}) {
  const told: string[] = [];
  const options = {
    partition: 0,
    timeoutMs: 5000,
    signal: new AbortController().signal,
    log: (line: string) => void told.push(line),
    ...changes,
  };
  const writer = new LineProducer(topic, options);
  return { told, send: (all: readonly Line[]) => writer.send(all) };
}

test("lines are acknowledged with their partition and offset", async () => {
  const topic = new FakeTopic();
  topic.put(0, "before");
  const sent = await producer(topic).send(lines("a", "b"));
  expect(sent).toEqual({
    acknowledged: [
      { line: 1, partition: 0, offset: 1n },
      { line: 2, partition: 0, offset: 2n },
    ],
    failed: [],
  });
  expect(topic.values(0)).toEqual(["before", "a", "b"]);
});

test("an answer that is lost does not write a batch twice", async () => {
  const topic = new FakeTopic();
  let losses = 2;
  topic.fault = ({ call }) => (call === "append" && losses-- > 0 ? { after: lost } : undefined);
  const { send, told } = producer(topic);
  const sent = await send(lines("a", "b"));
  expect(sent.acknowledged.map(({ offset }) => offset)).toEqual([0n, 1n]);
  expect(topic.values(0)).toEqual(["a", "b"]);
  // The same trouble is told once, and the leader is asked for anew.
  expect(told).toEqual(["  … trying again: one:9092: silent"]);
  expect(topic.asked.filter(({ call }) => call === "places").length).toBeGreaterThan(2);
});

test("batches of one producer follow each other, and partitions share its number", async () => {
  const topic = new FakeTopic(3);
  const writer = producer(topic, { partition: undefined });
  const keyed = (number: number): Line => ({
    number,
    key: Buffer.from(`key-${number}`),
    value: Buffer.from(`${number}`),
  });
  const numbers = Array.from({ length: 12 }, (_, i) => i + 1);
  for (const part of [numbers.slice(0, 6), numbers.slice(6)]) {
    const { acknowledged, failed } = await writer.send(part.map(keyed));
    expect(failed).toEqual([]);
    expect(acknowledged.map(({ line }) => line)).toEqual(part);
  }
  expect(topic.asked.filter(({ call }) => call === "producer").length).toBe(1);
  for (const number of numbers) {
    const partition = await partitionOfKey(keyed(number).key!, 3);
    expect(topic.values(partition)).toContain(`${number}`);
  }
  expect(topic.logs.filter((log) => log.length > 0).length).toBeGreaterThan(1);
});

test("lines without a key go to the partitions in turn, a batch to one", async () => {
  const topic = new FakeTopic(2);
  const writer = producer(topic, { partition: undefined });
  await writer.send(lines("a", "b"));
  await writer.send(lines("c", "d"));
  expect([topic.values(0), topic.values(1)].sort()).toEqual([
    ["a", "b"],
    ["c", "d"],
  ]);
});

test("too few replicas are waited for, and told when the time is over", async () => {
  const topic = new FakeTopic();
  topic.fault = ({ call }) => (call === "append" ? refused("NOT_ENOUGH_REPLICAS") : undefined);
  const started = Date.now();
  const { acknowledged, failed } = await producer(topic, { timeoutMs: 700 }).send(lines("a", "b"));
  expect(Date.now() - started).toBeGreaterThanOrEqual(300);
  expect(acknowledged).toEqual([]);
  expect(failed).toMatchObject([
    { partition: 0, lines: [1, 2], inDoubt: false, place: { replicas: 3, inSync: 1 } },
  ]);
  expect(topic.asked.filter(({ call }) => call === "append").length).toBeGreaterThan(1);
});

test.each([
  [lost, true],
  [refused("NOT_ENOUGH_REPLICAS_AFTER_APPEND"), true],
  [new KafkaError("unreachable", "ECONNREFUSED"), false],
])("after %s it is in doubt whether the lines were written: %s", async (error, inDoubt) => {
  const topic = new FakeTopic();
  topic.fault = ({ call }) => (call === "append" ? error : undefined);
  const { failed } = await producer(topic, { timeoutMs: 1 }).send(lines("a"));
  expect(failed).toMatchObject([{ inDoubt }]);
});

test("what no further try can mend fails at once", async () => {
  const topic = new FakeTopic();
  topic.fault = ({ call }) => (call === "append" ? refused("INVALID_RECORD") : undefined);
  const { failed } = await producer(topic).send(lines("a"));
  expect(failed).toMatchObject([{ lines: [1], error: { code: "INVALID_RECORD" } }]);
  expect(topic.asked.filter(({ call }) => call === "append").length).toBe(1);
});

test("a topic that takes only small batches gets them, in order", async () => {
  const topic = new FakeTopic();
  const append = topic.append.bind(topic);
  topic.append = (place, records, ...rest) =>
    records.length > 2
      ? Promise.reject(refused("MESSAGE_TOO_LARGE"))
      : append(place, records, ...rest);
  const texts = ["a", "b", "c", "d", "e", "f", "g"];
  const { acknowledged, failed } = await producer(topic).send(lines(...texts));
  expect(failed).toEqual([]);
  expect(topic.values(0)).toEqual(texts);
  expect(acknowledged.map(({ line, offset }) => BigInt(line) - offset)).toEqual(
    texts.map(() => 1n),
  );
});

test("a line that is too large by itself fails with those behind it, never overtaken", async () => {
  const topic = new FakeTopic();
  const append = topic.append.bind(topic);
  topic.append = (place, records, ...rest) =>
    records.length > 2 || records.some(({ value }) => value.length > 3)
      ? Promise.reject(refused("MESSAGE_TOO_LARGE"))
      : append(place, records, ...rest);
  const sent = await producer(topic).send(lines("a", "large", "c", "d"));
  expect(topic.values(0)).toEqual(["a"]);
  expect(sent.acknowledged.map(({ line }) => line)).toEqual([1]);
  expect(sent.failed.map((failed) => failed.lines)).toEqual([[2, 3, 4]]);
});

test("a partition without a leader is waited for; one that is not there is not", async () => {
  const topic = new FakeTopic();
  topic.leaders = [undefined];
  topic.append = (place) =>
    place.leader === undefined
      ? Promise.reject(new KafkaError("unreachable", "no leader"))
      : Promise.resolve(0n);
  setTimeout(() => (topic.leaders = ["two:9092"]), 100);
  expect((await producer(topic).send(lines("a"))).failed).toEqual([]);
  const beyond = await producer(topic, { partition: 7 }).send(lines("a"));
  expect(beyond.failed).toMatchObject([{ error: { message: "red has no partition 7" } }]);
});

test("an interruption ends the trying", async () => {
  const topic = new FakeTopic();
  topic.fault = ({ call }) => (call === "append" ? lost : undefined);
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 50);
  const started = Date.now();
  const { failed } = await producer(topic, { signal: stop.signal, timeoutMs: 60_000 }).send(
    lines("a"),
  );
  expect(failed).toMatchObject([{ lines: [1] }]);
  expect(Date.now() - started).toBeLessThan(5000);
});
