import type { KafkaAdmin } from "../../../../provider/admin/port";
import { KafkaError } from "../../../../provider/admin/port";
import { bounded, ClusterLook } from "../../../../provider/topic/look";
import { findingsOf, largerThan, olderThan } from "../../../../provider/topic/verdicts";
import { adminWith } from "../../../support/kafka/admin-with";

const settings = (liveChecks = true) => ({
  bootstrapServers: [],
  sasl: undefined,
  liveChecks,
  deletionConsents: new Set<string>(),
  reassignmentThrottle: 1,
});
const access = (admin: KafkaAdmin, liveChecks = true) => ({
  admin: () => admin,
  settings: () => settings(liveChecks),
});

test("what takes too long is left out, and what nobody waits for any more fails nobody", async () => {
  let fail = (_: Error): void => undefined;
  const slow = new Promise<never>((_, reject) => (fail = reject));
  await expect(bounded(5, () => slow)).resolves.toEqual({
    leftOut: "no answer came within 0.005 s",
  });
  fail(new Error("too late to matter"));
  await expect(bounded(5_000, () => Promise.resolve(7))).resolves.toEqual({ found: 7 });
});

test("a refusal is told in Kafka's words, silence in ours, a bug is thrown", async () => {
  const failing = (error: Error) => bounded(5_000, () => Promise.reject(error));
  await expect(failing(new KafkaError("refused", "no leave"))).resolves.toEqual({
    leftOut: "no leave",
  });
  await expect(failing(new KafkaError("unreachable", "ECONNREFUSED"))).resolves.toEqual({
    leftOut: "no broker answers",
  });
  await expect(failing(new TypeError("a bug"))).rejects.toThrow("a bug");
});

test("a run finds out once whether anyone answers, and tells it once", async () => {
  let asked = 0;
  const admin = adminWith({
    listBrokers: () => {
      asked++;
      return Promise.reject(new KafkaError("unreachable", "ECONNREFUSED"));
    },
    kafkaRelease: () => Promise.resolve("4.1"),
  });
  const look = new ClusterLook(access(admin));
  const told: string[] = [];
  const tell = (line: string): void => void told.push(line);
  const answers = await Promise.all([
    look.ask(tell, () => Promise.resolve(1)),
    look.topics(tell),
    look.facts(tell),
  ]);
  expect(answers).toEqual(Array(3).fill({ leftOut: "no broker answers" }));
  expect(asked).toBe(1);
  expect(told).toHaveLength(1);
});

test("with live checks off nobody is asked, and nothing is told", async () => {
  const look = new ClusterLook(access(adminWith({}), false));
  const told: string[] = [];
  const tell = (line: string): void => void told.push(line);
  await expect(look.ask(tell, () => Promise.resolve(1))).resolves.toEqual({
    leftOut: "live checks are off",
  });
  expect(told).toEqual([]);
});

test("bytes and segments follow from the part of the log that is cut", () => {
  expect(olderThan(25n, 100n, 4_000, 300)).toEqual({
    records: 25n,
    bytes: 1_000,
    segments: 3,
    exact: true,
  });
  expect(olderThan(0n, 100n, 4_000, 300).records).toBe(0n);
  expect(olderThan(0n, 0n, 0, 300).records).toBe(0n);
  expect(largerThan(3_000, 100n, 4_000, 300)).toEqual({
    records: 25n,
    bytes: 1_000,
    segments: 3,
    exact: false,
  });
  expect(largerThan(4_000, 100n, 4_000, 300).records).toBe(0n);
  // A part of a large record is one: none would be told as safe.
  expect(largerThan(3_000, 1n, 4_000, 300)).toMatchObject({ records: 1n, bytes: 1_000 });
  expect(largerThan(0, 0n, 0, 300).records).toBe(0n);
});

test("where no broker tells the size of a partition, what a smaller log loses is not known, and a move not free", async () => {
  const partition = { partition: 0, leader: 1, replicas: [1], isr: [1] };
  const live = { topic: "red", topicId: "id", config: {}, minInsyncReplicas: 1 };
  const admin = adminWith({
    listBrokers: () => Promise.resolve([1, 2].map((id) => ({ id, fenced: false }))),
    kafkaRelease: () => Promise.resolve(undefined),
    offsets: (_, partitions, at) =>
      Promise.resolve(new Map(partitions.map((one) => [one, at === "earliest" ? 0n : 9n]))),
    listReassignments: () => Promise.resolve([]),
    listPartitions: () => Promise.resolve([]),
    replicaSizes: () => Promise.resolve(new Map([[2, new Map()]])),
  });
  const { losses, moves } = await findingsOf(
    new ClusterLook(access(admin)),
    () => undefined,
    { found: { ...live, partitions: [partition] } },
    [
      { kind: "config", key: "retention.bytes", from: undefined, to: "5", secret: false },
      { kind: "replicas", what: "replication factor 1 => 2" },
    ],
    { name: "red", replicationFactor: 2, placement: undefined, config: { "retention.bytes": "5" } },
  );
  const unknown = { leftOut: "no broker tells the size of topic red, partition 0" };
  expect(losses.get("retention.bytes")).toEqual(unknown);
  expect(moves).toEqual(unknown);
});
