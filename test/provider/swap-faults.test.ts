import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { PropertyMap } from "../../plugins/common/rpc";
import { Secret } from "../../plugins/common/rpc";
import type { KafkaAdmin, NewVoter, QuorumReplica } from "../../provider/admin/port";
import { KafkaError } from "../../provider/admin/port";
import { pilabProvider } from "../../provider/provider";
import type { Fingerprint } from "../../provider/rollout/stamp";
import { FakePi, openFakeShells } from "../support/hosts/fake-pi";
import type { ResourceDriver } from "../support/provider-driver";
import { ProviderDriver } from "../support/provider-driver";

/**
 * A node that is given another machine, with the provider's own scripts on stand-in hosts: in which order
 * things happen, and what is left where they fail. Real brokers are swapped in the lab tier.
 */

jest.setTimeout(60_000);

/** Machines 1 to 3 have the nodes 1 to 3; machine 4 is to take node 2 over. */
const MACHINES = [1, 2, 3, 4] as const;
const NODE_OF: Readonly<Record<number, number>> = { 1: 1, 2: 2, 3: 3, 4: 2 };

let pis: FakePi[];
let driver: ProviderDriver;
let rollout: ResourceDriver;
let voters: { id: number; directoryId: string }[];
/** What was done to the quorum and started, in order. */
let done: string[];
/** Errors that the leader gives to the next changes of the voters. */
let refusals: KafkaError[];

const pi = (machine: number): FakePi => pis[machine - 1] as FakePi;
/** Each machine's disk has an id of its own. */
const directoryOf = (machine: number): string => String(machine).repeat(22);
const running = async (): Promise<number[]> => {
  const pids = await Promise.all(MACHINES.map((machine) => pi(machine).pid()));
  return MACHINES.filter((_, index) => pids[index] !== undefined);
};

beforeEach(async () => {
  pis = await Promise.all(MACHINES.map((machine) => FakePi.make(`pi-${machine}`, "sleep 1000")));
  for (const one of pis) {
    one.onStep = async (label) => {
      if (label !== "starting Kafka") return;
      done.push(`start ${one.name}`);
      const nodes = (await running()).map((machine) => NODE_OF[machine]);
      expect(new Set(nodes).size).toBe(nodes.length);
      // Whoever starts it must have seen that its node runs nowhere else.
      expect(nodes).not.toContain(NODE_OF[Number(one.name.slice(-1))]);
    };
  }
  voters = [1, 2, 3].map((id) => ({ id, directoryId: directoryOf(id) }));
  done = [];
  refusals = [];
  driver = await ProviderDriver.start(
    pilabProvider({ connectAdmin: () => cluster, openShell: openFakeShells(pis) }),
  );
  rollout = driver.resource("pilab:kafka/rollout:Rollout", "rollout");
  await rollout.up(await inputs(2));
  done = [];
});

afterEach(async () => {
  await driver.stop();
  await Promise.all(pis.map((one) => one.remove()));
});

/** What Kafka would say, were its nodes the processes of these machines. */
const cluster = {
  ping: async (server: string) => {
    const machine = Number(/^10\.0\.42\.(\d):/.exec(server)?.[1]);
    if (!(await running()).includes(machine)) {
      throw new KafkaError("unreachable", `${server}: connection refused`);
    }
  },
  listBrokers: async () => {
    const up = (await running()).map((machine) => NODE_OF[machine]);
    return [1, 2, 3].map((id) => ({ id, fenced: !up.includes(id) }));
  },
  listPartitions: async () => {
    const isr = (await running()).map((machine) => NODE_OF[machine]!);
    const partition = { partition: 0, leader: isr[0] ?? -1, replicas: [1, 2, 3], isr };
    return [{ topic: "red", partitions: [partition] }];
  },
  describeQuorum: async () => {
    const up = await running();
    const replicas = up.map((machine): QuorumReplica => {
      return { id: NODE_OF[machine]!, directoryId: directoryOf(machine), behindMs: 0 };
    });
    const votes = (one: { id: number; directoryId: string }): boolean =>
      voters.some(({ id, directoryId }) => id === one.id && directoryId === one.directoryId);
    const seen = (voter: { directoryId: string }): boolean =>
      replicas.some(({ directoryId }) => directoryId === voter.directoryId);
    return {
      leaderId: 1,
      voters: voters.map((voter) => ({ ...voter, behindMs: seen(voter) ? 0 : 99_999 })),
      observers: replicas.filter((one) => !votes(one)),
    };
  },
  addVoter: (leader: string, voter: NewVoter) => {
    const refusal = refusals.shift();
    if (refusal !== undefined) return Promise.reject(refusal);
    expect(leader).toBe("10.0.42.1:9093");
    expect(voter).toMatchObject({ listener: "CONTROLLER", endpoint: `broker-${voter.id}:9093` });
    done.push(`add voter ${voter.id} ${voter.directoryId.slice(0, 1)}`);
    voters.push({ id: voter.id, directoryId: voter.directoryId });
    return Promise.resolve();
  },
  removeVoter: (_leader: string, voter: { id: number; directoryId: string }) => {
    done.push(`remove voter ${voter.id} ${voter.directoryId.slice(0, 1)}`);
    voters = voters.filter(({ directoryId }) => directoryId !== voter.directoryId);
    return Promise.resolve();
  },
  logSizes: () => Promise.resolve(new Map()),
  runTimeSettings: () => Promise.resolve({ own: {}, defaults: {} }),
  describeFeatures: () => Promise.resolve({ supported: {}, finalized: {} }),
  close: () => Promise.resolve(),
} as Partial<KafkaAdmin> as KafkaAdmin;

const want = (nodeId: number): Fingerprint => ({
  properties: {
    "node.id": String(nodeId),
    "controller.listener.names": "CONTROLLER",
    listeners: "PLAINTEXT://:9092,CONTROLLER://:9093",
    "advertised.listeners": `PLAINTEXT://:9092,CONTROLLER://broker-${nodeId}:9093`,
  },
  files: {},
  version: "4.1.1",
});

/** The inputs of the rollout with node 2 on this machine, where its files are staged. */
async function inputs(second: number, former?: PropertyMap): Promise<PropertyMap> {
  const nodes: PropertyMap = {};
  for (const machine of [1, second, 3]) {
    const nodeId = NODE_OF[machine]!;
    nodes[`broker-${nodeId}`] = {
      nodeId,
      directoryId: directoryOf(machine),
      address: `10.0.42.${machine}:9092`,
      connection: {
        host: `pi-${machine}`,
        port: 22,
        user: "root",
        hostKey: `ssh-ed25519 AAAA${machine}`,
        privateKey: new Secret("a private key"),
      },
      want: want(nodeId) as unknown as PropertyMap,
      staged: { hash: await pi(machine).stage(want(nodeId)), time: "2026-01-01T00:00:00Z" },
      ...(nodeId === 2 && former !== undefined ? { former } : {}),
    };
  }
  return { service: "kafka", startTimeoutSeconds: 5, stopOnDelete: true, nodes };
}

/** The engine's kind of a difference. */
const ADD = 0;
const SWAPPED = ["start pi-4", "remove voter 2 2", "add voter 2 4"];

test("a machine that is dead: the new one starts, the old voter leaves, the new one joins", async () => {
  await pi(2).kill();
  pi(2).unreachable = "no route to host";
  await expect(rollout.up(await inputs(4))).resolves.toBe("updated");
  expect(done).toEqual(SWAPPED);
  expect(await running()).toEqual([1, 3, 4]);
  expect(rollout.known().outputs).toEqual(await inputs(4));
  const warned = driver.logs.map(({ message }) => message).join("\n");
  expect(warned).toMatch(
    /broker-2: its former machine \(pi-2\) does not answer; it is taken for gone/,
  );
  await expect(rollout.up(await inputs(4))).resolves.toBe("unchanged");
});

test("a machine that answers is stopped and held before the new one starts", async () => {
  await expect(rollout.up(await inputs(4))).resolves.toBe("updated");
  expect(done).toEqual(SWAPPED);
  expect(await running()).toEqual([1, 3, 4]);
  expect(pi(2).steps).toContain("holding Kafka");
  expect((await pi(2).unitCalls()).at(-1)).toBe("disable --quiet --now kafka");
});

test("and back again: the former disk takes over, and its hold is lifted", async () => {
  await rollout.up(await inputs(4));
  done = [];
  await expect(rollout.up(await inputs(2))).resolves.toBe("updated");
  expect(done).toEqual(["start pi-2", "remove voter 2 4", "add voter 2 2"]);
  expect(await running()).toEqual([1, 2, 3]);
});

test("while another broker is down the move is not begun, and the state keeps the former machine", async () => {
  const before = rollout.known().outputs;
  await pi(3).setSystemctlFailure("disk failure");
  await pi(3).kill();
  await expect(rollout.up(await inputs(4))).rejects.toThrow(/broker-3/);
  expect(await running()).toEqual([1, 2]);
  const nodes = rollout.known().outputs["nodes"] as Record<string, PropertyMap>;
  expect(nodes["broker-2"]).toEqual((before["nodes"] as Record<string, PropertyMap>)["broker-2"]);
  expect(nodes["broker-2"]!["connection"]).toMatchObject({
    privateKey: expect.any(Secret) as Secret,
  });
});

/** What the gate tells of node 2 once it was on this machine, or was about to be. */
const left = (machine: number, swaps: number): PropertyMap => ({
  swaps,
  machines: [
    {
      host: `pi-${machine}`,
      port: 22,
      user: "root",
      hostKey: `ssh-ed25519 AAAA${machine}`,
      sudo: false,
      listeners: [`10.0.42.${machine}:9092`, `10.0.42.${machine}:9093`],
    },
  ],
});

const holdOn = (machine: number): Promise<string> =>
  readFile(join(pi(machine).root, "etc/kafka/hold"), "utf8").catch(() => "");

test("killed before its state was written: the next run finds it done, and starts nothing", async () => {
  const before = rollout.known();
  await rollout.up(await inputs(4, left(2, 1)));
  rollout.state = before;
  done = [];
  await expect(rollout.up(await inputs(4, left(2, 1)))).resolves.toBe("updated");
  expect(done).toEqual([]);
  expect(await running()).toEqual([1, 3, 4]);
});

test("killed likewise, and the edit taken back: the new machine is held before the former one starts", async () => {
  const before = rollout.known();
  await rollout.up(await inputs(4, left(2, 1)));
  rollout.state = before;
  done = [];
  expect(await rollout.diff(await inputs(2, left(4, 2)))).toEqual({ "nodes.broker-2.former": ADD });
  await expect(rollout.up(await inputs(2, left(4, 2)))).resolves.toBe("updated");
  expect(done).toEqual(["start pi-2", "remove voter 2 4", "add voter 2 2"]);
  expect(await running()).toEqual([1, 2, 3]);
  expect(await holdOn(2)).toBe("");
  expect(await holdOn(4)).toMatch(/^broker-2 was given another machine or disk; pi-lab holds/);
  await expect(rollout.up(await inputs(2, left(4, 2)))).resolves.toBe("unchanged");
});

test("a hold that was cut off before its stop is lifted, and the process stays as it is", async () => {
  await writeFile(join(pi(2).root, "etc/kafka/hold"), "cut off\n");
  const pid = await pi(2).pid();
  await rollout.up(await inputs(2), { forced: true });
  expect(await holdOn(2)).toBe("");
  expect(await pi(2).pid()).toBe(pid);
});

test("a leader that does not know the new node yet is asked again", async () => {
  refusals = [new KafkaError("refused", "refused to add voter 2", "BROKER_NOT_AVAILABLE")];
  await expect(rollout.up(await inputs(4))).resolves.toBe("updated");
  expect(done).toEqual(SWAPPED);
});

test("cut off after the start: the next run changes the voters, and starts nothing twice", async () => {
  const changing = inputs(4);
  refusals = Array.from({ length: 99 }, () => new KafkaError("refused", "no", "UNKNOWN"));
  const running4 = new Promise<void>((resolve) => {
    const poll = setInterval(() => {
      if (!done.includes("remove voter 2 2")) return;
      clearInterval(poll);
      resolve();
    }, 50);
  });
  const cutOff = rollout.up(await changing).catch((error: unknown) => error);
  await running4;
  await driver.client.cancel();
  expect(String(await cutOff)).toMatch(/broken off/);
  refusals = [];
  const { state } = rollout;
  const again = await ProviderDriver.start(
    pilabProvider({ connectAdmin: () => cluster, openShell: openFakeShells(pis) }),
  );
  try {
    const resumed = again.resource("pilab:kafka/rollout:Rollout", "rollout");
    resumed.state = state;
    await resumed.up(await inputs(4), { forced: true });
  } finally {
    await again.stop();
  }
  expect(done).toEqual(SWAPPED);
  expect(await running()).toEqual([1, 3, 4]);
});

test("a machine that serves on without letting us in is an error; switched off, the next run goes on", async () => {
  pi(2).unreachable = "connection refused";
  const news = await inputs(4);
  const failing = rollout.up(news);
  await expect(failing).rejects.toThrow(
    /broker-2: waited \d+ s for the cluster to let go of broker-2's former process: .*10\.0\.42\.2:9092 still answers.*Stop the former one by hand/s,
  );
  expect(await running()).toEqual([1, 2, 3]);
  await pi(2).kill();
  done = [];
  await expect(rollout.up(news, { forced: true })).resolves.toBe("updated");
  expect(done).toEqual(SWAPPED);
}, 120_000);

/** The same with node 2 on a host of another name. */
async function renamed(second: number): Promise<PropertyMap> {
  const { nodes, ...rest } = await inputs(second);
  const { "broker-2": node, ...others } = nodes as PropertyMap;
  return {
    ...rest,
    nodes: { ...others, "kafka-2": node },
    formerNames: { "kafka-2": ["broker-2"] },
  };
}

test("a renamed host is the node that it was: nothing is started, and the state has the new name", async () => {
  await expect(rollout.up(await renamed(2))).resolves.toBe("updated");
  expect(done).toEqual([]);
  expect(pi(2).steps).not.toContain("holding Kafka");
  const { nodes } = rollout.known().outputs;
  expect(Object.keys(nodes as PropertyMap)).toEqual(["broker-1", "broker-3", "kafka-2"]);
  await expect(rollout.up(await renamed(2))).resolves.toBe("unchanged");
  await expect(rollout.up({ ...(await renamed(2)), formerNames: {} })).resolves.toBe("unchanged");
});

test("a renaming that meets a silent host fails with its name, and the next run ends it", async () => {
  pi(3).unreachable = "no route to host";
  await expect(rollout.up(await renamed(2))).rejects.toThrow(/broker-3.*no route to host/);
  pi(3).unreachable = undefined;
  await expect(rollout.up(await renamed(2), { forced: true })).resolves.toBe("updated");
  expect(done).toEqual([]);
  const { nodes } = rollout.known().outputs;
  expect(Object.keys(nodes as PropertyMap)).toEqual(["broker-1", "broker-3", "kafka-2"]);
  expect(await running()).toEqual([1, 2, 3]);
});

test("renamed and given another machine in one edit: its former machine is stopped and held", async () => {
  await expect(rollout.up(await renamed(4))).resolves.toBe("updated");
  expect(done).toEqual(SWAPPED);
  expect(await running()).toEqual([1, 3, 4]);
  expect(pi(2).steps).toContain("holding Kafka");
});
