import { connect as connectSocket } from "node:net";
import { connect, connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { Registry } from "prom-client";
import type { MqttUser } from "../../model";
import { openPublisher } from "../../payloads/lib/mqtt";
import {
  localMosquitto,
  type LocalMosquitto,
  type MosquittoOptions,
} from "../support/mqtt/mosquitto";
import { waitFor } from "../support/wait";

/** Debian's Mosquitto under the configuration that the lab gives it: what it promises in docs/mqtt.md. */

jest.setTimeout(120_000);

const users: readonly MqttUser[] = [
  { name: "client-1", publishes: ["hosts/client-1/telemetry"], subscribes: [] },
  { name: "bridge-data-1", publishes: [], subscribes: ["hosts/+/telemetry", "devices/#"] },
  { name: "esp32-1", publishes: ["devices/esp32-1/#"], subscribes: ["commands/esp32-1"] },
];
const TOPIC = "devices/esp32-1/air";

let broker: LocalMosquitto;
const clients: MqttClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.end(true);
  await broker.remove();
});

async function run(options?: MosquittoOptions): Promise<void> {
  broker = await localMosquitto(users, options);
  await broker.start();
}

async function logIn(user: string, options: IClientOptions = {}): Promise<MqttClient> {
  const { address: host, port, username, password } = broker.access(user);
  const client = await connectAsync({
    ...{ protocol: "mqtt", host, port, username, password, clientId: user, protocolVersion: 5 },
    reconnectPeriod: 0,
    ...options,
  });
  client.on("error", () => undefined);
  clients.push(client);
  return client;
}

/** A bridge's connection: its session outlives it. It gathers what it is sent. */
async function bridge(): Promise<{ client: MqttClient; got: string[]; isPresent: boolean }> {
  const { address: host, port, username, password } = broker.access("bridge-data-1");
  const got: string[] = [];
  const client = connect({
    ...{ protocol: "mqtt", host, port, username, password, clientId: "bridge-data-1" },
    ...{ protocolVersion: 5, clean: false, reconnectPeriod: 0 },
    properties: { sessionExpiryInterval: 3600 },
  });
  clients.push(client);
  client.on("message", (_, payload) => got.push(payload.toString()));
  client.on("error", () => undefined);
  let isPresent: boolean | undefined;
  client.on("connect", ({ sessionPresent }) => (isPresent = sessionPresent));
  await waitFor("the bridge's connection", () => Promise.resolve(isPresent), { pauseMs: 5 });
  return { client, got, isPresent: isPresent ?? false };
}

/** Makes the bridge's session, and leaves it. */
async function leaveSession(): Promise<void> {
  const { client } = await bridge();
  await client.subscribeAsync(["hosts/+/telemetry", "devices/#"], { qos: 1 });
  await client.endAsync();
}

const publishAll = async (client: MqttClient, texts: readonly string[]) =>
  Promise.all(texts.map((text) => client.publishAsync(TOPIC, text, { qos: 1 })));
const numbers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => String(from + i));
const hasGot = (got: readonly string[], count: number) =>
  waitFor(`${count} messages`, () => Promise.resolve(got.length >= count || undefined), {
    deadlineMs: 20_000,
    pauseMs: 10,
  });

describe("who gets in, and where", () => {
  beforeEach(() => run());

  test("nobody without a name, with another's password, or with a name that it does not know", async () => {
    for (const wrong of [
      { username: undefined, password: undefined },
      { password: "password-of-client-1" },
      { password: "" },
      { username: "mallory" },
    ]) {
      await expect(logIn("esp32-1", wrong as IClientOptions)).rejects.toThrow(/Not authorized/);
    }
    await expect(logIn("esp32-1")).resolves.toBeDefined();
    expect(await broker.log()).not.toContain("password-of");
  });

  test("each user publishes on its own topics alone, and reads what it may alone", async () => {
    const { client: reader, got } = await bridge();
    await reader.subscribeAsync(["#", "$SYS/#"], { qos: 1 });
    const device = await logIn("esp32-1");
    const commands: string[] = [];
    device.on("message", (topic) => commands.push(topic));
    await device.subscribeAsync(["#"], { qos: 1 });
    await device.publishAsync(TOPIC, "own", { qos: 1 });
    for (const topic of ["hosts/client-1/telemetry", "devices/esp32-2/air", "commands/esp32-1"]) {
      await expect(device.publishAsync(topic, "forged", { qos: 1 })).rejects.toThrow(
        /Not authorized/,
      );
    }
    const host = await logIn("client-1");
    await host.publishAsync("hosts/client-1/telemetry", "telemetry", { qos: 1 });
    await hasGot(got, 2);
    expect(got).toEqual(["own", "telemetry"]);
    expect(commands).toEqual([]);
  });

  test("with MQTT 3.1.1 a message on another's topic is acknowledged, and goes nowhere", async () => {
    await leaveSession();
    const device = await logIn("esp32-1", { protocolVersion: 4 });
    await device.publishAsync("devices/esp32-2/air", "forged", { qos: 1 });
    await device.publishAsync(TOPIC, "own", { qos: 1 });
    const { got } = await bridge();
    await hasGot(got, 1);
    expect(got).toEqual(["own"]);
  });
});

describe("limits", () => {
  test.each([4, 5] as const)(
    "a message that is too large is never acknowledged (protocol %d)",
    async (protocolVersion) => {
      await run({ limits: { maxMessageBytes: 1000 } });
      const device = await logIn("esp32-1", { protocolVersion });
      const closed = new Promise<string>((resolve) =>
        device.once("close", () => resolve("closed")),
      );
      const acknowledged = device.publishAsync(TOPIC, "x".repeat(1000), { qos: 1 }).then(
        () => "acknowledged",
        () => closed,
      );
      expect(await Promise.race([closed, acknowledged])).toBe("closed");
    },
  );

  test("there is a greatest number of clients", async () => {
    await run({ limits: { maxConnections: 3 } });
    const { address: host, port } = broker;
    const sockets = Array.from({ length: 10 }, () => connectSocket({ host, port }));
    const denied = () => sockets.filter(({ closed }) => closed).length;
    for (const socket of sockets) socket.on("error", () => undefined).resume();
    // Mosquitto counts some who leave twice (we looked whether it listens), so that one or two more get in.
    await waitFor("most of them to be turned away", () =>
      Promise.resolve(denied() >= 5 || undefined),
    );
    expect(denied()).toBeLessThanOrEqual(7);
    for (const socket of sockets) socket.destroy();
    expect(await broker.log()).toContain("denied: max_connections exceeded");
  });

  test("of more than may wait for one client the newest are dropped, acknowledged though they are", async () => {
    await run({ limits: { maxQueuedMessages: 5 } });
    await leaveSession();
    await publishAll(await logIn("esp32-1"), numbers(0, 20));
    const { got } = await bridge();
    await hasGot(got, 5);
    expect(got).toEqual(numbers(0, 5));
    expect(await broker.log()).toContain(
      "Outgoing messages are being dropped for client bridge-data-1",
    );
  });
});

describe("restarts", () => {
  test("a clean one keeps sessions and every acknowledged message, whatever was on the way", async () => {
    await run();
    await leaveSession();
    const device = await logIn("esp32-1");
    await publishAll(device, numbers(0, 3000));
    await broker.stop("SIGTERM");
    await broker.start();
    // Before the bridge is back: the session takes them all the same.
    await publishAll(await logIn("esp32-1"), numbers(3000, 3010));
    const { got, isPresent } = await bridge();
    expect(isPresent).toBe(true);
    await hasGot(got, 3010);
    expect(got).toEqual(numbers(0, 3010));
  });

  test("after SIGKILL it has what it had written down last, the session included", async () => {
    await run({ edit: (conf) => conf.replace("autosave_interval 10", "autosave_interval 1") });
    await leaveSession();
    await publishAll(await logIn("esp32-1"), numbers(0, 100));
    await new Promise((resolve) => setTimeout(resolve, 3500));
    await broker.stop("SIGKILL");
    await broker.start();
    const { got, isPresent } = await bridge();
    expect(isPresent).toBe(true);
    await hasGot(got, 100);
    expect(got).toEqual(numbers(0, 100));
  });

  test("our publisher goes on through both kinds, and each of its messages arrives", async () => {
    await run({ edit: (conf) => conf.replace("autosave_interval 10", "autosave_interval 1") });
    const reader = await bridge();
    await reader.client.subscribeAsync(["devices/#"], { qos: 1 });
    const log = jest.fn();
    const publisher = openPublisher({
      access: broker.access("esp32-1"),
      ...{ clientId: "esp32-1", capacity: 1000, log, metrics: new Registry(), prefix: "p" },
      backoffMs: 100,
    });
    const got = new Set<string>();
    const send = (from: number, to: number) => {
      for (const text of numbers(from, to)) publisher.publish(TOPIC, text);
    };
    const arrives = (count: number, by: readonly string[]) =>
      waitFor(`${count} messages`, () => {
        for (const text of by) got.add(text);
        return Promise.resolve(got.size === count || undefined);
      });
    send(0, 100);
    await arrives(100, reader.got);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    await broker.stop("SIGKILL");
    send(100, 200);
    await broker.start();
    const second = await bridge();
    await arrives(200, second.got);
    await broker.stop("SIGTERM");
    send(200, 300);
    await broker.start();
    const third = await bridge();
    await arrives(300, third.got);
    await publisher.stop(5000);
    expect(log.mock.calls.map(([, message]) => message as string)).not.toContain(
      "message refused by the broker",
    );
  });
});

test("takes every user of the password file", async () => {
  await run();
  await Promise.all(users.map(({ name }) => logIn(name)));
  expect(await broker.log()).not.toMatch(/Invalid|Unable to decode/);
});
