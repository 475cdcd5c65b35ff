import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { PropertyMap } from "../../plugins/common/rpc";
import { PlatformaticAdmin } from "../../provider/admin/platformatic";
import { PATIENT } from "../../provider/admin/port";
import { pilabProvider } from "../../provider/provider";
import type { Fingerprint } from "../../provider/rollout/stamp";
import { FakePi, openFakeShells } from "../support/hosts/fake-pi";
import type { LocalBroker } from "../support/kafka/kafka-cluster";
import {
  brokerProperties,
  formatStorage,
  kafkaCommand,
  planBrokers,
} from "../support/kafka/kafka-cluster";
import type { ResourceDriver } from "../support/provider-driver";
import { ProviderDriver } from "../support/provider-driver";

jest.setTimeout(180_000);

let root: string;
let brokers: LocalBroker[];
let pis: FakePi[];
let driver: ProviderDriver;
let rollout: ResourceDriver;
let admin: PlatformaticAdmin;

/** Real brokers under the provider's own scripts: only systemd and SSH are stood in for. */
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pi-lab-rollout-"));
  brokers = await planBrokers(root);
  await formatStorage(brokers);
  pis = await Promise.all(
    brokers.map(async ({ id }) =>
      FakePi.make(`broker-${id}`, await kafkaCommand("$FAKE_ROOT/etc/kafka/server.properties")),
    ),
  );
  const connectAdmin = (servers: readonly string[], options: typeof PATIENT) =>
    new PlatformaticAdmin(servers, options);
  driver = await ProviderDriver.start(
    pilabProvider({ connectAdmin, openShell: openFakeShells(pis) }),
  );
  rollout = driver.resource("pilab:kafka/rollout:Rollout", "rollout");
  admin = new PlatformaticAdmin(
    brokers.map((broker) => broker.address),
    PATIENT,
  );
});

afterAll(async () => {
  await driver?.stop();
  await admin?.close();
  await Promise.all((pis ?? []).map((pi) => pi.remove()));
  await rm(root, { recursive: true, force: true });
});

async function inputs(changes: Record<string, string> = {}): Promise<PropertyMap> {
  const nodes: PropertyMap = {};
  for (const [index, broker] of brokers.entries()) {
    const pi = pis[index] as FakePi;
    const properties = brokerProperties(broker, brokers, changes);
    delete properties["min.insync.replicas"];
    const want: Fingerprint = { properties, files: {}, version: "4.1.1" };
    nodes[pi.name] = {
      nodeId: broker.id,
      directoryId: broker.directoryId,
      address: broker.address,
      connection: { host: pi.name, port: 22, user: "root", hostKey: "ssh-ed25519 AAAA" },
      want: want as unknown as PropertyMap,
      staged: { hash: await pi.stage(want), time: "2026-01-01T00:00:00Z" },
    };
  }
  return { service: "kafka", startTimeoutSeconds: 60, stopOnDelete: true, nodes };
}

test("first start, taken over, and a roll in which the cluster keeps serving", async () => {
  const news = await inputs();
  await expect(rollout.up(news)).resolves.toBe("created");
  const { finalized, ...outputs } = rollout.known().outputs;
  expect(outputs).toEqual(news);
  expect(finalized).toMatchObject({ "metadata.version": 27 });
  await admin.createTopic({ name: "red", partitions: 3, replicationFactor: 3, config: {} });

  const controllers = brokers.map((broker) => broker.controllerAddress);
  const { leaderId } = await admin.describeQuorum(controllers);
  const order: string[] = [];
  const thinnest: number[] = [];
  for (const pi of pis) {
    pi.onStep = async (label) => {
      if (label !== "starting Kafka") return;
      order.push(pi.name);
      const [topic] = (await admin.listPartitions()).filter((one) => one.topic === "red");
      thinnest.push(...(topic?.partitions ?? []).map((partition) => partition.isr.length));
    };
  }
  const changed = await inputs({ "log.retention.hours": "24" });
  await expect(rollout.up(changed)).resolves.toBe("updated");
  expect([...order].sort()).toEqual(["broker-1", "broker-2", "broker-3"]);
  expect(order.at(-1)).toBe(`broker-${leaderId}`);
  // Each restart began with every replica of every partition in sync.
  expect(new Set(thinnest)).toEqual(new Set([3]));
  await expect(rollout.up(changed)).resolves.toBe("unchanged");
});

const LIVE = "log.segment.delete.delay.ms";

/** What a broker says that it goes by. */
async function inForce(broker: LocalBroker): Promise<string | undefined> {
  const own = new PlatformaticAdmin([broker.address], PATIENT);
  try {
    return (await own.runTimeSettings(broker.id)).own[LIVE];
  } finally {
    await own.close();
  }
}

test("a setting that Kafka changes while it runs: no restart, and nothing of it is left after one", async () => {
  const hours = { "log.retention.hours": "24" };
  await rollout.up(await inputs({ ...hours, [LIVE]: "60000" }));
  const before = await Promise.all(pis.map((pi) => pi.pid()));

  const changed = await inputs({ ...hours, [LIVE]: "30000" });
  await expect(rollout.up(changed)).resolves.toBe("updated");
  expect(await Promise.all(pis.map((pi) => pi.pid()))).toEqual(before);
  await expect(Promise.all(brokers.map(inForce))).resolves.toEqual(Array(3).fill("30000"));
  await expect(rollout.up(changed)).resolves.toBe("unchanged");

  const threads = await inputs({ ...hours, [LIVE]: "-1" });
  await expect(rollout.up(threads)).rejects.toThrow(
    /broker-1: log\.segment\.delete\.delay\.ms=-1 cannot be changed while it runs: .*Invalid value -1/,
  );
  await expect(Promise.all(brokers.map(inForce))).resolves.toEqual(Array(3).fill("30000"));

  const rolled = await inputs({ "log.retention.hours": "48", [LIVE]: "20000" });
  await expect(rollout.up(rolled)).resolves.toBe("updated");
  await expect(Promise.all(brokers.map(inForce))).resolves.toEqual(Array(3).fill(undefined));
  (await Promise.all(pis.map((pi) => pi.pid()))).forEach((pid, index) =>
    expect(pid).not.toBe(before[index]),
  );
});

test("a broker that cannot read its setting stops the roll; two others serve; the next run heals it", async () => {
  const bad = await inputs({ "log.retention.hours": "soon" });
  await expect(rollout.up(bad)).rejects.toThrow(
    /Kafka dies at its start\n[^]*Invalid value soon for configuration log\.retention\.hours/,
  );
  const serving = (await admin.listBrokers()).filter((broker) => !broker.fenced);
  expect(serving).toHaveLength(2);
  const good = await inputs({ "log.retention.hours": "36" });
  await expect(rollout.up(good, { forced: true })).resolves.toBe("updated");
  const partitions = (await admin.listPartitions()).flatMap((topic) => topic.partitions);
  expect(partitions.filter(({ isr }) => isr.length < 3)).toEqual([]);
});

test("destroy ends all brokers, each with a clean shutdown", async () => {
  await rollout.delete();
  for (const pi of pis) {
    expect(await pi.pid()).toBeUndefined();
    expect(await pi.journalTail()).toMatch(/shut down completed|status 143/);
  }
});
