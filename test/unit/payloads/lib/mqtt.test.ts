import { Registry } from "prom-client";
import {
  openPublisher,
  type Publisher,
  type PublisherOptions,
} from "../../../../payloads/lib/mqtt";
import { FakeBroker } from "../../../support/mqtt/fake-broker";
import { waitFor } from "../../../support/wait";

let broker: FakeBroker;
let metrics: Registry;
let said: string[];
let publisher: Publisher | undefined;

beforeEach(async () => {
  broker = new FakeBroker();
  metrics = new Registry();
  said = [];
  await broker.listen();
});

afterEach(async () => {
  broker.acknowledges = true;
  await publisher?.stop(0);
  publisher = undefined;
  await broker.close();
});

function open(options: Partial<PublisherOptions> = {}): Publisher {
  const password = "secret-word";
  publisher = openPublisher({
    access: { address: "127.0.0.1", port: broker.port, username: "client-1", password },
    clientId: "client-1",
    capacity: 5,
    log: (level, message, fields) => said.push(JSON.stringify({ level, message, ...fields })),
    metrics,
    prefix: "pilab_test",
    backoffMs: 20,
    ...options,
  });
  return publisher;
}

const until = (what: string, holds: () => boolean | Promise<boolean>) =>
  waitFor(what, async () => ((await holds()) ? true : undefined), {
    deadlineMs: 10_000,
    pauseMs: 5,
  });
async function figure(name: string): Promise<number> {
  const line = new RegExp(`^pilab_test_mqtt_${name} (.+)$`, "m").exec(await metrics.metrics());
  return Number(line?.[1]);
}
const isAt = (name: string, value: number) =>
  until(`${name} ${value}`, async () => (await figure(name)) === value);
const payloads = () => broker.published.map(({ payload }) => payload);

test("it logs in with MQTT 5 and publishes in order, each until it is acknowledged", async () => {
  const one = open();
  for (let i = 0; i < 5; i++) one.publish("t/a", `${i}`);
  await isAt("acknowledged_total", 5);
  expect(payloads()).toEqual(["0", "1", "2", "3", "4"]);
  expect(broker.connects).toHaveLength(1);
  expect(broker.connects[0]).toMatchObject({
    protocolVersion: 5,
    clientId: "client-1",
    username: "client-1",
    password: Buffer.from("secret-word"),
  });
  expect(await figure("connected")).toBe(1);
  expect(await figure("waiting_messages")).toBe(0);
  expect(one.health()).toBeUndefined();
});

test("while the broker is away it keeps the newest, and counts what it dropped", async () => {
  await broker.close();
  const one = open({ capacity: 3 });
  for (let i = 0; i < 10; i++) one.publish("t/a", `${i}`);
  expect(await figure("dropped_total")).toBe(7);
  expect(await figure("waiting_messages")).toBe(3);
  await until("a failed attempt", () => /ECONNREFUSED/.test(one.health() ?? ""));
  expect(one.health()).toMatch(/^no MQTT broker at 127\.0\.0\.1:\d+ for \d s: .*ECONNREFUSED/);
  await broker.listen();
  await isAt("acknowledged_total", 3);
  expect(payloads()).toEqual(["7", "8", "9"]);
});

test("a broker that does not acknowledge is sent 50, the rest waits and is bounded too", async () => {
  broker.acknowledges = false;
  const one = open({ capacity: 10 });
  await isAt("connected", 1);
  for (let i = 0; i < 70; i++) one.publish("t/a", `${i}`);
  await until("50 messages", () => broker.published.length === 50);
  expect(await figure("waiting_messages")).toBe(60);
  expect(await figure("dropped_total")).toBe(10);
  broker.acknowledges = true;
  for (const { messageId } of [...broker.published]) broker.acknowledge(messageId);
  await isAt("acknowledged_total", 60);
  expect(payloads().slice(50)).toEqual(Array.from({ length: 10 }, (_, i) => `${60 + i}`));
});

test("what was not acknowledged is sent again on the next connection", async () => {
  broker.acknowledges = false;
  open().publish("t/a", "once");
  await until("the message", () => broker.published.length === 1);
  broker.acknowledges = true;
  broker.drop();
  await isAt("acknowledged_total", 1);
  expect(payloads()).toEqual(["once", "once"]);
  expect(broker.connects).toHaveLength(2);
  expect(said.filter((line) => line.includes("lost"))).toHaveLength(1);
});

test("who is not let in asks again, ever more seldom, and tells it once and without the password", async () => {
  broker.connackCode = 135;
  const one = open();
  one.publish("t/a", "kept");
  await until("six attempts", () => broker.connects.length === 6);
  expect(one.health()).toMatch(/Connection refused: Not authorized$/);
  expect(said.filter((line) => line.includes("Not authorized"))).toHaveLength(1);
  expect(said.join("\n")).not.toContain("secret-word");
  broker.connackCode = 0;
  await isAt("acknowledged_total", 1);
  expect(one.health()).toBeUndefined();
});

test("the wait between two attempts grows", async () => {
  await broker.close();
  const times: number[] = [];
  broker.connackCode = 135;
  await broker.listen();
  const push = broker.connects.push.bind(broker.connects);
  broker.connects.push = (...packets) => {
    times.push(Date.now());
    return push(...packets);
  };
  open();
  await until("six attempts", () => times.length === 6);
  const gaps = times.slice(1).map((time, i) => time - times[i]!);
  // 20 ms doubled four times, each by at least 3/4 of it.
  expect(gaps[4]).toBeGreaterThanOrEqual(20 * 1.5 ** 4);
});

test("a message that the broker refuses is counted, and holds up nobody", async () => {
  broker.pubackCodes.set("t/forbidden", 135);
  const one = open();
  one.publish("t/forbidden", "a");
  one.publish("t/a", "b");
  await isAt("acknowledged_total", 1);
  await isAt("refused_total", 1);
  expect(said.join()).toContain('"topic":"t/forbidden","error":"Publish error: Not authorized"');
});

test("that nobody listens is no refusal", async () => {
  broker.pubackCodes.set("t/a", 16);
  open().publish("t/a", "a");
  await isAt("acknowledged_total", 1);
});

test("a message larger than the broker takes is not sent, which would end the connection", async () => {
  broker.maximumPacketSize = 100;
  const one = open();
  one.publish("t/a", "x".repeat(100));
  one.publish("t/a", "small");
  await isAt("refused_total", 1);
  await isAt("acknowledged_total", 1);
  expect(payloads()).toEqual(["small"]);
});

describe("stop", () => {
  test("waits for what is on the way and what waits", async () => {
    broker.acknowledges = false;
    const one = open({ capacity: 10 });
    one.publish("t/a", "a");
    one.publish("t/a", "b");
    await until("both", () => broker.published.length === 2);
    let isOver = false;
    const stopped = one.stop(5_000).then(() => (isOver = true));
    one.publish("t/a", "too late");
    broker.acknowledge(broker.published[0]!.messageId);
    await isAt("acknowledged_total", 1);
    expect(isOver).toBe(false);
    broker.acknowledge(broker.published[1]!.messageId);
    await stopped;
    expect(payloads()).toEqual(["a", "b"]);
    expect(said.join()).not.toContain("not acknowledged");
  });

  test("says how many were left when its time is over", async () => {
    broker.acknowledges = false;
    const one = open();
    for (const text of ["a", "b", "c"]) one.publish("t/a", text);
    await until("all", () => broker.published.length === 3);
    await one.stop(50);
    expect(said.at(-1)).toContain('"left":3');
    await until("the connection's end", async () => (await figure("connected")) === 0);
    const { length } = broker.connects;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(broker.connects).toHaveLength(length);
  });
});
