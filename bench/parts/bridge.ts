import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { PlatformaticAdmin } from "../../provider/admin/platformatic";
import { PATIENT } from "../../provider/admin/port";
import { KafkaTopic } from "../../scripts/lib/records/kafka-topic";
import { freePorts, StartedKafkaCluster } from "../../test/support/kafka/kafka-cluster";
import { readTopic } from "../../test/support/kafka/read-topic";
import { awaitLeader } from "../../test/support/kafka/write-records";
import { localMosquitto, type LocalMosquitto } from "../../test/support/mqtt/mosquitto";
import { indexOf, publishBacklog } from "../bridge/backlog";
import { Contender, type Way } from "../bridge/contenders";
import { Interrupted } from "../bench-lab";
import type { BridgeKind } from "../measures";
import type { Measuring } from "../measuring";
import { summarise } from "../statistics";

const BROKERS = 3;
const HEAP_MIB = 512;
/** Of a backlog: some seconds for the fastest. Less than Mosquitto keeps for one session. */
const MESSAGES = 60_000;
/**
 * Of others behind them, which do not count: kcat 1.7.1 takes its input in blocks of 1,024 bytes, and holds what
 * does not fill one until more comes or its input ends. The last seven of a backlog would wait there, unlost.
 */
const BEHIND = 100;
const PARTITIONS = 3;
const USERS = { ours: "bridge-data-1", plain: "plain", piped: "piped" } as const;
/** Topics of its own for each: who is away keeps a session, in which others' messages must not pile up. */
const below = (kind: BridgeKind): string => `load/${kind}`;
const OWN = "pi-lab/bridge/#";

/** How long a subscription, and then a backlog, may take; when the first record must be there, and after what silence nothing more is to come, ms. */
const SUBSCRIBE_MS = 30_000;
const CARRY_MS = 180_000;
const START_MS = 60_000;
const SILENCE_MS = 5_000;
const LOOK_MS = 250;
const LOGIN_LOOK_MS = 5;

const kinds: readonly BridgeKind[] = ["ours", "plain", "piped"];
const idOf: Readonly<Record<BridgeKind, "bridge" | "bridge-plain" | "bridge-piped">> = {
  ours: "bridge",
  plain: "bridge-plain",
  piped: "bridge-piped",
};

interface Ground {
  readonly cluster: StartedKafkaCluster;
  readonly admin: PlatformaticAdmin;
  readonly mosquitto: LocalMosquitto;
  readonly folder: string;
  readonly signal: AbortSignal;
}

/**
 * How fast a bridge carries what waits in Mosquitto into Kafka, and what it loses when it is killed on the
 * way, beside two others that a user would put together. Mosquitto and brokers are processes of this machine.
 */
export async function bridge(measuring: Measuring): Promise<void> {
  const { signal, log } = measuring.options;
  measuring.note(
    `Bridge: the rate at which a backlog is drained, not that of live traffic: ${MESSAGES} telemetry messages of 350 devices, published with QoS 1 while nobody carried them, from Mosquitto's queue into a topic of ${PARTITIONS} partitions with three replicas, acks=all; from when it has its session with Mosquitto to Kafka's time stamp of the last record. ` +
      `Mosquitto as the lab configures it and ${BROKERS} brokers (${HEAP_MIB} MiB of heap each) are processes of this machine without containers, and share its cores with the bridge.`,
  );
  const folder = join(measuring.options.folder, "bridge");
  await mkdir(folder, { recursive: true });
  log(`Starting ${BROKERS} brokers and Mosquitto`);
  const cluster = await StartedKafkaCluster.start({}, { count: BROKERS, heapMib: HEAP_MIB });
  const admin = new PlatformaticAdmin(cluster.bootstrapServers.split(","), PATIENT);
  const mosquitto = await localMosquitto([
    ...kinds.map((kind) => ({
      ...{ name: USERS[kind], publishes: [OWN], subscribes: [`${below(kind)}/#`, OWN] },
    })),
    { name: "load", publishes: [`load/#`], subscribes: [] },
  ]);
  const ground: Ground = { cluster, admin, mosquitto, folder, signal };
  try {
    await mosquitto.start();
    for (let round = 1; round <= measuring.rounds; round++) {
      // Another one first each time.
      for (let i = 0; i < kinds.length; i++) {
        await drained(measuring, ground, kinds[(round + i) % kinds.length]!, round);
      }
    }
    for (const kind of kinds) tellRate(measuring, kind);
    for (const kind of kinds) await killed(measuring, ground, kind);
  } finally {
    await mosquitto.remove();
    await admin.close();
    await cluster.stop();
  }
}

/** Notes how long a backlog takes. A loss fails the measurement. */
async function drained(
  measuring: Measuring,
  ground: Ground,
  kind: BridgeKind,
  round: number,
): Promise<void> {
  await measuring.take(idOf[kind], async () => {
    const found = await carry(ground, kind, `${kind}-${round}`);
    if (found.lost === 0) return found;
    throw new Error(`${found.lost} of ${MESSAGES} messages are lost, though nobody was harmed`);
  });
}

function tellRate(measuring: Measuring, kind: BridgeKind): void {
  const seconds = measuring.samples[idOf[kind]];
  if (seconds === undefined) return;
  const { count, median, min, max } = summarise(seconds.map((value) => MESSAGES / value));
  const [middle, least, most] = [median, min, max].map((rate) => Math.round(rate));
  measuring.note(
    `Bridge: ${TOLD[kind]}: ${middle} messages a second (median of ${count}; ${least} to ${most}), none lost.`,
  );
}

/** Notes what a kill in the middle of a backlog costs: that depends on the moment, so there are several. */
async function killed(measuring: Measuring, ground: Ground, kind: BridgeKind): Promise<void> {
  const found: Carried[] = [];
  for (let round = 1; round <= measuring.rounds; round++) {
    await measuring.trying(`bridge: ${kind}, killed`, async () => {
      found.push(await carry(ground, kind, `${kind}-killed-${round}`, true));
    });
  }
  if (found.length === 0) return;
  const each = (of: (one: Carried) => number): string => found.map(of).join(", ");
  measuring.note(
    `Bridge: ${TOLD[kind]}, killed (-9) when a third was in Kafka and started again, ${found.length} times: ` +
      `of ${MESSAGES} acknowledged messages ${each(({ lost }) => lost)} lost, ${each(({ duplicates }) => duplicates)} duplicates.`,
  );
}

const TOLD: Readonly<Record<BridgeKind, string>> = {
  ours: "ours",
  plain: "a plain bridge that does not wait for Kafka",
  piped: "`mosquitto_sub | kcat`",
};

interface Carried {
  /** From when it has its session to the time stamp of the last record: what it holds in memory is not there yet. */
  readonly seconds: number;
  readonly lost: number;
  readonly duplicates: number;
}

/** One backlog, on a topic of its own. @param isKilled whether it is killed on the way, and started again */
async function carry(
  ground: Ground,
  kind: BridgeKind,
  topic: string,
  isKilled = false,
): Promise<Carried> {
  const { cluster, admin, mosquitto, folder, signal } = ground;
  const config = { "message.timestamp.type": "LogAppendTime" };
  await admin.createTopic({
    name: topic,
    partitions: PARTITIONS,
    replicationFactor: BROKERS,
    config,
  });
  for (let i = 0; i < PARTITIONS; i++) await awaitLeader(admin, topic, i);
  const [port = 0] = await freePorts(1);
  const way: Way = {
    mqtt: mosquitto.access(USERS[kind]),
    bootstrapServers: cluster.bootstrapServers.split(","),
    filter: `${below(kind)}/#`,
    topic,
    folder,
    port,
  };
  const contender = await Contender[kind](way);
  try {
    // Its session begins, and stays.
    contender.start();
    const greetings = await carries(ground, kind, topic, contender);
    await contender.end("SIGTERM");
    await publishBacklog(mosquitto.access("load"), below(kind), topic, MESSAGES);
    await publishBacklog(mosquitto.access("load"), below(kind), `behind-${topic}`, BEHIND);
    const before = await logins(mosquitto, USERS[kind]);
    contender.start();
    const begunMs = await loggedIn(ground, USERS[kind], before);
    if (isKilled) {
      await until(ground, topic, MESSAGES / 3);
      await contender.end("SIGKILL");
      contender.start();
    }
    // Duplicates stand for none that is missing: then until nothing more comes.
    await until(ground, topic, isKilled ? Infinity : greetings + MESSAGES + BEHIND);
    return await judge(ground, topic, begunMs);
  } finally {
    await contender.end("SIGKILL");
    signal.throwIfAborted();
  }
}

/** Waits until messages that are published come through. @returns how many were: all of them will come */
async function carries(
  ground: Ground,
  kind: BridgeKind,
  topic: string,
  contender: Contender,
): Promise<number> {
  let published = 0;
  const deadline = performance.now() + SUBSCRIBE_MS;
  while ((await count(ground, topic)) === 0) {
    if (ground.signal.aborted) throw new Interrupted();
    if (performance.now() > deadline) {
      throw new Error(
        `waited ${SUBSCRIBE_MS / 1000} s for a first message in ${topic}\n${await contender.log()}`,
      );
    }
    await publishBacklog(ground.mosquitto.access("load"), below(kind), `hello-${topic}`, 1);
    published += 1;
    await sleep(LOOK_MS);
  }
  return published;
}

/** Waits until a user has more sessions than before. @returns when, epoch ms: its process has started by then */
async function loggedIn(ground: Ground, user: string, before: number): Promise<number> {
  const deadline = performance.now() + SUBSCRIBE_MS;
  while ((await logins(ground.mosquitto, user)) <= before) {
    if (ground.signal.aborted) throw new Interrupted();
    if (performance.now() > deadline) {
      throw new Error(`waited ${SUBSCRIBE_MS / 1000} s for ${user} to log in to Mosquitto`);
    }
    await sleep(LOGIN_LOOK_MS);
  }
  return Date.now();
}

/** How often a user has come for a session that lasts (`c0`): what else a bridge connects for is none. */
async function logins(mosquitto: LocalMosquitto, user: string): Promise<number> {
  const sessions = new RegExp(`New client connected .* c0, k\\d+, u'${user}'`, "g");
  return [...(await mosquitto.log()).matchAll(sessions)].length;
}

/** Waits for so many records, or until no more come. */
async function until(ground: Ground, topic: string, records: number): Promise<void> {
  const begun = performance.now();
  const before = await count(ground, topic);
  let [last, lastMs] = [before, begun];
  for (;;) {
    const found = await count(ground, topic);
    const now = performance.now();
    if (found !== last) [last, lastMs] = [found, now];
    if (found >= records) return;
    // Whoever has just been started may need a while on a machine that is busy.
    if (now - lastMs > (found === before ? START_MS : SILENCE_MS)) return;
    if (now - begun > CARRY_MS) {
      throw new Error(`waited ${CARRY_MS / 1000} s for ${records} records in ${topic}: ${found}`);
    }
    if (ground.signal.aborted) throw new Interrupted();
    await sleep(LOOK_MS);
  }
}

async function count({ cluster }: Ground, topic: string): Promise<number> {
  const client = new KafkaTopic(serversOf(cluster), topic);
  try {
    const places = await client.places();
    const ends = await Promise.all(
      places.map(async ({ partition, leader }) => {
        if (leader === undefined) return 0n;
        return (await client.bounds(leader, [partition])).get(partition)?.end ?? 0n;
      }),
    );
    return Number(ends.reduce((sum, end) => sum + end, 0n));
  } finally {
    await client.close();
  }
}

async function judge({ cluster }: Ground, topic: string, begunMs: number): Promise<Carried> {
  const records = await readTopic([...serversOf(cluster)], topic);
  const seen = new Set<number>();
  let [duplicates, lastMs] = [0, begunMs];
  for (const { value, timestampMs } of records) {
    const index = indexOf(topic, value);
    if (index === undefined) continue;
    if (seen.has(index)) duplicates += 1;
    seen.add(index);
    lastMs = Math.max(lastMs, Number(timestampMs));
  }
  if (seen.size === 0) throw new Error(`nothing of ${MESSAGES} messages came into ${topic}`);
  return { seconds: (lastMs - begunMs) / 1000, lost: MESSAGES - seen.size, duplicates };
}

const serversOf = ({ brokers }: StartedKafkaCluster): ReadonlyMap<number, string> =>
  new Map(brokers.map(({ id, address }) => [id, address]));
