import { setTimeout as sleep } from "node:timers/promises";

import { KafkaProducer } from "../../payloads/lib/kafka";
import { type OutRecord, RefusedRecords } from "../../payloads/lib/records";
import { PlatformaticAdmin } from "../../provider/admin/platformatic";
import { PATIENT } from "../../provider/admin/port";
import type { StoredRecord } from "../../shared/kafka/batches";
import { StartedKafkaCluster } from "../support/kafka/kafka-cluster";
import { readTopic } from "../support/kafka/read-topic";
import { awaitLeader } from "../support/kafka/write-records";

/** What the programs on the hosts write with, on three real brokers of which some die. */

jest.setTimeout(180_000);

let cluster: StartedKafkaCluster;
let admin: PlatformaticAdmin;
const opened: KafkaProducer[] = [];

beforeAll(async () => {
  cluster = await StartedKafkaCluster.start();
  admin = new PlatformaticAdmin(cluster.bootstrapServers.split(","), PATIENT);
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((producer) => producer.close(0)));
});

afterAll(async () => {
  await admin?.close();
  await cluster?.stop();
});

async function create(name: string, partitions: number, config: Record<string, string> = {}) {
  await admin.createTopic({ name, partitions, replicationFactor: 3, config });
  for (let i = 0; i < partitions; i++) await awaitLeader(admin, name, i);
}

function open(bootstrapServers = cluster.bootstrapServers.split(",")): KafkaProducer {
  const producer = new KafkaProducer({ bootstrapServers }, () => {});
  opened.push(producer);
  return producer;
}

const record = (topic: string, n: number, key?: string): OutRecord => ({
  topic,
  key,
  value: Buffer.from(`value-${n}`),
});

const read = (topic: string): Promise<StoredRecord[]> =>
  readTopic(
    cluster.brokers.map(({ id, address }) => [id, address]),
    topic,
  );

const numberOf = ({ value }: StoredRecord): number => Number(value?.toString().slice(6));

function assertEachOnceInOrder(stored: readonly StoredRecord[], count: number): void {
  const byPartition = new Map<number, number[]>();
  for (const one of stored) {
    byPartition.set(one.partition, [...(byPartition.get(one.partition) ?? []), numberOf(one)]);
  }
  for (const numbers of byPartition.values()) {
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  }
  expect(stored.map(numberOf).sort((a, b) => a - b)).toEqual(
    Array.from({ length: count }, (_, i) => i),
  );
}

test("what is sent lies in Kafka as it was, key, headers and time with it", async () => {
  await create("as-it-was", 1);
  const before = Date.now();
  await open().send([
    { topic: "as-it-was", value: Buffer.alloc(0) },
    { topic: "as-it-was", key: "ключ", value: Buffer.from([0, 255]), headers: { a: "ä", b: "" } },
    { topic: "as-it-was", key: "", value: Buffer.alloc(300_000, 7) },
  ]);
  const stored = await read("as-it-was");
  expect(stored.map(({ key, value }) => [key?.toString(), value?.length])).toEqual([
    [undefined, 0],
    ["ключ", 2],
    ["", 300_000],
  ]);
  expect(stored[1]?.headers.map((pair) => pair.map(String))).toEqual([
    ["a", "ä"],
    ["b", ""],
  ]);
  for (const { timestampMs } of stored) {
    expect(Number(timestampMs)).toBeGreaterThanOrEqual(before);
    expect(Number(timestampMs)).toBeLessThanOrEqual(Date.now());
  }
});

test("thousands of small sends a second, in each key's order", async () => {
  await create("many", 6);
  const producer = open();
  await producer.send([record("many", 0, "first")]);
  const begun = performance.now();
  const count = 20_000;
  await Promise.all(
    Array.from({ length: count - 1 }, (_, i) =>
      producer.send([record("many", i + 1, `k${i % 50}`)]),
    ),
  );
  const perSecond = count / ((performance.now() - begun) / 1000);
  process.stderr.write(`${Math.round(perSecond)} single sends a second\n`);
  expect(perSecond).toBeGreaterThan(3000);
  const stored = await read("many");
  assertEachOnceInOrder(stored, count);
  const partitionsOfKeys = new Set(
    stored.map(({ key, partition }) => `${key?.toString()} ${partition}`),
  );
  expect(partitionsOfKeys.size).toBe(51);
});

test("a leader killed while it is written to: each acknowledged record is there once, in order", async () => {
  await create("killed", 3);
  const producer = open();
  const sends: Promise<void>[] = [];
  let count = 0;
  const sending = (async () => {
    for (const end = Date.now() + 12_000; Date.now() < end; await sleep(2)) {
      for (let i = 0; i < 3; i++) sends.push(producer.send([record("killed", count++)]));
    }
  })();
  await sleep(1500);
  const leader = await awaitLeader(admin, "killed", 0);
  await cluster.stopBroker(leader, "SIGKILL");
  await sending;
  await Promise.all(sends);
  cluster.startBroker(leader);
  await cluster.awaitUnfenced([1, 2, 3]);
  assertEachOnceInOrder(await read("killed"), count);
});

test("all brokers gone for a while: nothing is lost, nothing comes twice", async () => {
  await create("outage", 2);
  const producer = open();
  const sends = [producer.send([record("outage", 0)])];
  await sends[0];
  for (let i = 1; i <= 300; i++) sends.push(producer.send([record("outage", i)]));
  await Promise.all([1, 2, 3].map((id) => cluster.stopBroker(id, "SIGKILL")));
  for (let i = 301; i <= 600; i++) sends.push(producer.send([record("outage", i)]));
  await sleep(4000);
  expect(producer.trouble()).toMatch(/^no broker answers: .*ECONNREFUSED/);
  for (const id of [1, 2, 3]) cluster.startBroker(id);
  await Promise.all(sends);
  expect(producer.trouble()).toBeUndefined();
  await cluster.awaitUnfenced([1, 2, 3]);
  assertEachOnceInOrder(await read("outage"), 601);
});

test("a record that is too large is refused by name, and those beside it are taken", async () => {
  await create("small", 1, { "max.message.bytes": "2000" });
  const producer = open();
  const large = producer.send([{ topic: "small", value: Buffer.alloc(5000) }]);
  const others = Array.from({ length: 100 }, (_, i) => producer.send([record("small", i)]));
  const refusal: unknown = await large.catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(RefusedRecords);
  expect(refusal).toMatchObject({ code: "MESSAGE_TOO_LARGE" });
  await Promise.all(others);
  assertEachOnceInOrder(await read("small"), 100);
});

test("a topic that does not exist is refused after a while, one that comes meanwhile is not", async () => {
  const producer = open();
  const never = producer.send([record("never", 0)]).catch((error: unknown) => error);
  const late = producer.send([record("late", 0)]);
  await sleep(3000);
  await create("late", 1);
  await late;
  expect(await never).toMatchObject({
    name: "RefusedRecords",
    code: "UNKNOWN_TOPIC_OR_PARTITION",
  });
});

test("close waits for what is under way, and rejects what takes longer", async () => {
  await create("closing", 1);
  const producer = open();
  const sends = Array.from({ length: 500 }, (_, i) => producer.send([record("closing", i)]));
  await producer.close(10_000);
  await Promise.all(sends);
  await expect(producer.send([record("closing", 500)])).rejects.toThrow("closed");
  assertEachOnceInOrder(await read("closing"), 500);

  const lonely = open(["127.0.0.1:1"]);
  const lost = lonely.send([record("closing", 500)]);
  void lost.catch(() => {});
  const begun = Date.now();
  await lonely.close(500);
  expect(Date.now() - begun).toBeLessThan(3000);
  await expect(lost).rejects.toThrow("not acknowledged within 0.5 s of the stop");
});
