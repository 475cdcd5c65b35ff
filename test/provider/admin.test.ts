import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import { PlatformaticAdmin } from "../../provider/admin/platformatic";
import { KafkaError, PATIENT, type PartitionState } from "../../provider/admin/port";
import { StartedKafkaCluster } from "../support/kafka/kafka-cluster";
import { awaitLeader, writeRecords } from "../support/kafka/write-records";

jest.setTimeout(120_000);

let cluster: StartedKafkaCluster;
let admin: PlatformaticAdmin;

beforeAll(async () => {
  cluster = await StartedKafkaCluster.start();
  admin = new PlatformaticAdmin(cluster.bootstrapServers.split(","), PATIENT);
});

afterAll(async () => {
  await admin?.close();
  await cluster?.stop();
});

/** A topic that is ready, with these replicas. */
async function create(
  name: string,
  placement: readonly (readonly number[])[],
  config: Record<string, string> = {},
): Promise<void> {
  const size = { partitions: placement.length, replicationFactor: placement[0]!.length };
  await admin.createTopic({ name, ...size, config, placement });
  for (const partition of placement.keys()) await awaitLeader(admin, name, partition);
}

const refused = (code: string) => expect.objectContaining({ kind: "refused", code }) as unknown;
const serverOf = (id: number): string => cluster.broker(id).address;

async function partitions(name: string): Promise<readonly PartitionState[]> {
  return (await admin.describeTopic(name))?.partitions ?? [];
}

/** Looks until it is so, for 30 s. */
async function until(what: string, look: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(100)) {
    if (await look()) return;
  }
  throw new Error(`waited 30 s for ${what}`);
}

/** A broker tells its settings once it has read them from the log. */
const throttlesAre = (wanted: Readonly<Record<number, number>>): Promise<void> =>
  until(`the throttles ${JSON.stringify(wanted)}`, async () => {
    const found = Object.fromEntries(await admin.replicationThrottles());
    return JSON.stringify(found) === JSON.stringify(wanted);
  });

test("ids are told of the topics that are there", async () => {
  await create("with-id", [[1, 2]]);
  const live = await admin.describeTopic("with-id");
  const ids = await admin.topicIds(["with-id", "without-id"]);
  expect([...ids]).toEqual([["with-id", live?.topicId]]);
  await expect(admin.topicIds([])).resolves.toEqual(new Map());
});

test("of a topic's settings only those that are asked for are told, and the in-sync replicas in force", async () => {
  await create("looked-at", [[1, 2, 3]]);
  const set = { "retention.ms": "5", "segment.ms": "70000" };
  await admin.alterTopicConfig("looked-at", set, []);
  await until("the settings to show", async () => {
    const live = await admin.describeTopic("looked-at");
    return live?.config["segment.ms"] === "70000";
  });
  const keysAsked: readonly (readonly string[])[] = [
    ["retention.ms", "max.message.bytes", "no.such.setting"],
    [],
  ];
  const found = await Promise.all(keysAsked.map((keys) => admin.describeTopic("looked-at", keys)));
  const told = found.map((live) => [live?.config, live?.minInsyncReplicas]);
  expect(told).toEqual([
    [{ "retention.ms": "5" }, 2],
    [{}, 2],
  ]);
});

test("what a topic would have without a setting of its own: by the nearest of those that say it", async () => {
  await create("inherits", [[1, 2, 3]], { "min.insync.replicas": "1" });
  await until(
    "the topic to show",
    async () => (await admin.describeTopic("inherits")) !== undefined,
  );
  await expect(admin.topicDefault("inherits", "min.insync.replicas")).resolves.toBe("2");
  const unclean = "unclean.leader.election.enable";
  await expect(admin.topicDefault("inherits", unclean)).resolves.toBe("false");
  await expect(admin.topicDefault("inherits", "no.such.setting")).resolves.toBeUndefined();
  await admin.setClusterSetting(unclean, "true");
  await until(
    "the cluster's own to show",
    async () => (await admin.topicDefault("inherits", unclean)) === "true",
  );
  await admin.setClusterSetting(unclean, "false");
  await expect(admin.topicDefault("no-such-topic", unclean)).rejects.toMatchObject({
    code: "UNKNOWN_TOPIC_OR_PARTITION",
  });
});

test("a topic gets the replicas that are asked for, at its making and when partitions are added", async () => {
  await create("placed", [
    [2, 1],
    [3, 2],
  ]);
  await admin.raisePartitions("placed", 4, [
    [1, 3],
    [3, 1],
  ]);
  await until("four partitions", async () => (await partitions("placed")).length === 4);
  expect((await partitions("placed")).map(({ replicas }) => replicas)).toEqual([
    [2, 1],
    [3, 2],
    [1, 3],
    [3, 1],
  ]);
  await expect(admin.raisePartitions("placed", 5, [[1, 9]])).rejects.toEqual(
    refused("INVALID_REPLICA_ASSIGNMENT"),
  );
  await expect(admin.raisePartitions("nowhere", 5)).rejects.toEqual(
    refused("UNKNOWN_TOPIC_OR_PARTITION"),
  );
  await expect(create("misplaced", [[1, 7]])).rejects.toEqual(
    refused("INVALID_REPLICA_ASSIGNMENT"),
  );
});

test("a move is listed while it runs under its throttle, is taken back, and is made", async () => {
  await create("moving", [[1, 2]], {
    "leader.replication.throttled.replicas": "*",
    "follower.replication.throttled.replicas": "*",
  });
  for (let n = 0; n < 8; n++) {
    await writeRecords(serverOf(1), "moving", 0, [{ value: randomBytes(500_000) }]);
  }
  await admin.throttleReplication([1, 2, 3], 50_000);
  await throttlesAre({ 1: 50_000, 2: 50_000, 3: 50_000 });

  await admin.reassign("moving", new Map([[0, [3, 2]]]));
  await expect(admin.listReassignments(["moving"])).resolves.toEqual([
    { topic: "moving", partition: 0, replicas: [3, 2, 1], adding: [3], removing: [1] },
  ]);
  await expect(admin.listReassignments()).resolves.toHaveLength(1);
  await expect(admin.listReassignments(["placed"])).resolves.toEqual([]);

  await admin.reassign("moving", new Map([[0, null]]));
  await until("the end of the move", async () => (await admin.listReassignments()).length === 0);
  // The old replicas, in an order that Kafka does not keep.
  expect([...(await partitions("moving"))[0]!.replicas].sort()).toEqual([1, 2]);
  await expect(admin.reassign("moving", new Map([[0, null]]))).rejects.toEqual(
    refused("NO_REASSIGNMENT_IN_PROGRESS"),
  );

  await admin.throttleReplication([1, 2, 3], undefined);
  await throttlesAre({});
  await admin.reassign("moving", new Map([[0, [3, 2]]]));
  await until("the end of the move", async () => (await admin.listReassignments()).length === 0);
  await until(
    "the new replicas",
    async () => (await partitions("moving"))[0]!.replicas.join() === "3,2",
  );
});

test("a move of what is not there is refused, partition by partition", async () => {
  await create("settled", [
    [1, 2],
    [2, 3],
  ]);
  await expect(admin.reassign("nowhere", new Map([[0, [1]]]))).rejects.toEqual(
    refused("UNKNOWN_TOPIC_OR_PARTITION"),
  );
  const failing = admin.reassign(
    "settled",
    new Map([
      [0, [1, 3]],
      [1, [2, 9]],
      [5, [1]],
    ]),
  );
  await expect(failing).rejects.toThrow(
    /refused to move replicas of topic settled: partition 1: INVALID_REPLICA_ASSIGNMENT: .*9.*; partition 5: UNKNOWN_TOPIC_OR_PARTITION/,
  );
  await until(
    "the move that was good",
    async () => (await partitions("settled"))[0]!.replicas.join() === "1,3",
  );
});

test("a throttle is set by the brokers themselves: one that is not there is named, the others have it", async () => {
  const failing = admin.throttleReplication([1, 8], 1_000_000);
  await expect(failing).rejects.toThrow(
    "cannot ask broker 8 to throttle its replication: the brokers that are up are 1, 2, 3. Start broker 8, if there is one.",
  );
  await expect(failing).rejects.toMatchObject({ kind: "unreachable" });
  await throttlesAre({ 1: 1_000_000 });
  await admin.throttleReplication([1, 2], undefined);
  await throttlesAre({});
});

test("the preferred leader is elected, and one that leads already is no error", async () => {
  await create("led", [
    [1, 2],
    [2, 1],
  ]);
  await admin.reassign("led", new Map([[0, [2, 1]]]));
  await until("the new order", async () => (await partitions("led"))[0]!.replicas.join() === "2,1");
  await admin.electPreferredLeaders("led", [0, 1]);
  await until("broker 2 to lead", async () => (await partitions("led"))[0]!.leader === 2);
  await expect(admin.electPreferredLeaders("led", [0, 1])).resolves.toBeUndefined();
  await expect(admin.electPreferredLeaders("nowhere", [0])).rejects.toEqual(
    refused("UNKNOWN_TOPIC_OR_PARTITION"),
  );
  await expect(admin.electPreferredLeaders("led", [7])).rejects.toThrow(
    /partition 7: UNKNOWN_TOPIC_OR_PARTITION/,
  );
});

test("offsets are told by each partition's leader", async () => {
  await create("counted", [[1], [2], [3]], { "min.insync.replicas": "1" });
  const at = (timestampMs: number) => ({ value: "x", timestampMs });
  await writeRecords(serverOf(1), "counted", 0, [at(1_000), at(2_000), at(3_000)]);
  await writeRecords(serverOf(2), "counted", 1, [at(5_000)]);
  const told = (position: Parameters<typeof admin.offsets>[2]) =>
    admin.offsets("counted", [0, 1, 2], position).then((map) => [0, 1, 2].map((n) => map.get(n)));
  await expect(told("earliest")).resolves.toEqual([0n, 0n, 0n]);
  await expect(told("latest")).resolves.toEqual([3n, 1n, 0n]);
  await expect(told({ timestampMs: 1_500 })).resolves.toEqual([1n, 0n, 0n]);
  await expect(told({ timestampMs: 4_000 })).resolves.toEqual([3n, 0n, 0n]);
  await expect(told({ timestampMs: 9_000 })).resolves.toEqual([3n, 1n, 0n]);
  await expect(admin.offsets("nowhere", [0], "latest")).rejects.toEqual(
    refused("UNKNOWN_TOPIC_OR_PARTITION"),
  );
  await expect(admin.offsets("counted", [3], "latest")).rejects.toThrow(
    "topic counted, partition 3: there is no such partition. It has 3, numbered from 0.",
  );
});

test.each(["none", "gzip", "snappy", "lz4"] as const)(
  "the newest records are looked at for their keys, packed with %s",
  async (compression) => {
    const topic = `sampled-${compression}`;
    await create(topic, [[2, 3]]);
    const write = (records: Parameters<typeof writeRecords>[3]) =>
      writeRecords(serverOf(2), topic, 0, records, { compression });
    await expect(admin.sampleRecords(topic, 0, 10)).resolves.toEqual({ keyed: 0, unkeyed: 0 });
    await write(Array.from({ length: 20 }, (_, n) => ({ value: `old ${n}` })));
    await write(Array.from({ length: 6 }, (_, n) => ({ key: `k${n}`, value: `new ${n}` })));
    await write([{ value: "last" }]);
    await expect(admin.sampleRecords(topic, 0, 5)).resolves.toEqual({ keyed: 4, unkeyed: 1 });
    await expect(admin.sampleRecords(topic, 0, 10)).resolves.toEqual({ keyed: 6, unkeyed: 4 });
    await expect(admin.sampleRecords(topic, 0, 500)).resolves.toEqual({ keyed: 6, unkeyed: 21 });
  },
);

test("a sample of large records ends at some hundred kB", async () => {
  await create("large", [[1, 3]]);
  for (let n = 0; n < 6; n++) {
    await writeRecords(serverOf(1), "large", 0, [{ key: "k", value: randomBytes(200_000) }]);
  }
  const { keyed, unkeyed } = await admin.sampleRecords("large", 0, 100);
  expect(unkeyed).toBe(0);
  expect(keyed).toBeGreaterThan(0);
  expect(keyed).toBeLessThan(6);
});

test("a sample of a topic or partition that is not there is refused", async () => {
  await expect(admin.sampleRecords("nowhere", 0, 5)).rejects.toEqual(
    refused("UNKNOWN_TOPIC_OR_PARTITION"),
  );
  await create("short", [[1, 2]]);
  await expect(admin.sampleRecords("short", 1, 5)).rejects.toThrow(
    "topic short, partition 1: there is no such partition. It has 1, numbered from 0.",
  );
});

test("each broker tells the sizes of its replicas", async () => {
  await create("sized", [
    [1, 2],
    [3, 1],
  ]);
  await writeRecords(serverOf(1), "sized", 0, [{ value: randomBytes(30_000) }]);
  const sizes = await admin.replicaSizes(["sized"]);
  const names = [1, 2, 3].map((id) => [...(sizes.get(id)?.keys() ?? [])].sort());
  expect(names).toEqual([["sized-0", "sized-1"], ["sized-0"], ["sized-1"]]);
  expect(sizes.get(1)?.get("sized-0")).toBeGreaterThan(30_000);
  expect(sizes.get(2)?.get("sized-0")).toBe(sizes.get(1)?.get("sized-0"));
  expect(sizes.get(3)?.get("sized-1")).toBe(0);
  expect((await admin.replicaSizes()).get(3)?.has("large-0")).toBe(true);
  expect([...(await admin.replicaSizes(["nowhere"])).values()].map(({ size }) => size)).toEqual([
    0, 0, 0,
  ]);
});

test("the brokers tell their release and their cluster", async () => {
  await expect(admin.kafkaRelease()).resolves.toBe("4.1");
  await expect(admin.clusterId()).resolves.toMatch(/^[\w-]{22}$/);
  const brokers = [...(await admin.listBrokers())].sort((a, b) => a.id - b.id);
  expect(brokers).toEqual([1, 2, 3].map((id) => ({ id, fenced: false })));
});

test("of topics that are changed together each has its own outcome", async () => {
  const topic = (name: string, config: Record<string, string> = {}) =>
    admin.createTopic({ name, partitions: 1, replicationFactor: 3, config });
  const made = await Promise.allSettled([
    topic("group-a"),
    topic("group-b", { "retention.ms": "no number" }),
    topic("group-c"),
    topic("group-c"),
  ]);
  expect(made.map(outcome)).toEqual(["done", "INVALID_CONFIG", "done", "TOPIC_ALREADY_EXISTS"]);
  await awaitLeader(admin, "group-a");
  const found = await Promise.all(["group-a", "group-b"].map((name) => admin.describeTopic(name)));
  expect(found[0]?.topic).toBe("group-a");
  expect(found[1]).toBeUndefined();
  const altered = await Promise.allSettled([
    admin.alterTopicConfig("group-a", { "retention.ms": "1000" }, []),
    admin.alterTopicConfig("group-b", { "retention.ms": "1000" }, []),
    admin.alterTopicConfig("group-c", { "cleanup.policy": "nonsense" }, []),
  ]);
  expect(altered.map(outcome)).toEqual(["done", "UNKNOWN_TOPIC_OR_PARTITION", "INVALID_CONFIG"]);
  const deleted = await Promise.allSettled([
    admin.deleteTopic(found[0]!),
    admin.deleteTopic({ topic: "group-b", topicId: "AAAAAAAAAAAAAAAAAAAABQ" }),
    admin.deleteTopic({ topic: "group-c", topicId: "" }),
  ]);
  expect(deleted.map(outcome)).toEqual(["done", "UNKNOWN_TOPIC_ID", "done"]);
});

function outcome(settled: PromiseSettledResult<void>): string {
  if (settled.status === "fulfilled") return "done";
  const { reason } = settled as { reason: unknown };
  return reason instanceof KafkaError ? (reason.code ?? reason.message) : String(reason);
}

test("a broker that is away is left out where others can answer", async () => {
  await cluster.stopBroker(3, "SIGKILL");
  try {
    expect([...(await admin.replicaSizes()).keys()].sort()).toEqual([1, 2]);
    await expect(admin.replicationThrottles()).resolves.toEqual(new Map());
  } finally {
    cluster.startBroker(3);
    await cluster.awaitUnfenced([1, 2, 3]);
  }
});
