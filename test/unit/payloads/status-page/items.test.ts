import type { DrawnHost, StatusPageConfig } from "../../../../model";
import type { PartitionLook } from "../../../../payloads/status-page/cluster-look";
import { type HostItem, makeItems, type TopicItem } from "../../../../payloads/status-page/items";
import { LabState } from "../../../../payloads/status-page/lab-state";

const START = 1_000_000;
const NOW = START + 60_000;

const host = (name: string, port: number, more: Partial<DrawnHost> = {}): DrawnHost => ({
  ...{ name, role: "host", port, machine: `pi-${port}`, board: "pi-4b-8gb", runs: [] },
  ...more,
});
const broker = (id: number): DrawnHost =>
  host(`broker-${id}`, id, {
    role: "broker",
    node: { id, address: `10.0.42.${id}:9092`, votes: true },
  });

const CONFIG: StatusPageConfig = {
  ...{ host: "data-1", endpoint: { address: "10.0.42.8", port: 9188 }, title: "Lab" },
  ...{
    kafka: { bootstrapServers: ["10.0.42.1:9092"] },
    page: { address: "10.0.42.8", port: 8080 },
  },
  lab: {
    switch: { model: "SW-008", ports: 8 },
    hosts: [
      ...[1, 2, 3].map(broker),
      host("node-4", 4, { role: "controller", node: { id: 4, votes: true } }),
      host("client-1", 5, { role: "client", topic: "red" }),
      host("client-2", 6, { role: "client", topic: "green" }),
      host("data-1", 7),
    ],
    spares: [],
    topics: [{ name: "red", minInsyncReplicas: 2 }],
  },
  ...{ telemetryTopics: ["telemetry"], alertTopics: [], telemetryEverySeconds: 1 },
};

const partition = (isr: readonly number[]): PartitionLook => ({
  ...{ partition: 0, leader: isr[0], isr },
  replicas: [1, 2, 3],
});

let state: LabState;

function hear(device: string, at: number, more: object = {}): void {
  const plain = {
    isHost: true,
    temperatureC: 48,
    cpuLoad: 0.421,
    underVoltage: false,
    throttled: false,
  };
  state.hear({ device, ...plain, ...more }, at);
}

function cluster(partitions: readonly PartitionLook[], problem?: string): void {
  state.clusterIs({
    brokers: new Set([1, 2, 3]),
    topics: new Map([["red", { problem, partitions }]]),
  });
}

const item = (key: string, now = NOW) => makeItems(state, now).get(key);
const hostItem = (name: string, now = NOW) => item(`host ${name}`, now) as HostItem;
const says = (name: string, now = NOW) => {
  const { state: is, says: words, since } = hostItem(name, now);
  return [is, words, since];
};

beforeEach(() => {
  state = new LabState(CONFIG, START);
  for (const { name } of CONFIG.lab.hosts) hear(name, NOW - 500);
  for (const id of [1, 2, 3]) state.brokerIs(`broker-${id}`, true, START);
  state.quorumIs({
    leader: 4,
    voters: new Map([
      [4, 0],
      [1, 300],
    ]),
  });
  cluster([partition([1, 2, 3])]);
});

describe("a host", () => {
  test("is up where its Kafka answers and its telemetry comes", () => {
    for (const { name } of CONFIG.lab.hosts) expect(says(name)).toEqual(["up", "up", undefined]);
    expect(hostItem("broker-1")).toMatchObject({ temperatureC: 48, cpuPercent: 42, leads: 1 });
    expect(hostItem("node-4")).toMatchObject({ isActiveController: true, votes: true });
    expect(JSON.stringify(hostItem("broker-1"))).not.toContain("10.0.42");
  });

  test("is down where its Kafka does not answer, and told apart by its telemetry", () => {
    state.brokerIs("broker-2", false, NOW - 3_000);
    expect(says("broker-2")).toEqual(["down", "Kafka is down, the Pi is up", NOW - 3_000]);
    for (const other of ["broker-1", "client-1"]) hear(other, NOW + 9_000);
    expect(says("broker-2", NOW + 9_000)).toEqual(["down", "off or cut off", NOW - 3_000]);
    expect(hostItem("broker-2", NOW + 9_000).temperatureC).toBeUndefined();
    // Still down: it is so since it was first.
    state.brokerIs("broker-2", false, NOW + 9_000);
    expect(hostItem("broker-2", NOW + 9_000).since).toBe(NOW - 3_000);
  });

  test("is starting while it answers and the cluster does not use it", () => {
    state.clusterIs({ brokers: new Set([1, 3]), topics: new Map() });
    expect(says("broker-2")).toEqual(["warning", "starting, serves nobody yet", START]);
  });

  test("without Kafka is down when it falls silent, from the time it was last heard", () => {
    hear("client-1", NOW + 9_000);
    expect(says("client-2", NOW + 4_000)).toEqual(["up", "up", undefined]);
    expect(says("client-2", NOW + 9_000)).toEqual(["down", "silent", NOW - 500]);
    expect(says("broker-1", NOW + 9_000)).toEqual(["warning", "no telemetry", NOW - 500]);
    // Whoever serves this is up.
    expect(says("data-1", NOW + 9_000)).toEqual(["warning", "no telemetry", NOW - 500]);
  });

  test("is not blamed where nobody's telemetry comes", () => {
    const later = NOW + 60_000;
    expect(says("client-1", later)).toEqual(["unknown", "no telemetry comes", NOW - 500]);
    expect(says("broker-1", later)).toEqual(["up", "up", undefined]);
    expect(says("data-1", later)).toEqual(["up", "up", undefined]);
    expect(item("cluster", later)).toMatchObject({ telemetryFlows: false, hostsDown: 0 });
  });

  test("is waited for at the start", () => {
    state = new LabState(CONFIG, NOW - 1_000);
    expect(says("client-1")).toEqual(["unknown", "waiting for telemetry", undefined]);
    expect(says("broker-1")).toEqual(["unknown", "being asked", undefined]);
    expect(item("cluster")).toMatchObject({ telemetryFlows: undefined });
    // One is heard; the other gets its time all the same.
    hear("client-2", NOW);
    expect(says("client-1")[0]).toBe("unknown");
    hear("client-2", NOW + 9_000);
    expect(says("client-1", NOW + 9_000)).toEqual(["down", "silent", NOW - 1_000]);
  });

  test("tells a weak supply and heat", () => {
    hear("client-1", NOW, { underVoltage: true });
    hear("broker-1", NOW, { throttled: true });
    expect(says("client-1")).toEqual(["warning", "weak power supply", undefined]);
    expect(says("broker-1")).toEqual(["warning", "slowed down", undefined]);
  });

  test("that only votes is judged by the quorum", () => {
    state.quorumIs({ leader: 1, voters: new Map([[4, 7_000]]) });
    expect(says("node-4")).toEqual(["down", "Kafka is down, the Pi is up", undefined]);
    state.quorumIs({ leader: 1, voters: new Map() });
    expect(says("node-4")).toEqual(["warning", "no voter yet", undefined]);
    state.quorumIs(undefined);
    expect(says("node-4")).toEqual(["unknown", "quorum unknown", undefined]);
  });

  test("is not watched where no telemetry is published", () => {
    state = new LabState({ ...CONFIG, telemetryTopics: [] }, START);
    expect(says("client-1")).toEqual(["unknown", "not watched", undefined]);
    expect(item("lab")).toMatchObject({ hasTelemetry: false });
  });
});

describe("a topic", () => {
  const topic = () => item("topic red") as TopicItem;

  test.each<readonly [string, readonly PartitionLook[], string, string]>([
    ["all copies in sync", [partition([1, 2, 3])], "ok", "in sync"],
    ["one copy behind", [partition([1, 2])], "under-replicated", "copies missing"],
    [
      "one copy behind in one partition",
      [partition([1, 2]), partition([3, 1, 2])],
      "under-replicated",
      "copies missing (1 of 2)",
    ],
    ["fewer than min ISR", [partition([1])], "under-min-isr", "takes no writes"],
  ])("%s", (_what, partitions, is, words) => {
    cluster(partitions);
    expect(topic()).toMatchObject({ state: is, says: words });
  });

  test("nobody leads it", () => {
    cluster([partition([])]);
    expect(topic()).toMatchObject({ state: "no-leader", says: "no leader", isr: 0, leaders: [] });
  });

  test("is led by several, counted, and by a node that is no host", () => {
    cluster([
      partition([3, 1, 2]),
      partition([1, 2, 3]),
      partition([3, 1, 2]),
      partition([9, 1, 2]),
    ]);
    expect(topic().leaders).toEqual([
      { host: "broker-3", partitions: 2 },
      { host: "broker-1", partitions: 1 },
      { host: "node 9", partitions: 1 },
    ]);
  });

  test("is not there, or not known", () => {
    cluster([], "not there");
    expect(topic()).toMatchObject({ state: "missing", says: "not there", partitions: 0 });
    state.clusterFails("no broker answers", NOW);
    state.clusterFails("no broker answers", NOW + 5_000);
    expect(topic()).toMatchObject({ state: "unknown" });
    expect(item("cluster")).toMatchObject({ problem: "no broker answers", since: NOW });
    cluster([partition([1, 2, 3])]);
    expect(item("cluster")).toMatchObject({ problem: undefined, topicsInTrouble: 0 });
  });

  test("has a rate, and all of them together", () => {
    const ends = (offset: bigint) => [{ topic: "red", partition: 0, offset }];
    state.endsAre(ends(0n), NOW - 4_000);
    state.endsAre(ends(50n), NOW);
    expect(topic().rate).toBe(13);
    expect(item("cluster")).toMatchObject({
      rate: 13,
      brokers: 3,
      brokersUp: 3,
      controller: "node-4",
    });
  });

  test("has no rate any more where no broker tells how far its log has grown", () => {
    const ends = (offset: bigint) => [{ topic: "red", partition: 0, offset }];
    state.endsAre(ends(0n), NOW - 4_000);
    state.endsAre(ends(50n), NOW);
    state.clusterFails("no broker answers", NOW + 3_000);
    expect(topic().rate).toBe(13);
    state.clusterFails("no broker answers", NOW + 11_000);
    expect(topic().rate).toBeUndefined();
    expect(item("cluster")).toMatchObject({ rate: undefined });
  });
});

describe("devices that are no hosts", () => {
  test("are shown by what they say, and do not count as hosts", () => {
    hear("esp32-1", NOW, { isHost: false, temperatureC: 21.4, cpuLoad: undefined });
    hear("stranger", NOW);
    expect(item("device esp32-1")).toEqual({ name: "esp32-1", temperatureC: 21.4, heardAt: NOW });
    expect(item("device stranger")).toBeDefined();
    expect(makeItems(state, NOW).has("host stranger")).toBe(false);
  });

  test("are bounded, however many names somebody makes up", () => {
    for (let i = 0; i < 500; i++) hear(`made-up-${i}`, NOW + i, { isHost: false });
    const devices = [...makeItems(state, NOW + 500).keys()].filter((key) =>
      key.startsWith("device"),
    );
    expect(devices).toHaveLength(60);
    expect(devices).toContain("device made-up-499");
    hear("late", NOW + 2 * 3_600_000, { isHost: false });
    expect(state.devices.size).toBe(1);
  });
});
