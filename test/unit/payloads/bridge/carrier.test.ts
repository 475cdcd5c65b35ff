import { setTimeout as sleep } from "node:timers/promises";
import { Registry } from "prom-client";
import { Carrier, LIMITS, type Limits } from "../../../../payloads/bridge/carrier";
import { makeFigures } from "../../../../payloads/bridge/figures";
import { RefusedRecords, type OutRecord } from "../../../../payloads/lib/records";
import { FakeKafka } from "../../../support/mqtt/fake-kafka";
import { waitFor } from "../../../support/wait";

const registry = new Registry();
const figures = makeFigures(registry);
const soon = { deadlineMs: 10_000, pauseMs: 5 };

beforeEach(() => registry.resetMetrics());

function setUp(more: { deadLetters?: string; limits?: Partial<Limits> } = {}) {
  const kafka = new FakeKafka();
  const told: string[] = [];
  const done: string[] = [];
  let rooms = 0;
  const carrier = new Carrier(
    {
      ...{ producer: kafka, deadLetters: more.deadLetters, figures },
      log: (level, message) => told.push(`${level}: ${message}`),
      limits: { ...LIMITS, ...more.limits },
    },
    () => rooms++,
  );
  const take = (...values: string[]) => {
    for (const value of values) carrier.take(record(value), () => done.push(value));
  };
  return { kafka, told, done, carrier, take, rooms: () => rooms };
}

function record(value: string, topic = "telemetry"): OutRecord {
  return { topic, key: "k", value: Buffer.from(value), headers: { "mqtt.topic": "a/b" } };
}

const valuesOf = (records: readonly OutRecord[]) => records.map(({ value }) => value.toString());

it("tells of each record once Kafka has it", async () => {
  const { kafka, done, take, carrier, rooms } = setUp();
  take("1", "2", "3");
  kafka.sent[1]!.accept();
  await waitFor("room", () => Promise.resolve(rooms() > 0 || undefined), soon);
  expect(done).toEqual(["2"]);
  kafka.sent[0]!.accept();
  kafka.sent[2]!.accept();
  await carrier.settled();
  expect(done).toEqual(["2", "1", "3"]);
});

it("is full by messages, or by bytes, and has room again when Kafka has taken some", async () => {
  const byCount = setUp({ limits: { messages: 2 } });
  byCount.take("1");
  expect(byCount.carrier.full).toBe(false);
  byCount.take("2");
  expect(byCount.carrier.full).toBe(true);
  byCount.kafka.sent[0]!.accept();
  await waitFor("room", () => Promise.resolve(byCount.carrier.full ? undefined : true), soon);

  const byBytes = setUp({ limits: { bytes: 10 } });
  byBytes.take("0123456789");
  expect(byBytes.carrier.full).toBe(true);
});

it("keeps in dead letters what Kafka will never take, and goes on", async () => {
  const { kafka, done, take, carrier, told } = setUp({ deadLetters: "dead" });
  kafka.verdict = (records) =>
    records.some(({ value, topic }) => value.toString() === "bad" && topic === "telemetry")
      ? new RefusedRecords("MESSAGE_TOO_LARGE", "too large")
      : "taken";
  take("1", "bad", "2");
  await carrier.settled();
  expect(done).toEqual(["1", "2", "bad"]);
  expect(kafka.log.map(({ topic, value }) => [topic, value.toString()])).toEqual([
    ["telemetry", "1"],
    ["telemetry", "2"],
    ["dead", "bad"],
  ]);
  expect(kafka.log[2]?.headers).toEqual({
    "mqtt.topic": "a/b",
    "bridge.topic": "telemetry",
    "bridge.error": "MESSAGE_TOO_LARGE",
  });
  expect(told).toEqual(["error: Kafka refuses a record for good: MESSAGE_TOO_LARGE"]);
  expect(await registry.getSingleMetricAsString("pilab_bridge_refused_total")).toContain(
    '{reason="MESSAGE_TOO_LARGE",outcome="dead_letter"} 1',
  );
});

it.each([
  ["without a topic of dead letters", undefined],
  ["where dead letters refuse it, too", "dead"],
])("drops it, says so and goes on, %s", async (_, deadLetters) => {
  const { kafka, done, take, carrier, told } = setUp(deadLetters ? { deadLetters } : {});
  kafka.verdict = (records) =>
    valuesOf(records).includes("bad") ? new RefusedRecords("INVALID_RECORD", "no") : "taken";
  take("bad", "1");
  await carrier.settled();
  expect(done.sort()).toEqual(["1", "bad"]);
  expect(kafka.values()).toEqual(["1"]);
  expect(told).toEqual(["error: Kafka refuses a record for good: INVALID_RECORD"]);
  expect(await registry.getSingleMetricAsString("pilab_bridge_refused_total")).toContain(
    '{reason="INVALID_RECORD",outcome="dropped"} 1',
  );
});

it.each(["UNKNOWN_TOPIC_OR_PARTITION", "TOPIC_AUTHORIZATION_FAILED", "SOMETHING_NEW"])(
  "holds what is refused for %s, is unwell meanwhile, and carries it once that is cured",
  async (code) => {
    const { kafka, done, take, carrier, told } = setUp({ deadLetters: "dead" });
    kafka.verdict = () => new RefusedRecords(code, "in Kafka's words");
    take("1");
    await waitFor("the problem", () => Promise.resolve(carrier.problem()), soon);
    expect(carrier.problem()).toBe("Kafka refuses records for topic telemetry: in Kafka's words");
    expect(done).toEqual([]);
    kafka.verdict = () => "taken";
    await carrier.settled();
    expect(done).toEqual(["1"]);
    expect(carrier.problem()).toBeUndefined();
    expect(told).toEqual([
      `error: Kafka refuses records: ${code}. They wait until that is cured.`,
      "info: Kafka takes records again",
    ]);
  },
);

it("holds on to a record of which it is not known why it failed", async () => {
  const { kafka, done, take, carrier } = setUp();
  let tries = 0;
  kafka.verdict = () => (tries++ === 0 ? new Error("a bug") : "taken");
  take("1");
  await waitFor("the problem", () => Promise.resolve(carrier.problem()), soon);
  await carrier.settled();
  expect(done).toEqual(["1"]);
});

it("keeps the order of a topic that it holds, and does not hold the others", async () => {
  const { kafka, take, carrier, done } = setUp();
  kafka.verdict = ([first]) =>
    first?.topic === "telemetry" ? new RefusedRecords("TOPIC_AUTHORIZATION_FAILED", "no") : "taken";
  take("1", "2");
  await waitFor("the problem", () => Promise.resolve(carrier.problem()), soon);
  take("3");
  carrier.take(record("other", "elsewhere"), () => done.push("other"));
  await waitFor("the other topic", () => Promise.resolve(done[0]), soon);
  kafka.verdict = () => "taken";
  // Kafka would take this one, and must not before the others.
  take("4");
  await carrier.settled();
  expect(kafka.values()).toEqual(["other", "1", "2", "3", "4"]);
});

it("lets go of what is held when nobody can be told any more", async () => {
  const { kafka, done, take, carrier } = setUp();
  kafka.verdict = () => new RefusedRecords("TOPIC_AUTHORIZATION_FAILED", "no");
  take("1", "2");
  await waitFor("the problem", () => Promise.resolve(carrier.problem()), soon);
  carrier.letGo();
  await carrier.settled();
  const tries = kafka.sent.length;
  await sleep(1500);
  expect(kafka.sent).toHaveLength(tries);
  expect(done).toEqual([]);
});

it("is unwell when Kafka has been silent about a record for long", async () => {
  const { take, carrier, kafka } = setUp();
  take("1");
  expect(carrier.problem()).toBeUndefined();
  expect(carrier.problem(Date.now() + 31_000)).toBe("Kafka has not acknowledged a record for 31 s");
  kafka.sent[0]!.accept();
  await carrier.settled();
  expect(carrier.problem(Date.now() + 31_000)).toBeUndefined();
});
