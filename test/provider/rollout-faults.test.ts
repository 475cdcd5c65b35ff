import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { PropertyMap } from "../../plugins/common/rpc";
import { Secret, UNKNOWN } from "../../plugins/common/rpc";
import type { KafkaAdmin } from "../../provider/admin/port";
import { KafkaError } from "../../provider/admin/port";
import { pilabProvider } from "../../provider/provider";
import type { Fingerprint } from "../../provider/rollout/stamp";
import { FakePi, openFakeShells } from "../support/hosts/fake-pi";
import type { ResourceDriver } from "../support/provider-driver";
import { ProviderDriver } from "../support/provider-driver";

const ROLLOUT = "pilab:kafka/rollout:Rollout";
const UPDATE = 4;
const NAMES = ["broker-1", "broker-2", "broker-3"] as const;
const RUNS = "sleep 1000";

jest.setTimeout(60_000);

let pis: FakePi[];
let driver: ProviderDriver;
let rollout: ResourceDriver;
/** The active controller. */
let leaderId: number;
/** Brokers that run and yet serve nothing. */
let fenced: Set<number>;
/** Brokers whose process runs, but does not answer yet, while the others still count them in. */
let silent: Set<number>;
/** The most brokers that were seen down at once after all had been up. */
let mostDown: number;
/** What was set for each broker while it ran, and what the cluster has finalized. */
let overrides: Map<number, Record<string, string>>;
let finalized: Record<string, number>;
/** A value that Kafka takes for no setting. */
const REFUSED = "13";

beforeEach(async () => {
  pis = await Promise.all(NAMES.map((name) => FakePi.make(name, RUNS)));
  await Promise.all(pis.map(standInForSums));
  leaderId = 1;
  fenced = new Set();
  silent = new Set();
  mostDown = 0;
  overrides = new Map();
  finalized = {};
  driver = await ProviderDriver.start(
    pilabProvider({ connectAdmin, openShell: openFakeShells(pis) }),
  );
  rollout = driver.resource(ROLLOUT, "lab-rollout");
});

afterEach(async () => {
  await driver.stop();
  await Promise.all(pis.map((pi) => pi.remove()));
});

const KAFKA_ENV = "etc/kafka/kafka.env";

/** On these hosts a file's whole content stands for its sum. */
async function standInForSums(pi: FakePi): Promise<void> {
  const script = `#!/bin/bash\nset -e\nsum=$(cat "$FAKE_ROOT$1")\necho "$sum  $1"\n`;
  await writeFile(join(pi.root, "bin/sha256sum"), script, { mode: 0o755 });
  await writeFile(join(pi.root, KAFKA_ENV), "aa");
}

const connectAdmin = (servers: readonly string[]): KafkaAdmin => clusterOf(pis, servers);

/**
 * What Kafka would say at these addresses, were its brokers the processes of these hosts. A silent
 * one answers nobody, and still is unfenced, in sync and caught up in the eyes of the others.
 */
function clusterOf(hosts: readonly FakePi[], servers: readonly string[]): KafkaAdmin {
  const ping = async (server: string): Promise<void> => {
    const id = Number(/^10\.0\.42\.(\d+):(9092|9093)$/.exec(server)?.[1]);
    const pid = await hosts[id - 1]?.pid();
    if (pid !== undefined && !silent.has(id)) return;
    throw new KafkaError("unreachable", `${server}: connection refused`);
  };
  const serving = async (): Promise<number[]> => {
    await Promise.any(servers.map(ping)).catch((error: AggregateError) => {
      throw error.errors[0];
    });
    const up = await Promise.all(hosts.map((pi) => pi.pid()));
    const ids = up.flatMap((pid, index) => (pid === undefined ? [] : [index + 1]));
    mostDown = Math.max(mostDown, hosts.length - ids.length);
    return ids.filter((id) => !fenced.has(id));
  };
  const all = hosts.map((_, index) => index + 1);
  return {
    ping,
    listBrokers: async () => {
      const up = await serving();
      return all.map((id) => ({ id, fenced: !up.includes(id) }));
    },
    listPartitions: async () => {
      const isr = await serving();
      const partition = { partition: 0, leader: isr[0] ?? -1, replicas: all, isr };
      return [{ topic: "red", partitions: [partition] }];
    },
    describeQuorum: async () => {
      const up = await serving();
      const voters = all.map((id) => ({
        id,
        directoryId: directoryId(id),
        behindMs: up.includes(id) ? 0 : 99_999,
      }));
      return { leaderId, voters, observers: [] };
    },
    logSizes: () => Promise.resolve(new Map()),
    describeFeatures: async () => {
      await serving();
      return { supported: {}, finalized };
    },
    runTimeSettings: async (nodeId) => {
      await ping(servers[0] ?? "");
      return { own: overrides.get(nodeId) ?? {}, defaults: {} };
    },
    alterRunTimeSettings: async (nodeId, set, remove, { validateOnly }) => {
      await ping(servers[0] ?? "");
      if (Object.values(set).includes(REFUSED)) {
        throw new KafkaError("refused", `${servers[0]} refused: INVALID_CONFIG`, "INVALID_CONFIG");
      }
      if (validateOnly) return;
      const next = { ...overrides.get(nodeId), ...set };
      for (const key of remove) delete next[key];
      overrides.set(nodeId, next);
    },
    close: () => Promise.resolve(),
  } as Partial<KafkaAdmin> as KafkaAdmin;
}

/** Of the disk that the node with this id has had from the beginning. */
const directoryId = (id: number): string => String(id).repeat(22);

const want = (host: string, changes: Record<string, string> = {}): Fingerprint => ({
  properties: {
    "node.id": host.slice(-1),
    "controller.listener.names": "CONTROLLER",
    listeners: "PLAINTEXT://:9092,CONTROLLER://:9093",
    "log.retention.hours": "168",
    ...changes,
  },
  files: { "/etc/kafka/kafka.env": "aa" },
  version: "4.1.1",
});

/** Stages the settings on all hosts, and gives the inputs of the resource. */
async function inputs(
  changes: Record<string, string> = {},
  options: PropertyMap = {},
): Promise<PropertyMap> {
  const nodes: PropertyMap = {};
  for (const pi of pis) {
    const hash = await pi.stage(want(pi.name, changes));
    nodes[pi.name] = node(pi.name, want(pi.name, changes), hash);
  }
  return { service: "kafka", startTimeoutSeconds: 5, stopOnDelete: true, nodes, ...options };
}

const node = (host: string, fingerprint: Fingerprint, hash: string): PropertyMap => ({
  nodeId: Number(host.slice(-1)),
  directoryId: directoryId(Number(host.slice(-1))),
  address: `10.0.42.${host.slice(-1)}:9092`,
  connection: {
    host,
    port: 22,
    user: "root",
    privateKey: new Secret("KEY"),
    hostKey: "ssh-ed25519 AAAA",
  },
  want: fingerprint as unknown as PropertyMap,
  staged: { hash, time: "2026-01-01T00:00:00Z" },
});

const pids = (): Promise<(number | undefined)[]> => Promise.all(pis.map((pi) => pi.pid()));
const starts = () =>
  Promise.all(
    pis.map(async (pi) => (await pi.unitCalls()).filter((call) => call.startsWith("restart"))),
  );

test("the first time all brokers are started at once, and none a second time", async () => {
  const news = await inputs();
  await expect(rollout.up(news)).resolves.toBe("created");
  expect(await pids()).not.toContain(undefined);
  await expect(rollout.up(news)).resolves.toBe("unchanged");
  expect(await starts()).toEqual([["restart kafka"], ["restart kafka"], ["restart kafka"]]);
  const first = NAMES.map((name) =>
    pis.find((pi) => pi.name === name)?.steps.indexOf("starting Kafka"),
  );
  expect(first).not.toContain(-1);
  expect(rollout.known().outputs).toEqual(news);
});

test("an unchanged rollout dials nobody", async () => {
  const news = await inputs();
  await rollout.up(news);
  const dials = pis.map((pi) => pi.dials);
  await expect(rollout.diff(news)).resolves.toEqual({});
  await expect(rollout.up(news)).resolves.toBe("unchanged");
  expect(pis.map((pi) => pi.dials)).toEqual(dials);
});

test("brokers that run already as wanted are taken over without a restart", async () => {
  const news = await inputs();
  await rollout.up(news);
  const before = await pids();
  const lost = driver.resource(ROLLOUT, "after-loss-of-state");
  await expect(lost.up(news)).resolves.toBe("created");
  expect(await pids()).toEqual(before);
});

test("a changed setting: the preview shows the line, and brokers restart one at a time, leader last", async () => {
  await rollout.up(await inputs());
  leaderId = 2;
  mostDown = 0;
  const order: string[] = [];
  for (const pi of pis) {
    pi.onStep = (label) => void (label === "starting Kafka" && order.push(pi.name));
  }
  const before = await pids();
  const news = await inputs({ "log.retention.hours": "24" });
  expect(await rollout.diff(news)).toMatchObject({
    'nodes.broker-1.want.properties["log.retention.hours"]': UPDATE,
    "nodes.broker-1.staged.hash": UPDATE,
  });
  await expect(rollout.up(news)).resolves.toBe("updated");
  expect(order).toEqual(["broker-1", "broker-3", "broker-2"]);
  expect(mostDown).toBeLessThanOrEqual(1);
  const after = await pids();
  before.forEach((pid, index) => expect(after[index]).not.toBe(pid));
  await expect(rollout.diff(news)).resolves.toEqual({});
});

const LIVE = "log.retention.ms";

test("a setting that changes while brokers run is set on all of them, and restarts none", async () => {
  await rollout.up(await inputs({ [LIVE]: "1000" }));
  const before = await pids();
  const news = await inputs({ [LIVE]: "2000" });
  expect(await rollout.diff(news)).toMatchObject({
    'nodes.broker-1.want.properties["log.retention.ms"]': UPDATE,
  });
  expect(driver.logs.at(-1)?.message).toBe(
    "broker-3: log.retention.ms: changed while it runs, without a restart",
  );
  await expect(rollout.up(news)).resolves.toBe("updated");
  expect(await pids()).toEqual(before);
  expect([...overrides.values()]).toEqual(Array(3).fill({ [LIVE]: "2000" }));
  expect(rollout.known().outputs).toEqual(news);
  await expect(rollout.up(news)).resolves.toBe("unchanged");

  // A restart for another reason takes the new value from the file; what was set is taken back.
  await expect(
    rollout.up(await inputs({ [LIVE]: "3000", "log.retention.hours": "24" })),
  ).resolves.toBe("updated");
  expect([...overrides.values()]).toEqual(Array(3).fill({}));
  (await pids()).forEach((pid, index) => expect(pid).not.toBe(before[index]));
});

test("a value that one broker refuses changes none, and is told with host, key and value", async () => {
  await rollout.up(await inputs({ [LIVE]: "1000" }));
  const before = await pids();
  await expect(rollout.up(await inputs({ [LIVE]: REFUSED }))).rejects.toThrow(
    /broker-1: log\.retention\.ms=13 cannot be changed while it runs: .*INVALID_CONFIG.*run `pulumi up` again/,
  );
  expect([...overrides.values()].filter((one) => LIVE in one)).toEqual([]);
  expect(await pids()).toEqual(before);
});

test("what others set while brokers run is named and left; once a preview has shown it, it is taken back", async () => {
  const news = await inputs({ [LIVE]: "1000" });
  await rollout.up(news);
  overrides.set(2, { [LIVE]: "77", "not.declared": "1" });
  await rollout.refresh();
  expect(driver.logs.map((log) => log.message)).toContainEqual(
    expect.stringMatching(/^broker-2: log\.retention\.ms=77 was set while it runs, by others/),
  );
  expect(await rollout.diff(news)).toEqual({
    'nodes.broker-2.want.properties["log.retention.ms"]': UPDATE,
  });
  await rollout.up(news);
  expect(overrides.get(2)).toEqual({ "not.declared": "1" });

  // Without a refresh the preview has not shown it: it stays, and the state tells it from then on.
  overrides.set(3, { [LIVE]: "78" });
  const other = await inputs({ [LIVE]: "1000", "log.retention.hours": "24" });
  await rollout.up(other);
  expect(overrides.get(3)).toEqual({ [LIVE]: "78" });
  expect(await rollout.diff(other)).toEqual({
    'nodes.broker-3.want.properties["log.retention.ms"]': UPDATE,
  });
});

test("killed between setting a value and the state: the next run knows it for its own", async () => {
  await rollout.up(await inputs({ [LIVE]: "1000" }));
  const state = rollout.known();
  await rollout.up(await inputs({ [LIVE]: "2000" }));
  rollout.state = state;
  await rollout.up(await inputs({ [LIVE]: "3000" }));
  expect([...overrides.values()]).toEqual(Array(3).fill({ [LIVE]: "3000" }));
});

test("another version is refused in the preview when the cluster has finalized what it cannot read", async () => {
  finalized = { "metadata.version": 29 };
  const news = await inputs();
  await rollout.up(news);
  const nodes = news["nodes"] as Record<string, PropertyMap>;
  const at = (version: string): PropertyMap => ({
    ...news,
    nodes: Object.fromEntries(
      Object.entries(nodes).map(([host, one]) => [
        host,
        { ...one, want: { ...(one["want"] as PropertyMap), version } },
      ]),
    ),
  });
  await expect(rollout.diff(at("4.1.2"))).rejects.toThrow(
    /rollout lab-rollout:\n {2}broker-1, broker-2, broker-3: Kafka 4\.1\.2 cannot run in this cluster: .*4\.2-IV1/,
  );
  await expect(rollout.diff(at("4.4.0"))).resolves.toMatchObject({
    "nodes.broker-1.want.version": UPDATE,
  });
  // Nobody answers: the state remembers.
  await Promise.all(pis.map((pi) => pi.kill()));
  await expect(rollout.diff(at("4.1.2"))).rejects.toThrow(/cannot run in this cluster/);
  expect(driver.logs.at(-1)?.message).toMatch(
    /^no broker answers: .* judged by what was last seen/,
  );
});

test("what is not known yet counts as changed", async () => {
  const news = await inputs();
  await rollout.up(news);
  const nodes = { ...(news["nodes"] as PropertyMap) };
  nodes["broker-2"] = { ...(nodes["broker-2"] as PropertyMap), staged: UNKNOWN };
  await expect(rollout.diff({ ...news, nodes })).resolves.toEqual({
    "nodes.broker-2.staged": UPDATE,
  });
});

test("files staged anew without a change for the process restart nobody", async () => {
  await rollout.up(await inputs());
  const before = await pids();
  const news = await inputs();
  const nodes = news["nodes"] as Record<string, PropertyMap>;
  for (const pi of pis) {
    // Another min ISR is another file and bundle, and no affair of the process.
    const hash = await pi.stage(want(pi.name), 1);
    nodes[pi.name] = node(pi.name, want(pi.name), hash);
  }
  await expect(rollout.up(news)).resolves.toBe("updated");
  expect(await pids()).toEqual(before);
});

test("a broker that dies at its start stops the roll, with its last words; the next run goes on", async () => {
  await rollout.up(await inputs());
  const before = await pids();
  const broken = await inputs({ "log.retention.hours": "24" });
  await pis[1]?.setCommand(`sh -c 'echo "FATAL bad setting"; exit 1'`);
  leaderId = 3;
  // broker-1, then broker-2, which dies; broker-3 is never touched.
  const failed = rollout.up(broken);
  await expect(failed).rejects.toThrow(
    /broker-2: Kafka dies at its start\n.*journal:\n[^]*FATAL bad setting[^]*run `pulumi up` again/,
  );
  const after = await pids();
  expect(after[0]).not.toBe(before[0]);
  expect(after[2]).toBe(before[2]);
  const outputs = rollout.known().outputs["nodes"] as unknown as Record<
    string,
    { want: Fingerprint }
  >;
  const retention = Object.entries(outputs).map(([host, { want: has }]) => [
    host,
    has.properties["log.retention.hours"],
    has.version,
  ]);
  expect(retention).toEqual([
    ["broker-1", "24", "4.1.1"],
    ["broker-2", "24", "not running"],
    ["broker-3", "168", "4.1.1"],
  ]);
  await pis[1]?.setCommand(RUNS);
  await expect(rollout.up(broken, { forced: true })).resolves.toBe("updated");
  expect((await pids())[0]).toBe(after[0]);
  await expect(rollout.diff(broken)).resolves.toEqual({});
});

test("a unit that cannot even be started is told with systemd's words", async () => {
  const news = await inputs();
  const pi = pis[2] as FakePi;
  pi.onStep = async (label) => {
    if (label === "starting Kafka") await pi.setSystemctlFailure("Job for kafka.service failed.");
  };
  await expect(rollout.up(news)).rejects.toThrow(
    /broker-3: starting Kafka failed with status 1: Job for kafka\.service failed\./,
  );
  expect((await pids()).slice(0, 2)).not.toContain(undefined);
});

test("no restart while another broker does not serve", async () => {
  await rollout.up(await inputs());
  const before = await pids();
  const news = await inputs({ "log.retention.hours": "24" }, {});
  fenced.add(3);
  leaderId = 2;
  const steps = driver.logs.length;
  const rolling = rollout.up(news);
  // The fenced one goes first; nobody follows until it serves.
  await until(async () => (await pids())[2] !== before[2]);
  await until(() =>
    Promise.resolve(driver.logs.slice(steps).some((log) => /fenced/.test(log.message))),
  );
  expect((await pids()).slice(0, 2)).toEqual(before.slice(0, 2));
  fenced.delete(3);
  await expect(rolling).resolves.toBe("updated");
});

test.each([
  ["the restarted one, whose former registration still counts", "broker-1"],
  ["another one, that died a moment ago", "broker-3"],
])("no restart while a broker does not answer itself: %s", async (_, name) => {
  await rollout.up(await inputs());
  leaderId = 3;
  const before = await pids();
  const news = await inputs({ "log.retention.hours": "24" });
  const id = Number(name.slice(-1));
  (pis[0] as FakePi).onStep = (label) => void (label === "starting Kafka" && silent.add(id));
  const steps = driver.logs.length;
  const rolling = rollout.up(news);
  const said = new RegExp(`${name} does not answer \\(10\\.0\\.42\\.${id}:9092`);
  await until(() =>
    Promise.resolve(driver.logs.slice(steps).some((log) => said.test(log.message))),
  );
  // Several more looks, each of which finds an unfenced registration and full ISRs.
  await sleep(1_500);
  expect((await pids())[0]).not.toBe(before[0]);
  expect((await pids()).slice(1)).toEqual(before.slice(1));
  silent.clear();
  await expect(rolling).resolves.toBe("updated");
  const after = await pids();
  before.forEach((pid, index) => expect(after[index]).not.toBe(pid));
});

test("a cancelled roll begins no further restart, tells the true state and gives the lease back", async () => {
  await rollout.up(await inputs());
  const before = await pids();
  const news = await inputs({ "log.retention.hours": "24" });
  leaderId = 3;
  (pis[0] as FakePi).onStep = (label) => {
    if (label === "watching its Kafka") void driver.client.cancel();
  };
  await expect(rollout.up(news)).rejects.toThrow(/broken off.*no further broker is/);
  await sleep(500);
  expect((await pids()).slice(1)).toEqual(before.slice(1));

  await until(async () =>
    (await Promise.all(pis.map((pi) => pi.lease()))).every((one) => one === ""),
  );

  (pis[0] as FakePi).onStep = () => undefined;
  const next = await ProviderDriver.start(
    pilabProvider({ connectAdmin, openShell: openFakeShells(pis) }),
  );
  const again = next.resource(ROLLOUT, "lab-rollout");
  again.state = rollout.known();
  await expect(again.up(news, { forced: true })).resolves.toBe("updated");
  await next.stop();
  const after = await pids();
  expect(after[2]).not.toBe(before[2]);
});

test("a second roller is kept out, and told who is at work", async () => {
  const news = await inputs();
  const other = pilabProvider({
    connectAdmin,
    openShell: openFakeShells(pis),
  });
  const second = await ProviderDriver.start(other);
  let rival: Promise<string> | undefined;
  (pis[0] as FakePi).onStep = async (label) => {
    if (label !== "starting Kafka" || rival !== undefined) return;
    rival = second.resource(ROLLOUT, "rival").up(news);
    await until(() =>
      Promise.resolve(second.logs.some((log) => /has it for \d+ s more/.test(log.message))),
    );
  };
  await rollout.up(news);
  await expect(rival).resolves.toBe("created");
  await second.stop();
  // It found the brokers as it wanted them.
  expect((await starts()).flat()).toHaveLength(3);
});

test("an unreachable host: what is down elsewhere is started, nothing is restarted, and it is named", async () => {
  const news = await inputs();
  (pis[2] as FakePi).unreachable = "10.0.42.3:22 cannot be reached: EHOSTUNREACH";
  // Without the third the two others still are a majority.
  await expect(rollout.up(news)).rejects.toThrow(/broker-3: 10\.0\.42\.3:22 cannot be reached/);
  expect((await pids()).slice(0, 2)).not.toContain(undefined);
  expect(Object.keys(rollout.known().outputs["nodes"] as object)).toEqual(["broker-1", "broker-2"]);
  const changed = await inputs({ "log.retention.hours": "24" });
  const before = await pids();
  await expect(rollout.up(changed, { forced: true })).rejects.toThrow(/broker-3/);
  expect(await pids()).toEqual(before);
});

test("nothing is restarted with files that this stack did not stage", async () => {
  await rollout.up(await inputs());
  const before = await pids();
  const news = await inputs({ "log.retention.hours": "24" });
  await (pis[1] as FakePi).stage(want("broker-2", { "log.retention.hours": "1" }));
  await expect(rollout.up(news)).rejects.toThrow(
    /broker-2: \/etc\/kafka holds the bundle .*--target/,
  );
  expect(await pids()).toEqual(before);
});

test("a staged file that was edited by hand is seen before any restart, with a remedy that works", async () => {
  await rollout.up(await inputs());
  const before = await pids();
  const news = await inputs({ "log.retention.hours": "24" });
  await writeFile(join((pis[2] as FakePi).root, KAFKA_ENV), "edited");
  await expect(rollout.up(news)).rejects.toThrow(
    "broker-3: what is staged in /etc/kafka differs in /etc/kafka/kafka.env: was it edited by hand? " +
      "`pulumi up --replace 'urn:pulumi:test::pi-lab::pilab:kafka:Broker$command:remote:Command::broker-3-files'`",
  );
  expect(await pids()).toEqual(before);
});

test("a host that joins or leaves is refused in the preview, also after a run that failed halfway", async () => {
  const news = await inputs();
  (pis[2] as FakePi).unreachable = "10.0.42.3:22 cannot be reached: EHOSTUNREACH";
  await expect(rollout.up(news)).rejects.toThrow(/broker-3/);
  const nodes = { ...(news["nodes"] as PropertyMap) };
  delete nodes["broker-3"];
  await expect(rollout.diff({ ...news, nodes })).rejects.toThrow(
    /rollout lab-rollout:\n {2}broker-3 is gone/,
  );
  await expect(rollout.diff(news)).resolves.toMatchObject({});
});

test("refresh tells what runs, keeps the last known of a silent host, and warns", async () => {
  const news = await inputs();
  await rollout.up(news);
  // By hand: another setting, and a restart.
  await (pis[0] as FakePi).stage(want("broker-1", { "log.retention.hours": "1" }));
  await (pis[0] as FakePi).shell().run("systemctl restart kafka");
  await (pis[1] as FakePi).shell().run("systemctl disable --now kafka");
  (pis[2] as FakePi).unreachable = "10.0.42.3:22 cannot be reached: EHOSTUNREACH";
  await rollout.refresh();
  expect(driver.logs.at(-1)?.message).toMatch(/kept as last known: broker-3: 10\.0\.42\.3:22/);
  await expect(rollout.diff(news)).resolves.toEqual({
    'nodes.broker-1.want.properties["log.retention.hours"]': UPDATE,
    "nodes.broker-2.want.version": UPDATE,
  });
});

test("secrets stay secret in the state, those that only the host told included", async () => {
  const news = await inputs({ "ssl.keystore.password": "hunter2" });
  const nodes = news["nodes"] as Record<string, { want: { properties: PropertyMap } }>;
  for (const name of NAMES) {
    const { properties } = (nodes[name] as (typeof nodes)[string]).want;
    properties["sasl.custom"] = new Secret("s3");
    const pi = pis.find((one) => one.name === name) as FakePi;
    const plain = want(name, { "ssl.keystore.password": "hunter2", "sasl.custom": "s3" });
    (nodes[name] as unknown as PropertyMap)["staged"] = { hash: await pi.stage(plain), time: "t" };
  }
  await rollout.up(news);
  const outputs = rollout.known().outputs["nodes"] as typeof nodes;
  const has = outputs["broker-1"] as unknown as PropertyMap & (typeof nodes)[string];
  expect(has.want.properties["ssl.keystore.password"]).toEqual(new Secret("hunter2"));
  expect(has.want.properties["sasl.custom"]).toEqual(new Secret("s3"));
  expect(has["connection"]).toMatchObject({ privateKey: new Secret("KEY"), host: "broker-1" });
  await expect(rollout.up(news)).resolves.toBe("unchanged");
});

test("destroy stops and disables, a host that is gone is a warning", async () => {
  await rollout.up(await inputs());
  (pis[2] as FakePi).unreachable = "10.0.42.3:22 cannot be reached: EHOSTUNREACH";
  await rollout.delete();
  expect((await pids()).slice(0, 2)).toEqual([undefined, undefined]);
  expect((await (pis[0] as FakePi).unitCalls()).at(-1)).toBe("disable --quiet --now kafka");
  expect(driver.logs.map((log) => log.message)).toContainEqual(
    expect.stringMatching(/not stopped there: broker-3/),
  );
});

test("without stopOnDelete nobody is dialled", async () => {
  await rollout.up(await inputs({}, { stopOnDelete: false }));
  const dials = pis.map((pi) => pi.dials);
  await rollout.delete();
  expect(pis.map((pi) => pi.dials)).toEqual(dials);
});

test("faults of the inputs are tied to their properties", async () => {
  const news = await inputs({}, { service: "../x", startTimeoutSeconds: 0 });
  const nodes = news["nodes"] as Record<string, PropertyMap>;
  nodes["broker-2"] = { ...nodes["broker-2"], nodeId: 1, address: "nowhere" };
  expect(await rollout.check(news)).toEqual([
    "service: must be the name of a systemd unit, without .service",
    "startTimeoutSeconds: must be a number of seconds from 1",
    "nodes.broker-2.address: must be host:port of the client listener",
    "nodes.broker-2.nodeId: 1 is broker-1's already; give each node another one",
  ]);
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 15_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited 15 s for ${condition.toString()}`);
    await sleep(50);
  }
}
