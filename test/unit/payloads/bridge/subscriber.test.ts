import { setTimeout as sleep } from "node:timers/promises";
import type { IConnectPacket, IDisconnectPacket, ISubscribePacket } from "mqtt-packet";
import { Registry } from "prom-client";
import { LIMITS, type Limits } from "../../../../payloads/bridge/carrier";
import { makeFigures } from "../../../../payloads/bridge/figures";
import { planSessions } from "../../../../payloads/bridge/routes";
import { Subscriber } from "../../../../payloads/bridge/subscriber";
import { RefusedRecords } from "../../../../payloads/lib/records";
import { ScriptedBroker, friendly } from "../../../support/mqtt/scripted-broker";
import { FakeKafka } from "../../../support/mqtt/fake-kafka";
import { waitFor } from "../../../support/wait";

const soon = { deadlineMs: 10_000, pauseMs: 5 };
const route = { from: "a/+", topic: "telemetry", key: "{1}" };
const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

let broker: ScriptedBroker;
let subscriber: Subscriber;
let kafka: FakeKafka;
const told: string[] = [];
const registry = new Registry();
const figures = makeFigures(registry);

beforeEach(async () => {
  broker = await ScriptedBroker.start();
  kafka = new FakeKafka();
  registry.resetMetrics();
  told.length = 0;
});

afterEach(async () => {
  for (const { accept } of kafka.sent) accept();
  await subscriber.release();
  await broker.stop();
});

function serve(
  more: { limits?: Partial<Limits>; isFormer?: boolean; slices?: number; from?: string } = {},
) {
  const { limits, isFormer = false, slices = 1, from = route.from } = more;
  const [session] = planSessions([{ ...route, from }], slices);
  subscriber = new Subscriber(
    session!,
    {
      ...{ producer: kafka, deadLetters: undefined, figures, mqtt: broker.access },
      ...{ ownTopics: "pi-lab/bridge/", limits: { ...LIMITS, ...limits } },
      log: (level, message) => told.push(`${level}: ${message}`),
    },
    isFormer,
  );
  return session!;
}

const settle = <T>(what: string, probe: () => T | undefined) =>
  waitFor(what, () => Promise.resolve(probe()), soon);
const isTrue = (what: string, probe: () => boolean) => settle(what, () => probe() || undefined);

async function subscribed(n = 1) {
  const client = await broker.client(n);
  await client.got("subscribe");
  return client;
}

it("logs in to a session that stays, with a window, and subscribes without what is retained", async () => {
  const session = serve({ limits: { messages: 7 } });
  const client = await subscribed();
  expect(await client.got("connect")).toMatchObject({
    ...{ clientId: session.id, clean: false, protocolVersion: 5, username: "bridge-data-1" },
    properties: { sessionExpiryInterval: 0xffff_ffff, receiveMaximum: 7 },
  } satisfies Partial<IConnectPacket>);
  expect(((await client.got("subscribe")) as ISubscribePacket).subscriptions).toMatchObject([
    { topic: "a/+", qos: 1, rh: 2 },
  ]);
});

it("acknowledges none before Kafka has it, and all in the order in which they came", async () => {
  serve();
  const client = await subscribed();
  client.publish("a/x", range(1, 6));
  await isTrue("all six in Kafka's hands", () => kafka.sent.length === 6);
  for (const { accept } of kafka.sent.slice(1).reverse()) accept();
  await sleep(50);
  expect(client.acknowledged()).toEqual([]);
  kafka.sent[0]!.accept();
  await isTrue("all acknowledged", () => client.acknowledged().length === 6);
  expect(client.acknowledged()).toEqual(range(1, 6));
  expect(kafka.log[0]).toMatchObject({
    ...{ topic: "telemetry", key: "x", headers: { "mqtt.topic": "a/x" } },
  });
});

it("takes no more than it may hold, also of what MQTT does not bound, and goes on later", async () => {
  serve({ limits: { messages: 50 } });
  const client = await subscribed();
  const payload = "x".repeat(10_000);
  for (let i = 0; i < 3000; i++) {
    client.send({ cmd: "publish", topic: "a/x", payload, qos: 0, dup: false, retain: false });
  }
  await isTrue("the first", () => kafka.sent.length > 0);
  await sleep(200);
  const inFlight = async () =>
    (await registry.getSingleMetric("pilab_bridge_in_flight")!.get()).values[0]!.value;
  // What one read of the socket brings may come on top.
  expect(await inFlight()).toBeLessThan(60);
  expect(client.socket.writableLength).toBeGreaterThan(1_000_000);
  kafka.verdict = () => "taken";
  for (const { accept } of [...kafka.sent]) accept();
  await isTrue("all of them", () => kafka.log.length === 3000);
});

it("loses nothing when the connection breaks: what Kafka had not taken comes again", async () => {
  serve();
  const first = await subscribed();
  first.publish("a/x", range(1, 4));
  await isTrue("all in Kafka's hands", () => kafka.sent.length === 4);
  broker.answer = (packet) =>
    packet.cmd === "connect"
      ? { cmd: "connack", reasonCode: 0, sessionPresent: true }
      : friendly(packet);
  first.socket.destroy();
  await sleep(600);
  // No new connection while what the old one gave to Kafka is under way: that bounds it.
  expect(broker.clients).toHaveLength(1);
  for (const { accept } of kafka.sent) accept();
  const second = await subscribed(2);
  kafka.verdict = () => "taken";
  second.publish("a/x", range(1, 4), true);
  await isTrue("all acknowledged", () => second.acknowledged().length === 4);
  expect(second.acknowledged()).toEqual(range(1, 4));
  expect(new Set(kafka.values())).toEqual(new Set(range(1, 4).map((n) => `message ${n}`)));
  expect(await registry.getSingleMetricAsString("pilab_bridge_redelivered_total")).toContain(" 4");
  expect(told.join()).not.toContain("lost");
});

it("acknowledges what comes with the very answer to its log-in", async () => {
  kafka.verdict = () => "taken";
  broker.answer = (packet) => {
    const answer = friendly(packet);
    if (packet.cmd === "connect") {
      const client = broker.clients[0]!;
      client.send(answer!);
      client.publish("a/x", range(1, 3), true);
      return undefined;
    }
    return answer;
  };
  serve();
  const client = await broker.client();
  await isTrue("all acknowledged", () => client.acknowledged().length === 3);
});

it("says by name which filter the broker refuses, and tries again", async () => {
  broker.answer = (packet) =>
    packet.cmd === "subscribe"
      ? { cmd: "suback", messageId: packet.messageId!, granted: [0x87] }
      : friendly(packet);
  serve();
  await broker.client(2);
  expect(told).toEqual(["warn: subscribing to a/+ was refused: not authorized (0x87)"]);
  expect(subscriber.problem(0)).toContain("a/+");
  expect(subscriber.problem(60_000)).toBeUndefined();
});

it("says why it is not let in, without its password", async () => {
  broker.answer = () => ({ cmd: "connack", reasonCode: 0x86, sessionPresent: false });
  serve();
  await broker.client(2);
  const { port } = broker.access;
  expect(told).toEqual([
    `warn: the MQTT broker at 127.0.0.1:${port}: refused: bad user name or password (0x86)`,
  ]);
});

it("leaves a session that another client has taken over", async () => {
  serve();
  const client = await subscribed();
  client.send({ cmd: "disconnect", reasonCode: 0x8e });
  await expect(subscriber.over).resolves.toBe("left");
  expect(told.join()).toContain("taken over by another client");
  expect(broker.clients).toHaveLength(1);
});

it("says what is lost when the broker has forgotten the session", async () => {
  serve();
  const client = await subscribed();
  await isTrue("connected", () => subscriber.connected);
  client.socket.destroy();
  await subscribed(2);
  await isTrue("the message", () => told.join().includes("had forgotten the session"));
  expect(await registry.getSingleMetricAsString("pilab_bridge_lost_sessions_total")).toContain(
    " 1",
  );
});

it("connects again while Kafka refuses what the old connection brought, and holds it anew", async () => {
  kafka.verdict = () => new RefusedRecords("UNKNOWN_TOPIC_OR_PARTITION", "no such topic");
  serve();
  const first = await subscribed();
  first.publish("a/x", [1]);
  await isTrue("the problem", () => subscriber.problem(0)?.includes("no such topic") ?? false);
  first.socket.destroy();
  const second = await subscribed(2);
  kafka.verdict = () => "taken";
  second.publish("a/x", [1], true);
  await isTrue("its acknowledgement", () => second.acknowledged().length === 1);
  expect(subscriber.problem(0)).toBeUndefined();
});

it("finishes what is in flight when it is released, acknowledges it and says good-bye", async () => {
  serve();
  const client = await subscribed();
  client.publish("a/x", [1, 2]);
  await isTrue("both in Kafka's hands", () => kafka.sent.length === 2);
  const released = subscriber.release();
  await sleep(50);
  for (const { accept } of kafka.sent) accept();
  await released;
  await isTrue("the good-bye", () => client.closed);
  expect(client.acknowledged()).toEqual([1, 2]);
  expect(client.came.at(-1)).toMatchObject({ cmd: "disconnect" });
  // The broker keeps the session: nothing is said of an earlier end.
  expect((client.came.at(-1) as IDisconnectPacket).properties).toBeUndefined();
});

it.each(["connect", "subscribe"] as const)(
  "is released at once where the broker owes the answer to a %s",
  async (cmd) => {
    broker.answer = (packet) => (packet.cmd === cmd ? undefined : friendly(packet));
    serve();
    await (await broker.client()).got(cmd);
    const begun = Date.now();
    await subscriber.release();
    // Half of what an answer may take.
    expect(Date.now() - begun).toBeLessThan(5000);
    expect(told).toEqual([]);
  },
  20_000,
);

it("passes over what another slice carries and what bridges tell each other, in order all the same", async () => {
  serve({ slices: 2, from: "#" });
  const client = await subscribed();
  const topics = range(1, 40).map((n) => `device-${n}`);
  topics.forEach((topic, i) => client.publish(topic, [i + 1]));
  client.publish("pi-lab/bridge/hosts/data-1", [41]);
  await isTrue("the last", () => kafka.sent.length > 5);
  await sleep(100);
  for (let i = 0; i < kafka.sent.length; i++) kafka.sent[i]!.accept();
  await isTrue("all acknowledged", () => client.acknowledged().length === 41);
  expect(client.acknowledged()).toEqual(range(1, 41));
  expect(kafka.log.length).toBeGreaterThan(5);
  expect(kafka.log.length).toBeLessThan(35);
  expect(kafka.log.map(({ headers }) => headers?.["mqtt.topic"])).not.toContain(
    "pi-lab/bridge/hosts/data-1",
  );
});

it("empties a former session and ends it", async () => {
  serve({ isFormer: true });
  const client = await broker.client();
  expect(await client.got("unsubscribe")).toMatchObject({ unsubscriptions: ["a/+"] });
  client.publish("a/x", [1, 2], true);
  await isTrue("both in Kafka's hands", () => kafka.sent.length === 2);
  await sleep(1500);
  expect(client.came.map(({ cmd }) => cmd)).not.toContain("disconnect");
  for (const { accept } of kafka.sent) accept();
  await expect(subscriber.over).resolves.toBe("ended");
  await isTrue("the good-bye", () => client.closed);
  expect(client.acknowledged()).toEqual([1, 2]);
  expect(client.came.at(-1)).toMatchObject({
    ...{ cmd: "disconnect", properties: { sessionExpiryInterval: 0 } },
  });
});
