import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { PlatformaticAdmin } from "../../provider/admin/platformatic";
import { PATIENT } from "../../provider/admin/port";
import {
  consumeTopic,
  type ConsumeEnd,
  type ConsumeOptions,
} from "../../scripts/lib/records/consume";
import { KafkaTopic } from "../../scripts/lib/records/kafka-topic";
import type { Line } from "../../scripts/lib/records/lines";
import type { StoredRecord } from "../../scripts/lib/records/port";
import { LineProducer, type ProduceOptions } from "../../scripts/lib/records/produce";
import { StartedKafkaCluster } from "../support/kafka/kafka-cluster";
import { waitFor } from "../support/wait";

/** What `produce` and `consume` do with a topic, on three real brokers of which some die. */

jest.setTimeout(180_000);

let cluster: StartedKafkaCluster;
let admin: PlatformaticAdmin;
const opened: KafkaTopic[] = [];

beforeAll(async () => {
  cluster = await StartedKafkaCluster.start();
  admin = new PlatformaticAdmin(cluster.bootstrapServers.split(","), PATIENT);
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((topic) => topic.close()));
});

afterAll(async () => {
  await admin?.close();
  await cluster?.stop();
});

async function create(name: string, partitions = 1, config: Record<string, string> = {}) {
  await admin.createTopic({ name, partitions, replicationFactor: 3, config });
  await waitFor(`all replicas of ${name}`, async () => {
    const live = await admin.describeTopic(name);
    return live?.partitions.every(({ isr }) => isr.length === 3) === true ? true : undefined;
  });
}

function open(name: string): KafkaTopic {
  const servers = cluster.brokers.map(({ id, address }): [number, string] => [id, address]);
  const topic = new KafkaTopic(new Map(servers), name);
  opened.push(topic);
  return topic;
}

function lines(from: number, to: number, key: (n: number) => string | null = () => null): Line[] {
  return Array.from({ length: to - from + 1 }, (_, i) => {
    const [number, text] = [from + i, key(from + i)];
    const value = Buffer.from(`value-${number}`);
    return { number, key: text === null ? null : Buffer.from(text), value };
  });
}

function producer(topic: KafkaTopic, changes: Partial<ProduceOptions> = {}): LineProducer {
  const signal = new AbortController().signal;
  return new LineProducer(topic, { timeoutMs: 30_000, signal, log: () => undefined, ...changes });
}

interface Reading {
  readonly records: StoredRecord[];
  readonly told: string[];
  readonly begun: Promise<void>;
  readonly stop: AbortController;
  readonly ended: Promise<ConsumeEnd>;
}

function consume(topic: KafkaTopic, changes: Partial<ConsumeOptions> = {}): Reading {
  const records: StoredRecord[] = [];
  const told: string[] = [];
  const stop = new AbortController();
  let begin = (): void => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const ended = consumeTopic(topic, {
    from: "start",
    follow: false,
    timeoutMs: 60_000,
    signal: stop.signal,
    onRecord: (record) => Promise.resolve(void records.push(record)),
    onBegun: () => begin(),
    log: (line) => void told.push(line),
    ...changes,
  });
  return { records, told, begun, stop, ended };
}

const values = (records: readonly StoredRecord[]): string[] =>
  records.map(({ value }) => value!.toString());

async function leaderOf(name: string): Promise<number> {
  return (await admin.describeTopic(name))!.partitions[0]!.leader;
}

test("what is written with keys comes back whole, each key in order in one partition", async () => {
  await create("keyed", 3);
  const topic = open("keyed");
  const writer = producer(topic);
  const key = (n: number): string => `key-${n % 7}`;
  const before = Date.now();
  const first = await writer.send(lines(1, 200, key));
  const second = await writer.send(lines(201, 400, key));
  expect([...first.failed, ...second.failed]).toEqual([]);

  const reading = consume(topic);
  await expect(reading.ended).resolves.toMatchObject({ why: "end", count: 400 });
  const told = [...first.acknowledged, ...second.acknowledged];
  for (const { line, partition, offset } of told) {
    const found = reading.records.find(
      (record) => record.partition === partition && record.offset === offset,
    );
    expect(found?.value?.toString()).toBe(`value-${line}`);
    expect(found?.key?.toString()).toBe(key(line));
    expect(Number(found?.timestampMs)).toBeGreaterThanOrEqual(before);
  }
  const partitionsOf = new Map<string, Set<number>>();
  for (const { key: bytes, partition } of reading.records) {
    const name = bytes!.toString();
    partitionsOf.set(name, (partitionsOf.get(name) ?? new Set()).add(partition));
  }
  expect([...partitionsOf.values()].map(({ size }) => size)).toEqual(Array(7).fill(1));
  const last = consume(topic, { from: 3, partition: told[0]!.partition });
  await last.ended;
  expect(last.records.length).toBe(3);
});

test("reading leaves no consumer group and no topic behind", async () => {
  const topics = (await admin.listPartitions()).map(({ topic }) => topic);
  expect(topics).not.toContain("__consumer_offsets");
});

test.each([
  ["gzip", {}],
  ["snappy", {}],
  ["lz4", {}],
  ["zstd", {}],
  ["zstd", { "compression.zstd.level": "22" }],
])("records that Kafka's own %s packed are read, %p", async (codec, level) => {
  const name = `packed-${codec}-${Object.keys(level).length}`;
  await create(name, 1, { "compression.type": codec, ...level });
  const topic = open(name);
  // More than one block of each codec, and values of which no two are alike.
  const text = (n: number): string => `${n} ${randomBytes(60).toString("hex").repeat(10)}`;
  const written = lines(1, 300, (n) => `key-${n}`).map((line) => ({
    ...line,
    value: Buffer.from(text(line.number)),
  }));
  const { failed } = await producer(topic).send(written);
  expect(failed).toEqual([]);
  const reading = consume(topic);
  await expect(reading.ended).resolves.toMatchObject({ why: "end", count: 300 });
  expect(values(reading.records)).toEqual(written.map(({ value }) => value.toString()));
  expect(reading.records.map(({ key }) => key?.toString())).toEqual(
    written.map(({ key }) => key?.toString()),
  );
});

test("a reader that pauses for longer than the timeout gets every record", async () => {
  await create("paused", 3);
  const topic = open("paused");
  const large = lines(1, 6_000).map((line) => ({
    ...line,
    value: Buffer.concat([line.value, Buffer.alloc(1_000, ".")]),
  }));
  const writer = producer(topic);
  for (let from = 0; from < large.length; from += 200) {
    const { failed } = await writer.send(large.slice(from, from + 200));
    expect(failed).toEqual([]);
  }
  const read = new Set<string>();
  const reading = consume(topic, {
    timeoutMs: 2_000,
    onRecord: async ({ partition, offset }) => {
      read.add(`${partition}-${offset}`);
      if (read.size % 2_500 === 0) await sleep(5_000);
    },
  });
  await expect(reading.ended).resolves.toEqual({ why: "end", count: 6_000, troubles: [] });
  expect(read.size).toBe(6_000);
});

test("a topic that takes only small batches gets smaller ones", async () => {
  await create("small", 1, { "max.message.bytes": "400" });
  const topic = open("small");
  const { failed } = await producer(topic).send(lines(1, 100));
  expect(failed).toEqual([]);
  const reading = consume(topic);
  await reading.ended;
  expect(values(reading.records)).toEqual(lines(1, 100).map(({ value }) => value.toString()));

  const large: Line = { number: 101, key: null, value: Buffer.alloc(2000, "x") };
  const sent = await producer(topic).send([large]);
  expect(sent.failed).toMatchObject([{ lines: [101], error: { code: "MESSAGE_TOO_LARGE" } }]);
});

test("followed and written to while its leader is killed: all that was acknowledged is read, once and in order", async () => {
  await create("killed");
  const reading = consume(open("killed"), { from: 0, follow: true });
  await reading.begun;
  const writer = producer(open("killed"));
  const acknowledged: number[] = [];
  const killed = await leaderOf("killed");
  for (let n = 1; n <= 60; n++) {
    if (n === 20) await cluster.stopBroker(killed, "SIGKILL");
    const sent = await writer.send(lines(n, n));
    expect(sent.failed).toEqual([]);
    acknowledged.push(n);
    await sleep(5);
  }
  await waitFor("the last record", () =>
    Promise.resolve(values(reading.records).includes("value-60") ? true : undefined),
  );
  expect(values(reading.records)).toEqual(acknowledged.map((n) => `value-${n}`));
  expect(reading.told.some((line) => line.includes("trying again"))).toBe(true);
  expect(reading.told.at(-1)).toBe("  … going on: killed, partition 0");
  reading.stop.abort();
  await expect(reading.ended).resolves.toMatchObject({ why: "interrupted", troubles: [] });
  cluster.startBroker(killed);
  await cluster.awaitUnfenced([1, 2, 3]);
});

test("with too few replicas in sync nothing counts, the reason is told, and it goes on when they are back", async () => {
  await create("alone");
  const topic = open("alone");
  const leader = await leaderOf("alone");
  const others = [1, 2, 3].filter((id) => id !== leader);
  const writer = producer(topic, { timeoutMs: 3_000 });
  expect((await writer.send(lines(1, 2))).failed).toEqual([]);
  // With all three wanted, one that stops is enough, and the controllers keep their majority.
  await admin.alterTopicConfig("alone", { "min.insync.replicas": "3" }, []);
  await cluster.stopBroker(others[0]!);
  const { acknowledged, failed } = await writer.send(lines(3, 4));
  expect(acknowledged).toEqual([]);
  expect(failed).toMatchObject([
    { lines: [3, 4], error: { code: "NOT_ENOUGH_REPLICAS" }, place: { replicas: 3, inSync: 2 } },
  ]);
  const patient = producer(open("alone"), { timeoutMs: 60_000 });
  const waiting = patient.send(lines(5, 6));
  cluster.startBroker(others[0]!);
  await expect(waiting).resolves.toMatchObject({ failed: [] });
  const reading = consume(topic);
  await reading.ended;
  expect(values(reading.records)).toEqual(["value-1", "value-2", "value-5", "value-6"]);
});
