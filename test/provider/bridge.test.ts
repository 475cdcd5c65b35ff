import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { BridgeConfig } from "../../model";
import { PlatformaticAdmin } from "../../provider/admin/platformatic";
import { PATIENT } from "../../provider/admin/port";
import { freePorts, StartedKafkaCluster } from "../support/kafka/kafka-cluster";
import { readTopic } from "../support/kafka/read-topic";
import { awaitLeader } from "../support/kafka/write-records";
import { BridgeProcess } from "../support/mqtt/bridge-process";
import { localMosquitto, type LocalMosquitto } from "../support/mqtt/mosquitto";
import { NumberedPublisher } from "../support/mqtt/numbered-publisher";
import { waitFor } from "../support/wait";

/** The bridge between a real Mosquitto and three real brokers, as all of them die in turn. */

jest.setTimeout(300_000);

const OWN = "pi-lab/bridge/";
let cluster: StartedKafkaCluster;
let admin: PlatformaticAdmin;
let mosquitto: LocalMosquitto;
let folder: string;
const bridges: BridgeProcess[] = [];
const publishers: NumberedPublisher[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pi-lab-bridge-"));
  cluster = await StartedKafkaCluster.start();
  admin = new PlatformaticAdmin(cluster.bootstrapServers.split(","), PATIENT);
});

beforeEach(async () => {
  const own = [`${OWN}#`];
  mosquitto = await localMosquitto([
    ...["bridge-data-1", "bridge-data-2"].map((name) => ({
      ...{ name, publishes: own, subscribes: ["load/#", ...own] },
    })),
    { name: "load", publishes: ["load/#"], subscribes: [] },
  ]);
  await mosquitto.start();
});

afterEach(async () => {
  await Promise.all(publishers.splice(0).map((publisher) => publisher.stop()));
  await Promise.all(bridges.splice(0).map((bridge) => bridge.stop("SIGKILL")));
  await mosquitto.remove();
});

afterAll(async () => {
  await admin?.close();
  await cluster?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function create(topic: string, config: Record<string, string> = {}): Promise<void> {
  await admin.createTopic({ name: topic, partitions: 3, replicationFactor: 3, config });
  for (let i = 0; i < 3; i++) await awaitLeader(admin, topic, i);
}

async function start(
  host: string,
  topic: string,
  more: Partial<BridgeConfig> = {},
): Promise<BridgeProcess> {
  const [port = 0] = await freePorts(1);
  const bridge = await BridgeProcess.start(
    {
      ...{ host, endpoint: { address: "127.0.0.1", port }, bridges: [host], ownTopics: OWN },
      mqtt: mosquitto.access(`bridge-${host}`),
      kafka: { bootstrapServers: cluster.bootstrapServers.split(",") },
      routes: [{ from: "load/+", topic, key: "{1}" }],
      ...more,
    },
    folder,
  );
  bridges.push(bridge);
  return bridge;
}

const deviceOf = (n: number) => `device-${n % 20}`;

function publish(count: number, perSecond: number): NumberedPublisher {
  const publisher = new NumberedPublisher(
    mosquitto.access("load"),
    "load-1",
    count,
    perSecond,
    (n) => `load/${deviceOf(n)}`,
  );
  publishers.push(publisher);
  return publisher;
}

/** The numbers that a topic has, in the order of each partition. */
async function numbersIn(topic: string): Promise<{ n: number; key: string | undefined }[]> {
  const records = await readTopic(
    cluster.brokers.map(({ id, address }) => [id, address] as const),
    topic,
  );
  return records.map(({ value, key }) => ({
    n: (JSON.parse(value!.toString()) as { n: number }).n,
    key: key?.toString(),
  }));
}

/** What of the acknowledged numbers is not in the topic, once nothing more comes. */
async function missing(topic: string, acknowledged: ReadonlySet<number>): Promise<number[]> {
  let left: number[] = [];
  await waitFor(
    `all acknowledged messages in ${topic}`,
    async () => {
      const found = new Set((await numbersIn(topic)).map(({ n }) => n));
      left = [...acknowledged].filter((n) => !found.has(n));
      return left.length === 0 ? true : Promise.reject(new Error(`${left.length} are missing`));
    },
    { deadlineMs: 60_000, pauseMs: 1000 },
  ).catch(() => undefined);
  return left;
}

test("no acknowledged message is lost while bridge, broker and Mosquitto end in turn", async () => {
  await create("faults");
  const bridge = await start("data-1", "faults");
  await bridge.awaitSubscribed();
  const publisher = publish(6000, 300);
  const has = (n: number) =>
    waitFor(`message ${n}`, () => Promise.resolve(publisher.acknowledged.has(n) || undefined));

  await has(800);
  await bridge.stop("SIGKILL");
  await has(1200);
  await bridge.start();
  await has(2000);
  await cluster.stopBroker(2, "SIGKILL");
  await has(3000);
  cluster.startBroker(2);
  await mosquitto.stop();
  // A moment in which nobody is subscribed that could be: the broker listens before the bridge is back.
  await sleep(500);
  await mosquitto.start();
  await has(4000);
  await bridge.stop("SIGTERM");
  await mosquitto.stop();
  await mosquitto.start();
  await has(5000);
  await bridge.start();
  await publisher.finished;

  expect(publisher.acknowledged.size).toBe(6000);
  expect(await missing("faults", publisher.acknowledged)).toEqual([]);
  const found = await numbersIn("faults");
  process.stdout.write(
    `6000 messages, ${found.length - 6000} duplicates, ${publisher.published - 6000} published again\n`,
  );
  for (const { n, key } of found) expect(key).toBe(deviceOf(n));
  expect(
    await bridge.told("the MQTT broker had forgotten the session: what was queued in it is lost"),
  ).toEqual([]);
  // Each device's messages are in their order, but for those that came again.
  const newest = new Map<string, number>();
  const seen = new Set<number>();
  for (const { n, key = "" } of found) {
    if (seen.has(n)) continue;
    seen.add(n);
    expect(n).toBeGreaterThan(newest.get(key) ?? 0);
    newest.set(key, n);
  }
  await cluster.awaitUnfenced([1, 2, 3]);
});

test("Kafka away: messages wait in Mosquitto, the bridge is unwell, holds little and goes on after", async () => {
  await create("away");
  const bridge = await start("data-1", "away");
  await bridge.awaitSubscribed();
  for (const id of [2, 3]) await cluster.stopBroker(id, "SIGKILL");
  const publisher = publish(5000, 2000);
  await publisher.finished;
  await waitFor("the window to be full", async () => {
    const inFlight = await bridge.figure("pilab_bridge_in_flight");
    return inFlight === 1000 ? true : Promise.reject(new Error(`${inFlight} are in flight`));
  });
  expect(await bridge.figure("pilab_bridge_acknowledged_total")).toBe(0);
  const { problem } = await waitFor("the problem", async () => {
    const health = await bridge.health();
    return health.status === "failing" ? health : undefined;
  });
  expect(problem).toMatch(/^Kafka has not acknowledged a record for \d+ s/);
  for (const id of [2, 3]) cluster.startBroker(id);
  await cluster.awaitUnfenced([1, 2, 3]);
  expect(await missing("away", publisher.acknowledged)).toEqual([]);
  expect(await bridge.figure("pilab_bridge_acknowledged_total")).toBe(5000);
  expect((await bridge.health()).status).toBe("ok");
  expect((await numbersIn("away")).length).toBe(5000);
});

test("two bridges share a route; one takes over what the other leaves, and hands it back", async () => {
  await create("shared");
  const both = { bridges: ["data-1", "data-2"] };
  const one = await start("data-1", "shared", both);
  const two = await start("data-2", "shared", both);
  await one.awaitSubscribed();
  await two.awaitSubscribed();
  const publisher = publish(9000, 250);
  const has = (n: number) =>
    waitFor(`message ${n}`, () => Promise.resolve(publisher.acknowledged.has(n) || undefined));
  await has(1000);
  expect(await one.figure("pilab_bridge_produced_total")).toBeGreaterThan(300);
  expect(await two.figure("pilab_bridge_produced_total")).toBeGreaterThan(300);

  await two.stop("SIGKILL");
  await waitFor("data-1 to serve both", async () => {
    const served = await one.figure('pilab_bridge_sessions{state="connected"}');
    return served === 2 ? true : undefined;
  });
  await two.start();
  await waitFor("data-2 to have its own again", async () => {
    const served = await two.figure('pilab_bridge_sessions{state="connected"}');
    return served === 1 ? true : undefined;
  });
  expect(await one.told("released")).toHaveLength(1);
  await publisher.stop();
  expect(await missing("shared", publisher.acknowledged)).toEqual([]);
  const found = await numbersIn("shared");
  process.stdout.write(
    `${publisher.acknowledged.size} messages, ${found.length - publisher.acknowledged.size} duplicates\n`,
  );
});

test("from one bridge to two and back: nothing is lost, and no former session stays", async () => {
  await create("members");
  const alone = await start("data-1", "members");
  await alone.awaitSubscribed();
  const publisher = publish(60_000, 100);
  await sleep(3000);
  const both = { bridges: ["data-1", "data-2"] };
  await alone.stop();
  const one = await start("data-1", "members", both);
  await start("data-2", "members", both);
  const ended = (of: BridgeProcess, count: number) =>
    waitFor(`${count} former sessions to be ended`, async () =>
      (await of.told("ended a former session")).length === count ? true : undefined,
    );
  await ended(one, 1);
  await Promise.all(bridges.map((bridge) => bridge.stop()));
  const last = await start("data-1", "members");
  await ended(last, 2);
  await publisher.stop();
  expect(await missing("members", publisher.acknowledged)).toEqual([]);
  // Each was in one session of the present or the other; those of the change may be in both.
  const found = await numbersIn("members");
  process.stdout.write(
    `${publisher.acknowledged.size} messages, ${found.length - publisher.acknowledged.size} duplicates\n`,
  );
  // The figure is taken at the bridge's next look, a second later at most.
  await waitFor("one session alone", async () => {
    const served = await last.figure('pilab_bridge_sessions{state="connected"}');
    return served === 1 ? true : undefined;
  });
});

test("what its topic will never take goes to the dead letters, and a topic that is missing is waited for", async () => {
  await create("small", { "max.message.bytes": "200" });
  await create("dead");
  const bridge = await start("data-1", "small", {
    routes: [
      { from: "load/+", topic: "small", key: "{1}" },
      { from: "load/late/+", topic: "late", key: "{1}" },
    ],
    deadLetters: "dead",
  });
  await waitFor("both sessions", async () => {
    const served = await bridge.figure('pilab_bridge_sessions{state="connected"}');
    return served === 2 ? true : undefined;
  });
  const topics = ["load/x", "load/x", "load/late/y"];
  const publisher = new NumberedPublisher(
    mosquitto.access("load"),
    "load-1",
    3,
    1000,
    (n) => topics[n - 1]!,
  );
  publishers.push(publisher);
  await publisher.finished;
  const link = new NumberedPublisher(
    mosquitto.access("load"),
    "load-2",
    1,
    1,
    () => `load/${"long".repeat(60)}`,
  );
  publishers.push(link);
  await link.finished;
  const dead = await waitFor("the dead letter", async () => {
    const found = await numbersIn("dead");
    return found.length > 0 ? found : undefined;
  });
  expect(dead).toHaveLength(1);
  expect((await numbersIn("small")).map(({ n }) => n)).toEqual([1, 2]);
  const { problem } = await waitFor("the problem", async () => {
    const health = await bridge.health();
    return health.status === "failing" ? health : undefined;
  });
  expect(problem).toContain("Kafka refuses records for topic late");
  await create("late");
  expect(await missing("late", new Set([3]))).toEqual([]);
  await waitFor("it to be well", async () => (await bridge.health()).status === "ok" || undefined);
});
