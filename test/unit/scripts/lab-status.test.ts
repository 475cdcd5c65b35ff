import { createServer, type AddressInfo } from "node:net";
import type { Lab } from "../../../model";
import type { KafkaAdmin, LiveTopic, Quorum } from "../../../provider/admin/port";
import { gatherStatus, greet, type StatusPorts } from "../../../scripts/lib/lab-status";
import { renderStatus } from "../../../scripts/lib/status-text";
import { adminWith } from "../../support/kafka/admin-with";
import { labFixture, separateFixture } from "../../support/lab-fixture";

const lab: Lab = labFixture();

/** Node 2 leads. */
const quorum = (voters: readonly number[], behind: readonly number[] = []): Quorum => ({
  leaderId: 2,
  voters: voters.map((id) => ({
    id,
    directoryId: `dir-${id}`,
    behindMs: behind.includes(id) ? 60_000 : 10,
  })),
  observers: [],
});

/** A topic as it is declared, but for its settings. */
function described(name: string, config?: Record<string, string>): LiveTopic {
  const declared = lab.topics.find((topic) => topic.name === name)?.config ?? {};
  const settings = { config: { ...(config ?? declared) }, minInsyncReplicas: 2 };
  return { topic: name, topicId: "id", partitions: [], ...settings };
}

/** A healthy cluster, but for what a test changes. */
function ports(
  changes: Partial<KafkaAdmin> = {},
  silent: readonly string[] = [],
): StatusPorts & { closed: number } {
  const topics = lab.topics.map(({ name }, i) => ({
    topic: name,
    partitions: [{ partition: 0, leader: i + 1, replicas: [1, 2, 3], isr: [3, 1, 2] }],
  }));
  const counted = {
    closed: 0,
    greet: (address: string) => Promise.resolve(silent.includes(address) ? "refused" : undefined),
    connectAdmin: (): KafkaAdmin =>
      adminWith({
        listBrokers: () => Promise.resolve([1, 2, 3].map((id) => ({ id, fenced: false }))),
        listPartitions: () => Promise.resolve(topics),
        describeQuorum: () => Promise.resolve(quorum([1, 2, 3])),
        describeTopic: (name) => Promise.resolve(described(name)),
        close: () => {
          counted.closed += 1;
          return Promise.resolve();
        },
        ...changes,
      }),
  };
  return counted;
}

test("a lab that is well has no problems; nodes are shown by their hosts' names", async () => {
  const status = await gatherStatus(lab, ports());
  expect(status.problems).toEqual([]);
  expect(status.quorumLeader).toBe("broker-2");
  expect(status.topics[0]?.partitions[0]).toEqual({
    partition: 0,
    leader: "broker-1",
    replicas: ["broker-1", "broker-2", "broker-3"],
    isr: ["broker-1", "broker-2", "broker-3"],
  });
  expect(renderStatus(status)).toMatch(
    /broker-2 +broker +pi-2 +10\.0\.42\.2 +answers, broker up, active controller/,
  );
});

test("the connection is closed, whatever was answered", async () => {
  const failing = ports({ listBrokers: () => Promise.reject(new Error("no broker.")) });
  await gatherStatus(lab, failing);
  expect(failing.closed).toBe(1);
});

test("a silent host is told with its address and reason", async () => {
  const status = await gatherStatus(lab, ports({}, ["10.0.42.4"]));
  expect(status.problems).toEqual(["client-1 (10.0.42.4): no answer on SSH, port 22: refused."]);
});

test("a broker that is missing or fenced is told", async () => {
  const listBrokers = () =>
    Promise.resolve([
      { id: 1, fenced: false },
      { id: 2, fenced: true },
    ]);
  const { hosts, problems } = await gatherStatus(lab, ports({ listBrokers }));
  expect(hosts.map(({ broker }) => broker).slice(0, 3)).toEqual(["up", "fenced", "down"]);
  expect(problems.join()).toMatch(
    /broker-2 .*registered, but serves nothing.*broker-3 .*not in the cluster/,
  );
});

test("a combined node whose controller does not follow, or has no vote, is told", async () => {
  const describeQuorum = () => Promise.resolve(quorum([1, 2], [1]));
  const status = await gatherStatus(lab, ports({ describeQuorum }));
  expect(status.hosts.slice(0, 3).map(({ controller }) => controller)).toEqual([
    "behind",
    "active",
    "no voter",
  ]);
  expect(status.problems.join()).toMatch(
    /broker-1 .*its controller does not follow the quorum.*broker-3 .*has no vote/,
  );
  expect(renderStatus(status)).toMatch(/broker-1 .*answers, broker up, controller behind/);
});

test("controllers alone are told by their vote; the quorum is asked of them, and of nobody else", async () => {
  const asked: (readonly string[])[] = [];
  const separate = { ...separateFixture(), topics: [] };
  const status = await gatherStatus(
    separate,
    ports({
      listBrokers: () => Promise.resolve([4, 5, 6].map((id) => ({ id, fenced: false }))),
      describeQuorum: (controllers) => {
        asked.push(controllers);
        return Promise.resolve(quorum([1, 2, 3], [3]));
      },
    }),
  );
  expect(asked).toEqual([["10.0.42.1:9093", "10.0.42.2:9093", "10.0.42.3:9093"]]);
  expect(status.bootstrapServers).toEqual(["10.0.42.4:9092", "10.0.42.5:9092", "10.0.42.6:9092"]);
  expect(status.quorumLeader).toBe("controller-2");
  expect(status.problems).toEqual([expect.stringMatching(/^controller-3 .*does not follow/)]);
  const text = renderStatus(status);
  expect(text).toMatch(/controller-1 +controller +pi-1 +10\.0\.42\.1 +answers, controller up/);
  expect(text).toMatch(/controller-2 .*answers, active controller/);
  expect(text).toMatch(/broker-4 +broker +pi-4 +10\.0\.42\.4 +answers, broker up\n/);
});

test.each([
  ["no leader", { leader: -1, isr: [1, 2] }, "Topic red, partition 0 has no leader."],
  [
    "a follower behind",
    { leader: 1, isr: [1, 2] },
    "Topic red, partition 0: broker-3 is not in sync.",
  ],
  [
    "too few replicas",
    { leader: 1, replicas: [1, 2], isr: [1, 2] },
    "Topic red, partition 0 has 2 replicas; 3 are wanted.",
  ],
  [
    "too many replicas",
    { leader: 1, replicas: [1, 2, 3, 4], isr: [1, 2, 3, 4] },
    "Topic red, partition 0 has 4 replicas; 3 are wanted.",
  ],
])("a partition with %s is told", async (_, changes, expected) => {
  const base = { partition: 0, leader: 1, replicas: [1, 2, 3], isr: [1, 2, 3] };
  const listPartitions = () =>
    Promise.resolve([
      { topic: "red", partitions: [{ ...base, ...changes }] },
      { topic: "green", partitions: [base] },
      { topic: "blue", partitions: [base] },
    ]);
  expect((await gatherStatus(lab, ports({ listPartitions }))).problems).toEqual([expected]);
});

test("partitions that somebody added are told", async () => {
  const base = { partition: 0, leader: 1, replicas: [1, 2, 3], isr: [1, 2, 3] };
  const listPartitions = () =>
    Promise.resolve([
      { topic: "red", partitions: [0, 1, 2].map((partition) => ({ ...base, partition })) },
      { topic: "green", partitions: [base] },
      { topic: "blue", partitions: [base] },
    ]);
  expect((await gatherStatus(lab, ports({ listPartitions }))).problems).toEqual([
    "Topic red has 3 partitions; 1 is wanted.",
  ]);
});

test("settings other than declared are told, others' are not", async () => {
  const declared = { "retention.ms": "60000", "min.cleanable.dirty.ratio": "0.50" };
  const [red, ...rest] = lab.topics;
  const owning: Lab = { ...lab, topics: [{ ...red!, config: declared }, ...rest] };
  const problemsWith = async (config: Record<string, string>) => {
    const describeTopic = (name: string) =>
      Promise.resolve(described(name, name === "red" ? config : {}));
    return (await gatherStatus(owning, ports({ describeTopic }))).problems;
  };
  // In Kafka's own notation, beside what somebody else has set.
  const same = { "retention.ms": "60000", "min.cleanable.dirty.ratio": "0.5", "segment.ms": "5" };
  expect(await problemsWith(same)).toEqual([]);
  expect(await problemsWith({ "retention.ms": "3600000" })).toEqual([
    "Topic red: retention.ms is 3600000; 60000 is wanted.",
    "Topic red: min.cleanable.dirty.ratio is as the brokers have it; 0.50 is wanted.",
  ]);
});

test("topics that are missing are told, other people's are not", async () => {
  const listPartitions = () => Promise.resolve([{ topic: "theirs", partitions: [] }]);
  expect((await gatherStatus(lab, ports({ listPartitions }))).problems).toEqual(
    ["red", "green", "blue"].map((name) => `Topic ${name} does not exist.`),
  );
});

test("a cluster that does not answer is told once, not for each broker and topic", async () => {
  const gone = () => Promise.reject(new Error("nobody answers."));
  const { problems, hosts } = await gatherStatus(
    lab,
    ports({
      listBrokers: gone,
      listPartitions: gone,
      describeQuorum: gone,
      describeTopic: gone,
    }),
  );
  expect(problems).toEqual([
    "The brokers do not answer: nobody answers.",
    "The controllers have no leader: nobody answers.",
  ]);
  expect(hosts[0]?.broker).toBe("unknown");
});

test.each([
  ["SSH-2.0-OpenSSH_9\r\n", undefined],
  ["HTTP/1.1 400\r\n", "something else than SSH answers"],
])("a server that greets with %j is judged", async (greeting, expected) => {
  const server = createServer((socket) => socket.end(greeting));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    expect(await greet("127.0.0.1", (server.address() as AddressInfo).port)).toBe(expected);
  } finally {
    server.close();
  }
});
