/** The engine and its plugin killed at each moment of a topic's throttled move, on real brokers. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { PlatformaticAdmin } from "../../provider/admin/platformatic";
import { PATIENT } from "../../provider/admin/port";
import type { Placement } from "../../provider/topic/assignment";
import { StartedKafkaCluster } from "../../test/support/kafka/kafka-cluster";
import { awaitLeader, writeRecords } from "../../test/support/kafka/write-records";
import { TopicStack } from "../../test/support/topics/stack";
import { endure, type Endured } from "../endure";
import type { Bench, BrokerTrial } from "../trial";
import { MoveRounds, TOPIC } from "./move-rounds";

const BROKERS = 4;
/** A portion of ten, and another one that lasts long enough to be met. */
const PARTITIONS = 16;
/** Of each partition: with two copies and four brokers, each broker takes eight of them in a move. */
const FILLED_MIB = 2;
/** Bytes a second: a move takes some ten seconds. */
const THROTTLE = 1_500_000;
/**
 * Kafka takes the mean of so many seconds for a broker's rate. With the default of eleven it copies ten
 * seconds' worth at once, and most of a move would be over before the limit is felt.
 */
const BROKER_SETTINGS = { "replication.quota.window.num": "3" };
/** A broker takes requests of 1 MiB. */
const BATCH_BYTES = 512 * 1024;

/** Two copies on brokers side by side, the leader first; the other placement has them on the two others. */
const placed = (first: number): Placement =>
  Array.from({ length: PARTITIONS }, (_, partition) =>
    [0, 1].map((copy) => ((partition + first + copy) % BROKERS) + 1),
  );
const HERE = placed(0);
const THERE = placed(2);

export const killMove: BrokerTrial = {
  name: "kill-move",
  title: "engine, plugin or both killed at each moment of a topic's move, the next `up` run",
  atMoments: true,
  writesRecords: true,
  tryOut: async (bench) => {
    const cluster = await StartedKafkaCluster.start(BROKER_SETTINGS, { count: BROKERS });
    const admin = new PlatformaticAdmin(cluster.bootstrapServers.split(","), PATIENT);
    try {
      return await onCluster(cluster, admin, bench);
    } finally {
      await admin.close();
      await cluster.stop();
    }
  },
};

async function onCluster(
  cluster: StartedKafkaCluster,
  admin: PlatformaticAdmin,
  bench: Bench,
): Promise<Endured> {
  const { engine, signal, rate, log } = bench;
  const { bootstrapServers } = cluster;
  const folder = join(bench.folder, "kill-move");
  const stack = await TopicStack.create({ folder, engine, signal });
  await stack.ask("config", "set", "pilab:bootstrapServers", bootstrapServers);
  await stack.ask("config", "set", "pilab:reassignmentThrottle", String(THROTTLE));
  const rounds = new MoveRounds({ stack, admin, bench, places: [HERE, THERE] });
  try {
    await rounds.make();
    await fill(cluster, admin, signal);
    return await endure({
      bootstrapServers,
      topic: TOPIC,
      rate,
      befall: (leftMs) => rounds.all(leftMs),
      waitUntilWell: () => rounds.converged(),
      signal,
      log,
    });
  } finally {
    await rounds.end();
  }
}

/** With what cannot be compressed. */
async function fill(
  cluster: StartedKafkaCluster,
  admin: PlatformaticAdmin,
  signal: AbortSignal,
): Promise<void> {
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const leader = cluster.broker(await awaitLeader(admin, TOPIC, partition));
    for (let left = FILLED_MIB * 1024 ** 2; left > 0; left -= BATCH_BYTES) {
      signal.throwIfAborted();
      await writeRecords(leader.address, TOPIC, partition, [{ value: randomBytes(BATCH_BYTES) }]);
    }
  }
}
