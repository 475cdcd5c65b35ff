import { setTimeout as sleep } from "node:timers/promises";
import { PlatformaticAdmin } from "../../provider/admin/platformatic";
import { PATIENT } from "../../provider/admin/port";
import { encodeMessage } from "../../scripts/lib/load/message";
import { MqttDevice, type LoadTarget } from "../../scripts/lib/load/mqtt-device";
import { runLoad, type LoadOptions } from "../../scripts/lib/load/run-load";
import { stageTrouble, type LoadResult, type StageResult } from "../../scripts/lib/load/result";
import { KafkaTopic } from "../../scripts/lib/records/kafka-topic";
import { StartedKafkaCluster } from "../support/kafka/kafka-cluster";
import { Forwarder } from "../support/load/forwarder";
import {
  localMosquitto,
  type LocalMosquitto,
  type MosquittoOptions,
} from "../support/mqtt/mosquitto";

/** The load generator on Debian's Mosquitto, a healthy forwarder in the bridge's place, and three real brokers. */

jest.setTimeout(120_000);

/** @param publishes where the devices may */
async function startMosquitto(
  publishes = "load/#",
  limits: MosquittoOptions["limits"] = {},
): Promise<LocalMosquitto> {
  const users = [
    { name: "load", publishes: [publishes], subscribes: [] },
    { name: "forwarder", publishes: [], subscribes: ["load/#"] },
  ];
  const started = await localMosquitto(users, { limits });
  await started.start();
  return started;
}

let cluster: StartedKafkaCluster;
let admin: PlatformaticAdmin;
let mosquitto: LocalMosquitto;
const forwarders: Forwarder[] = [];
let topics = 0;
const opened: KafkaTopic[] = [];

beforeAll(async () => {
  cluster = await StartedKafkaCluster.start();
  admin = new PlatformaticAdmin(cluster.bootstrapServers.split(","), PATIENT);
  mosquitto = await startMosquitto();
});

afterEach(async () => {
  await Promise.all(forwarders.splice(0).map((forwarder) => forwarder.stop()));
  await Promise.all(opened.splice(0).map((topic) => topic.close()));
});

afterAll(async () => {
  await mosquitto?.remove();
  await admin?.close();
  await cluster?.stop();
});

async function newTopic(config: Record<string, string> = {}): Promise<() => KafkaTopic> {
  const name = `load-${++topics}`;
  await admin.createTopic({ name, partitions: 3, replicationFactor: 3, config });
  return () => {
    const servers = cluster.brokers.map(({ id, address }): [number, string] => [id, address]);
    const topic = new KafkaTopic(new Map(servers), name);
    opened.push(topic);
    return topic;
  };
}

const target = (changes: Partial<LoadTarget> = {}): LoadTarget => ({
  ...mosquitto.access("load"),
  ...changes,
});

const stage = (devices: number, ratePerSecond: number, seconds: number) => ({
  devices,
  ratePerSecond,
  seconds,
});

/** A run on a topic of its own, into which a forwarder writes each message so often. */
async function load(
  changes: Partial<LoadOptions>,
  copies?: (message: string) => number,
): Promise<LoadResult> {
  const open = await newTopic();
  const login = mosquitto.access("forwarder");
  // One at a time: they share a client id.
  await Promise.all(forwarders.splice(0).map((forwarder) => forwarder.stop()));
  forwarders.push(await Forwarder.start(open(), { ...login, ...(copies && { copies }) }));
  return runLoad({
    target: target(),
    topic: open(),
    stages: [stage(10, 5, 2)],
    signal: new AbortController().signal,
    log: () => undefined,
    ...changes,
  });
}

function only({ stages }: LoadResult): StageResult {
  expect(stages).toHaveLength(1);
  return stages[0]!;
}

test("each stage's messages are sent, acknowledged, in Kafka and read back, by id", async () => {
  const told: StageResult[] = [];
  const result = await load({
    stages: [stage(5, 10, 2), stage(200, 1, 3)],
    onStage: (one) => void told.push(one),
  });
  expect(result).toMatchObject({ stopped: undefined, interrupted: false });
  expect(told).toEqual(result.stages);
  for (const [i, count] of [100, 600].entries()) {
    expect(result.stages[i]).toMatchObject({
      end: "complete",
      due: count,
      sent: count,
      acknowledged: count,
      inKafka: count,
      read: count,
      lost: 0,
      lostMessages: [],
      duplicates: 0,
      disconnects: 0,
      refused: 0,
      unheard: 0,
      resent: 0,
    });
    const { sent, puback, kafka, read } = result.stages[i]!.latencyMs;
    for (const hop of [sent, puback, kafka, read]) expect(hop!.count).toBe(count);
    // In the order of the way; Kafka's clock has whole milliseconds.
    expect(puback!.p50).toBeGreaterThan(sent!.p50);
    expect(read!.p50).toBeGreaterThan(kafka!.p50 - 1);
    expect(read!.max).toBeGreaterThanOrEqual(read!.p99);
  }
});

test("what does not come back is lost and named, what comes twice is a duplicate, and no further stage is run", async () => {
  const result = await load(
    {
      stages: [stage(10, 5, 2), stage(20, 5, 2)],
      wait: { silenceMs: 1_500, mostMs: 20_000 },
    },
    (message) => {
      if (/"load-3",.*"seq":0,|"load-7",.*"seq":7,/.test(message)) return 0;
      return /"load-1",.*"seq":[46],/.test(message) ? 3 : 1;
    },
  );
  const one = only(result);
  expect(one).toMatchObject({
    end: "silent",
    sent: 100,
    acknowledged: 100,
    inKafka: 102,
    read: 98,
    lost: 2,
    duplicates: 4,
  });
  expect(one.lostMessages).toEqual(["load-3 number 0", "load-7 number 7"]);
  expect(result.stopped).toBe("2 acknowledged messages were not read back");
});

test("records of others in the topic are left out of account", async () => {
  const open = await newTopic();
  forwarders.push(await Forwarder.start(open(), mosquitto.access("forwarder")));
  const hooks = {
    payload: (device: number, sequence: number) =>
      encodeMessage("another-1", { device, sequence }, Date.now()),
    onSent: () => undefined,
    onPuback: () => undefined,
    onDisconnect: () => undefined,
    onTakenOver: () => undefined,
  };
  const stranger = new MqttDevice(900, target(), hooks);
  await stranger.connect();
  const running = runLoad({
    target: target(),
    topic: open(),
    stages: [stage(5, 5, 2)],
    signal: new AbortController().signal,
    log: () => undefined,
  });
  for (let due = 1; due <= 20; due++) {
    stranger.release(due);
    await sleep(100);
  }
  const one = only(await running);
  stranger.close();
  expect(one).toMatchObject({ end: "complete", inKafka: 50, read: 50, duplicates: 0 });
});

test("Mosquitto's restart costs disconnects and time, and no message", async () => {
  const running = load({ stages: [stage(20, 10, 5)] });
  await sleep(3_000);
  await mosquitto.stop();
  await mosquitto.start();
  const one = only(await running);
  expect(one).toMatchObject({
    end: "complete",
    due: 1_000,
    sent: 1_000,
    acknowledged: 1_000,
    read: 1_000,
    lost: 0,
    disconnects: 20,
  });
  expect(one.disconnectReasons.join()).toMatch(/the broker closed the connection/);
  // What was due while nobody was connected counts from then.
  expect(one.latencyMs.sent!.max).toBeGreaterThan(200);
  expect(one.latencyMs.puback!.max).toBeGreaterThan(200);
});

test("messages that the broker's rules refuse are no acknowledged ones", async () => {
  const strict = await startMosquitto("other/#");
  try {
    const one = only(
      await load({
        target: target({ port: strict.port }),
        wait: { silenceMs: 1_000, mostMs: 5_000 },
      }),
    );
    expect(one).toMatchObject({ sent: 100, acknowledged: 0, refused: 100, lost: 0 });
    expect(one.refusals).toEqual(["not authorized (100)"]);
  } finally {
    await strict.remove();
  }
});

test("a broker that has nobody to give the messages to is told of", async () => {
  const lonely = await startMosquitto();
  try {
    const wait = { silenceMs: 1_000, mostMs: 5_000 };
    const one = only(await load({ target: target({ port: lonely.port }), wait }));
    expect(one).toMatchObject({ acknowledged: 100, unheard: 100, read: 0, inKafka: 0, lost: 100 });
  } finally {
    await lonely.remove();
  }
});

test("a wrong password, and more clients than the broker takes, are told before anything is sent", async () => {
  await expect(load({ target: target({ password: "wrong" }) })).rejects.toThrow(
    /^load-\d+, device \d+ of 10, cannot connect to the MQTT broker at 127\.0\.0\.1:\d+: the broker refused it \(.*(user name|authorized).*\)\. Its password/,
  );
  const small = await startMosquitto("load/#", { maxConnections: 4 });
  try {
    await expect(load({ target: target({ port: small.port }) })).rejects.toThrow(
      /cannot connect .* mqtt\.maxConnections/,
    );
  } finally {
    await small.remove();
  }
});

test("a second load on the same lab ends the first, which says so", async () => {
  const first = load({ stages: [stage(3, 1, 20)] });
  const ended = expect(first).rejects.toThrow(
    /^load-2 cannot stay connected, as when another client connects with its id\. Only one load can run on a lab at a time/,
  );
  await sleep(3_000);
  const hooks = {
    payload: () => "",
    onSent: () => undefined,
    onPuback: () => undefined,
    onDisconnect: () => undefined,
    onTakenOver: () => undefined,
  };
  const second = new MqttDevice(1, target(), hooks);
  await second.connect();
  await ended;
  second.close();
});

test("an interrupted run gives what it has", async () => {
  const stop = new AbortController();
  const running = load({ stages: [stage(10, 10, 60), stage(10, 1, 1)], signal: stop.signal });
  await sleep(4_000);
  stop.abort(new Error("interrupted"));
  const before = performance.now();
  const result = await running;
  expect(performance.now() - before).toBeLessThan(6_000);
  expect(result).toMatchObject({ interrupted: true, stopped: "interrupted" });
  const one = only(result);
  expect(one.end).toBe("interrupted");
  expect(one.due).toBeGreaterThan(50);
  expect(one.due).toBeLessThan(600);
  expect(one).toMatchObject({ sent: one.due, acknowledged: one.due, read: one.due, lost: 0 });
});

test("a ramp goes on until the most that may be asked for", async () => {
  const result = await load({
    stages: [stage(5, 2, 1)],
    ramp: { devices: 12, messagesPerSecond: 50, totalSeconds: 3_600 },
    // A busy machine is no limit here.
    rampEnds: stageTrouble,
  });
  const steps = result.stages.map(({ devices, ratePerSecond }) => `${devices} x ${ratePerSecond}`);
  expect(steps).toEqual(["5 x 2", "10 x 2", "12 x 2", "12 x 4"]);
  expect(result.stopped).toBe("the ramp has reached the most that may be asked for");
});
