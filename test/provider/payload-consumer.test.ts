import { setTimeout as sleep } from "node:timers/promises";

import { KafkaConsumer, KafkaProducer } from "../../payloads/lib/kafka";
import type { ConsumeOptions, InRecord } from "../../payloads/lib/records";
import { PlatformaticAdmin } from "../../provider/admin/platformatic";
import { PATIENT } from "../../provider/admin/port";
import { StartedKafkaCluster } from "../support/kafka/kafka-cluster";
import { awaitLeader } from "../support/kafka/write-records";
import { waitFor } from "../support/wait";

/** What the programs on the hosts read with, on three real brokers of which some die. */

jest.setTimeout(180_000);

let cluster: StartedKafkaCluster;
let admin: PlatformaticAdmin;
let producer: KafkaProducer;
const opened: KafkaConsumer[] = [];

const servers = (): string[] => cluster.bootstrapServers.split(",");

beforeAll(async () => {
  cluster = await StartedKafkaCluster.start();
  admin = new PlatformaticAdmin(servers(), PATIENT);
  producer = new KafkaProducer({ bootstrapServers: servers() }, () => {});
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((consumer) => consumer.close()));
});

afterAll(async () => {
  await producer?.close(0);
  await admin?.close();
  await cluster?.stop();
});

async function create(name: string, partitions: number): Promise<void> {
  await admin.createTopic({ name, partitions, replicationFactor: 3, config: {} });
  for (let i = 0; i < partitions; i++) await awaitLeader(admin, name, i);
}

function open(options: Partial<ConsumeOptions> & { topics: readonly string[] }): KafkaConsumer {
  const all = { group: undefined, from: "earliest" as const, ...options };
  const consumer = new KafkaConsumer({ bootstrapServers: servers() }, all, () => {});
  opened.push(consumer);
  return consumer;
}

/** Runs it, and gathers what it hands over. */
function gather(consumer: KafkaConsumer) {
  const records: InRecord[] = [];
  const ended = consumer.run((batch) => {
    records.push(...batch);
    return Promise.resolve();
  });
  void ended.catch(() => {});
  return { records, ended, numbers: () => records.map(numberOf).sort((a, b) => a - b) };
}

const until = (what: string, probe: () => unknown): Promise<unknown> =>
  waitFor(what, async () => (await probe()) || undefined, { deadlineMs: 60_000, pauseMs: 50 });

const numberOf = ({ value }: InRecord): number => Number(String(value));

async function write(topic: string, from: number, to: number): Promise<void> {
  const sends = Array.from({ length: to - from + 1 }, (_, i) =>
    producer.send([{ topic, key: `k${(from + i) % 20}`, value: Buffer.from(String(from + i)) }]),
  );
  await Promise.all(sends);
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

async function seen(what: { numbers(): number[] }, wanted: readonly number[]): Promise<void> {
  await until(`${wanted.length} records`, () => what.numbers().length >= wanted.length).catch(
    () => {},
  );
  expect(what.numbers()).toEqual(wanted);
}

test("without a group: all partitions, each in order, from the start or from now on", async () => {
  await create("plain", 4);
  await write("plain", 0, 199);
  const old = gather(open({ topics: ["plain"] }));
  const fresh = gather(open({ topics: ["plain"], from: "latest" }));
  await seen(old, range(0, 199));
  await sleep(1500);
  await write("plain", 200, 299);
  await seen(old, range(0, 299));
  await seen(fresh, range(200, 299));
  for (const partition of range(0, 3)) {
    const numbers = old.records.filter((one) => one.partition === partition).map(numberOf);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  }
});

test("a broker killed and brought back: nothing is missed, nothing comes twice", async () => {
  await create("killed", 3);
  const found = gather(open({ topics: ["killed"] }));
  await write("killed", 0, 99);
  await seen(found, range(0, 99));
  const leader = await awaitLeader(admin, "killed", 0);
  await cluster.stopBroker(leader, "SIGKILL");
  await write("killed", 100, 199);
  await seen(found, range(0, 199));
  cluster.startBroker(leader);
  await cluster.awaitUnfenced([1, 2, 3]);
  await write("killed", 200, 299);
  await seen(found, range(0, 299));
});

test("a broker that hangs keeps nobody from the partitions that others lead in its place", async () => {
  await create("hung", 3);
  const reader = open({ topics: ["hung"] });
  const found = gather(reader);
  await write("hung", 0, 99);
  await seen(found, range(0, 99));
  const leader = await awaitLeader(admin, "hung", 0);
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => void unhandled.push(error);
  process.on("unhandledRejection", note);
  try {
    await cluster.whilePaused(leader, async () => {
      await write("hung", 100, 199);
      await seen(found, range(0, 199));
    });
  } finally {
    process.off("unhandledRejection", note);
  }
  // In a program of its own it would have been the end.
  expect(unhandled).toEqual([]);
  await cluster.awaitUnfenced([1, 2, 3]);
  await write("hung", 200, 299);
  await seen(found, range(0, 299));
});

test("a group goes on where it was: what was handled is not handed over again", async () => {
  await create("group", 3);
  await write("group", 0, 99);
  const first = open({ topics: ["group"], group: "g-on" });
  const before = gather(first);
  await seen(before, range(0, 99));
  await first.close();
  await before.ended;
  await write("group", 100, 199);
  await seen(gather(open({ topics: ["group"], group: "g-on" })), range(100, 199));
});

test("what was handed over and not handled is handed over again", async () => {
  await create("again", 1);
  await write("again", 0, 9);
  const failing = open({ topics: ["again"], group: "g-again" });
  await expect(failing.run(() => Promise.reject(new Error("disk full")))).rejects.toThrow(
    "disk full",
  );
  await failing.close();
  await seen(gather(open({ topics: ["again"], group: "g-again" })), range(0, 9));
});

test("two of a group share the partitions; when one leaves, the other goes on with all", async () => {
  await create("shared", 4);
  const one = open({ topics: ["shared"], group: "g-shared" });
  const [a, b] = [gather(one), gather(open({ topics: ["shared"], group: "g-shared" }))];
  await until("both to have partitions", async () => {
    const before = [a.records.length, b.records.length] as const;
    await write("shared", 0, 99);
    await sleep(500);
    return a.records.length > before[0] && b.records.length > before[1];
  });
  const rounds = (a.records.length + b.records.length) / 100;
  await until("the rest", () => (a.records.length + b.records.length) % 100 === 0);
  const partitionsOf = (records: readonly InRecord[]) => new Set(records.map((r) => r.partition));
  expect(rounds).toBeGreaterThan(0);
  const offsets = [...a.records, ...b.records].map((r) => `${r.partition} ${r.offset}`);
  expect(new Set(offsets).size).toBe(offsets.length);
  await one.close();
  const begun = b.records.length;
  await write("shared", 1000, 1099);
  await until("all to come to the other", () => b.records.length === begun + 100);
  expect(partitionsOf(b.records.slice(begun)).size).toBe(4);
});

test("a group's coordinator killed in the middle: nothing is missed, nothing is committed too early", async () => {
  await create("coordinator", 3);
  const consumer = open({ topics: ["coordinator"], group: "g-killed" });
  const found = gather(consumer);
  await write("coordinator", 0, 49);
  await seen(found, range(0, 49));
  for (const id of [1, 2, 3]) {
    await cluster.stopBroker(id, "SIGKILL");
    const from = id * 100;
    await write("coordinator", from, from + 49);
    await until(
      `what was written without broker ${id}`,
      () => new Set(found.numbers()).size === 50 * (id + 1),
    );
    cluster.startBroker(id);
    await cluster.awaitUnfenced([1, 2, 3]);
  }
  await consumer.close();
  await write("coordinator", 900, 909);
  await seen(gather(open({ topics: ["coordinator"], group: "g-killed" })), range(900, 909));
});

test("a topic that is not there is told, and read once it is", async () => {
  const consumer = open({ topics: ["later"] });
  const found = gather(consumer);
  await until("the trouble", () =>
    consumer.trouble()?.startsWith("later: UNKNOWN_TOPIC_OR_PARTITION: "),
  );
  await create("later", 1);
  await write("later", 0, 4);
  await seen(found, range(0, 4));
  expect(consumer.trouble()).toBeUndefined();
});

test("one batch is handled at a time, and no more is read meanwhile than a bounded part", async () => {
  await create("slow", 3);
  const large = Buffer.alloc(100_000, "x");
  await Promise.all(
    range(0, 299).map((n) => producer.send([{ topic: "slow", key: `k${n}`, value: large }])),
  );
  const consumer = open({ topics: ["slow"] });
  let [atOnce, most, count] = [0, 0, 0];
  void consumer.run(async (batch) => {
    most = Math.max(most, ++atOnce);
    count += batch.length;
    expect(batch.reduce((sum, { value }) => sum + value.length, 0)).toBeLessThan(5 << 20);
    await sleep(100);
    atOnce -= 1;
  });
  await until("all", () => count === 300);
  expect(most).toBe(1);
});
