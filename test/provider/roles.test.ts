import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

import type { PropertyMap } from "../../plugins/common/rpc";
import { PlatformaticAdmin } from "../../provider/admin/platformatic";
import { PATIENT } from "../../provider/admin/port";
import { pilabProvider } from "../../provider/provider";
import type { Fingerprint } from "../../provider/rollout/stamp";
import type { OpenShell } from "../../provider/ssh/port";
import { FakePi, openFakeShells } from "../support/hosts/fake-pi";
import { kafkaHome } from "../support/kafka/kafka-home";
import { kafkaCommand, kafkaId, planBrokers } from "../support/kafka/kafka-cluster";
import type { ResourceDriver } from "../support/provider-driver";
import { ProviderDriver } from "../support/provider-driver";
import { waitFor } from "../support/wait";

/**
 * Brokers and controllers apart, as real processes: formatted by the provider, started, rolled and swapped.
 * Only systemd and SSH are stood in for.
 */

jest.setTimeout(180_000);

interface Node {
  readonly name: string;
  readonly id: number;
  readonly role: "controller" | "broker";
  readonly address: string;
  /** The machine that it is on; a swap gives it another one, with another disk. */
  pi: FakePi;
  directoryId: string;
  /** Settings beside those that every node of the test has. */
  settings: Readonly<Record<string, string>>;
}

const clusterId = kafkaId();
let root: string;
let pis: FakePi[];
let nodes: Node[];
let driver: ProviderDriver;
let rollout: ResourceDriver;
let storages: Map<string, ResourceDriver>;
let admin: PlatformaticAdmin;
let birthVoters: string;
let home: string;

const ofRole = (role: Node["role"]): Node[] => nodes.filter((node) => node.role === role);
const named = (name: string): Node => nodes.find((node) => node.name === name)!;
const controllerServers = (): string[] => ofRole("controller").map(({ address }) => address);
const dataDir = (pi: FakePi): string => join(pi.root, "data");

async function makePi(name: string): Promise<FakePi> {
  const pi = await FakePi.make(name, await kafkaCommand("$FAKE_ROOT/etc/kafka/server.properties"));
  pis.push(pi);
  await mkdir(dataDir(pi));
  await writeFile(join(pi.root, "bin/runuser"), '#!/bin/sh\nshift 3\nexec "$@"\n', { mode: 0o755 });
  return pi;
}

/** Formatting names paths in its command line, where the stand-in does not move them by itself. */
const openShell: OpenShell = async (login, options) => {
  const shell = await openFakeShells(pis)(login, options);
  const { root: own } = pis.find(({ name }) => name === login.host)!;
  const run: typeof shell.run = (command, more) =>
    shell.run(command.replaceAll(">/etc/kafka/hold", `>${own}/etc/kafka/hold`), more);
  return { ...shell, run };
};

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pi-lab-roles-"));
  home = await kafkaHome();
  pis = [];
  const places = await planBrokers(root, 5);
  nodes = await Promise.all(
    places.map(async ({ id, address, controllerAddress, directoryId }): Promise<Node> => {
      const role = id <= 3 ? "controller" : "broker";
      const name = `${role}-${id}`;
      const own = role === "broker" ? address : controllerAddress;
      return {
        name,
        id,
        role,
        address: own,
        directoryId,
        pi: await makePi(`pi-${id}`),
        settings: {},
      };
    }),
  );
  birthVoters = ofRole("controller")
    .map(({ id, address, directoryId }) => `${id}@${address}:${directoryId}`)
    .join();
  const connectAdmin = (servers: readonly string[], options: typeof PATIENT) =>
    new PlatformaticAdmin(servers, options);
  const brokers = ofRole("broker").map(({ address }) => address);
  driver = await ProviderDriver.start(pilabProvider({ connectAdmin, openShell }), {
    bootstrapServers: brokers.join(),
  });
  rollout = driver.resource("pilab:kafka/rollout:Rollout", "rollout");
  const storage = "pilab:kafka/nodeStorage:NodeStorage";
  storages = new Map(nodes.map(({ name }) => [name, driver.resource(storage, `${name}-storage`)]));
  admin = new PlatformaticAdmin(brokers, PATIENT);
});

afterAll(async () => {
  await driver?.stop();
  await admin?.close();
  await Promise.all((pis ?? []).map((pi) => pi.remove()));
  await rm(root, { recursive: true, force: true });
});

function properties(node: Node): Record<string, string> {
  const name = node.role === "broker" ? "PLAINTEXT" : "CONTROLLER";
  return {
    "process.roles": node.role,
    "node.id": String(node.id),
    listeners: `${name}://${node.address}`,
    "advertised.listeners": `${name}://${node.address}`,
    "inter.broker.listener.name": "PLAINTEXT",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "controller.quorum.bootstrap.servers": controllerServers().join(),
    "log.dirs": dataDir(node.pi),
    "offsets.topic.replication.factor": "2",
    "auto.create.topics.enable": "false",
    "num.network.threads": "2",
    "num.io.threads": "2",
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    ...node.settings,
  };
}

const connection = ({ name }: FakePi): PropertyMap => ({
  host: name,
  port: 22,
  user: "root",
  hostKey: `ssh-ed25519 ${name}`,
});

/** Stages all nodes' files as they are to be now. */
async function inputs(): Promise<PropertyMap> {
  const entries = nodes.map(async (node): Promise<[string, PropertyMap]> => {
    const want: Fingerprint = { properties: properties(node), files: {}, version: "4.1.1" };
    const { name, id, directoryId, address, pi } = node;
    return [
      name,
      {
        ...{ nodeId: id, directoryId, address, connection: connection(pi) },
        want: want as unknown as PropertyMap,
        staged: { hash: await pi.stage(want, 1), time: "2026-01-01T00:00:00Z" },
      },
    ];
  });
  const all = Object.fromEntries(await Promise.all(entries));
  return { service: "kafka", startTimeoutSeconds: 60, stopOnDelete: true, nodes: all };
}

function storageInputs({ name, id, pi, directoryId }: Node): PropertyMap {
  return {
    ...{ host: name, nodeId: id, connection: connection(pi), clusterId, directoryId, birthVoters },
    birthControllers: controllerServers(),
    configFile: join(pi.root, "etc/kafka/server.properties"),
    dataDir: dataDir(pi),
    kafkaHome: home,
    serviceUser: userInfo().username,
  };
}

const format = async (node: Node): Promise<string> =>
  storages.get(node.name)!.up(storageInputs(node));

/** Hosts in the order in which Kafka was started on them, with what was seen right before. */
function watchStarts(look: (node: Node) => void | Promise<void> = () => undefined): string[] {
  const order: string[] = [];
  for (const node of nodes) {
    node.pi.onStep = async (label) => {
      if (label !== "starting Kafka") return;
      order.push(node.name);
      await look(node);
    };
  }
  return order;
}

async function signal({ pi }: Node, name: NodeJS.Signals): Promise<void> {
  process.kill((await pi.pid())!, name);
}

test("controllers are the first voters, brokers join them, each with the disk's id that is wanted", async () => {
  const news = await inputs();
  await expect(Promise.all(nodes.map(format))).resolves.toEqual(nodes.map(() => "created"));
  for (const { pi, role, directoryId } of nodes) {
    const meta = await readFile(join(dataDir(pi), "meta.properties"), "utf8");
    expect(meta).toContain(`directory.id=${directoryId}\n`);
    const entries = await readdir(dataDir(pi));
    expect(entries.includes("__cluster_metadata-0")).toBe(role === "controller");
  }

  await expect(rollout.up(news)).resolves.toBe("created");
  const { voters, observers } = await admin.describeQuorum(controllerServers());
  const ids = (all: readonly { id: number; directoryId: string }[]) =>
    all.map(({ id, directoryId }) => `${id} ${directoryId}`).sort();
  const wanted = (role: Node["role"]) =>
    ofRole(role).map(({ id, directoryId }) => `${id} ${directoryId}`);
  expect(ids(voters)).toEqual(wanted("controller"));
  expect(ids(observers)).toEqual(wanted("broker"));
  expect((await admin.listBrokers()).map(({ id }) => id).sort()).toEqual([4, 5]);
  await expect(rollout.up(news)).resolves.toBe("unchanged");
  await admin.createTopic({ name: "red", partitions: 3, replicationFactor: 2, config: {} });
});

test("a roll goes through the controllers first, the active one last of them, and then the brokers", async () => {
  const { leaderId } = await admin.describeQuorum(controllerServers());
  const thinnest: number[] = [];
  const order = watchStarts(async ({ role }) => {
    if (role !== "broker") return;
    const topics = (await admin.listPartitions()).filter(({ topic }) => topic === "red");
    thinnest.push(...topics.flatMap(({ partitions }) => partitions.map(({ isr }) => isr.length)));
  });
  for (const node of nodes) node.settings = { "log.retention.hours": "24" };
  const changed = await inputs();
  await expect(rollout.up(changed)).resolves.toBe("updated");
  expect(order.slice(0, 2).every((name) => name.startsWith("controller-"))).toBe(true);
  expect(order[2]).toBe(`controller-${leaderId}`);
  expect(order.slice(3)).toEqual(["broker-4", "broker-5"]);
  // Each broker's restart began with every replica of every partition in sync.
  expect(new Set(thinnest)).toEqual(new Set([2]));
  await expect(rollout.up(changed)).resolves.toBe("unchanged");
});

test("a controller waits for a majority of the others, and not for a broker", async () => {
  const { leaderId } = await admin.describeQuorum(controllerServers());
  const [one, other] = ofRole("controller").filter(({ id }) => id !== leaderId) as [Node, Node];
  const broker = named("broker-4");
  one.settings = { "log.retention.hours": "36" };
  await Promise.all([other, broker].map((node) => signal(node, "SIGSTOP")));
  let isQuorate = false;
  const order = watchStarts(async () => {
    expect(isQuorate).toBe(true);
    // At its end the run waits for all nodes to serve.
    await signal(broker, "SIGCONT");
  });
  try {
    const up = rollout.up(await inputs());
    const held = new RegExp(`safe that ${one.name} is restarted .*${other.name} does not answer`);
    await waitFor("the gate to hold", () =>
      Promise.resolve(driver.logs.some(({ message }) => held.test(message)) || undefined),
    );
    expect(order).toEqual([]);
    isQuorate = true;
    await signal(other, "SIGCONT");
    await expect(up).resolves.toBe("updated");
    expect(order).toEqual([one.name]);
    expect(driver.logs.map(({ message }) => message).join("\n")).not.toMatch(
      /restarted .*broker-4 does not answer/,
    );
  } finally {
    await Promise.all([other, broker].map((node) => signal(node, "SIGCONT")));
  }
});

/** Gives a node a new machine with an empty disk, as `up` does after such an edit. */
async function swap(node: Node): Promise<void> {
  const former = node.pi;
  node.pi = await makePi(`${former.name}-new`);
  node.directoryId = kafkaId();
  const news = await inputs();
  await expect(format(node)).resolves.toBe("updated");
  expect(await former.pid()).toBeDefined();
  await expect(rollout.up(news)).resolves.toBe("updated");
  expect(await former.pid()).toBeUndefined();
  const hold = await readFile(join(former.root, "etc/kafka/hold"), "utf8");
  expect(hold).toMatch(/was given another machine/);
  await expect(rollout.up(news)).resolves.toBe("unchanged");
}

test("a controller's machine is replaced: its old vote goes, its new one comes", async () => {
  const node = named("controller-2");
  await swap(node);
  const { voters } = await admin.describeQuorum(controllerServers());
  expect(voters.map(({ id }) => id).sort()).toEqual([1, 2, 3]);
  expect(voters.find(({ id }) => id === 2)?.directoryId).toBe(node.directoryId);
});

test("a broker's machine is replaced: its replicas fill, and no vote changes", async () => {
  const before = await admin.describeQuorum(controllerServers());
  const node = named("broker-5");
  await swap(node);
  const topics = (await admin.listPartitions()).filter(({ topic }) => topic === "red");
  expect(topics.flatMap(({ partitions }) => partitions.map(({ isr }) => isr.length))).toEqual([
    2, 2, 2,
  ]);
  const { voters, observers } = await admin.describeQuorum(controllerServers());
  const ids = (all: readonly { directoryId: string }[]) => all.map((one) => one.directoryId).sort();
  expect(ids(voters)).toEqual(ids(before.voters));
  expect(ids(observers)).toContain(node.directoryId);
});

test("the only thing that a role cannot become is another", async () => {
  const news = await inputs();
  const all = news["nodes"] as Record<string, PropertyMap>;
  const { want } = all["broker-4"] as { want: PropertyMap };
  const settings = { ...(want["properties"] as PropertyMap), "process.roles": "broker,controller" };
  const changed = { ...all["broker-4"], want: { ...want, properties: settings } };
  await expect(rollout.diff({ ...news, nodes: { ...all, "broker-4": changed } })).rejects.toThrow(
    /broker-4: its process\.roles broker cannot become broker,controller/,
  );
});
