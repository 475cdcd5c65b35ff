import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { parse } from "yaml";
import { parseLab } from "../../model";
import { PlatformaticAdmin } from "../../provider/admin/platformatic";
import { PATIENT, type KafkaAdmin } from "../../provider/admin/port";
import { pilabProvider } from "../../provider/provider";
import { gatherTopics } from "../../scripts/lib/adopt/gather";
import { planAdoption } from "../../scripts/lib/adopt/plan";
import { remarks, topicsYaml } from "../../scripts/lib/adopt/text";
import { StartedKafkaCluster } from "../support/kafka/kafka-cluster";
import { change, physicalConfig } from "../support/lab-config";
import { ProviderDriver } from "../support/provider-driver";

const TOPIC = "pilab:kafka/topic:Topic";
const DELETE = 2;
const CHECKOUT = join(__dirname, "../..");

/** All that changes anything in a cluster. */
const WRITES: readonly (keyof KafkaAdmin)[] = [
  "createTopic",
  "raisePartitions",
  "alterTopicConfig",
  "deleteTopic",
  "reassign",
  "throttleReplication",
  "electPreferredLeaders",
  "setClusterSetting",
  "raiseFeature",
  "alterRunTimeSettings",
];

jest.setTimeout(120_000);

let cluster: StartedKafkaCluster;
let admin: PlatformaticAdmin;
let driver: ProviderDriver;
/** What the provider has changed in the cluster, by the admin's methods. */
const written: string[] = [];

function recorded(real: KafkaAdmin): KafkaAdmin {
  return new Proxy(real, {
    get: (target, name) => {
      if (WRITES.includes(name as keyof KafkaAdmin)) written.push(String(name));
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

beforeAll(async () => {
  cluster = await StartedKafkaCluster.start();
  admin = new PlatformaticAdmin(cluster.bootstrapServers.split(","), PATIENT);
  const ports = {
    connectAdmin: (servers: readonly string[], options: typeof PATIENT) =>
      recorded(new PlatformaticAdmin(servers, options)),
    openShell: () => Promise.reject(new Error("dialled a host")),
  };
  driver = await ProviderDriver.start(pilabProvider(ports), {
    bootstrapServers: cluster.bootstrapServers,
  });
});

afterAll(async () => {
  await driver?.stop();
  await admin?.close();
  await cluster?.stop();
});

/** Three brokers with the nodes 1 to 3. */
function labConfig(): Record<string, unknown> {
  const config = physicalConfig();
  for (const client of ["client-1", "client-2"]) change(config, ["hosts", client], undefined);
  return config;
}

test("a cluster is taken over as adopt prints it, without a change", async () => {
  const throttled = { "leader.replication.throttled.replicas": "0:1" };
  await Promise.all(
    [
      { name: "red", partitions: 3, replicationFactor: 3, config: {} },
      {
        name: "green.2",
        partitions: 1,
        replicationFactor: 2,
        config: { "retention.ms": "-1", "cleanup.policy": "compact", ...throttled },
      },
      {
        name: "on",
        partitions: 1,
        replicationFactor: 1,
        config: { "min.insync.replicas": "1", "min.cleanable.dirty.ratio": "0.50" },
      },
    ].map((topic) => admin.createTopic(topic)),
  );
  const placement = [
    [1, 2, 3],
    [2, 3],
  ];
  await admin.createTopic({
    ...{ name: "uneven", partitions: 2, replicationFactor: 3, config: {} },
    placement: placement.slice(0, 1).concat([[2, 3, 1]]),
  });
  await admin.reassign("uneven", new Map([[1, [2, 3]]]));
  const found = await settledTopics(4);

  const lab = labConfig();
  const hosts = new Map([1, 2, 3].map((id) => [id, `broker-${id}`]));
  const plan = planAdoption(found, { placement: false, rules: { lab, hosts } });
  expect(remarks(plan)).toEqual([
    expect.stringMatching(/^uneven: left out\. .*3 in partition 0, 2 in partition 1/),
    "The lab has topics that are not in the cluster: green. Keep their lines to have them made.",
  ]);
  const { topics } = parseLab({ ...lab, ...(parse(topicsYaml(plan.topics)) as object) });
  expect(topics.map(({ name }) => name)).toEqual(["green.2", "on", "red"]);

  const before = await Promise.all(topics.map(({ name }) => admin.describeTopic(name)));
  for (const topic of topics) {
    const resource = driver.resource(TOPIC, topic.name);
    const inputs = { ...topic, placement: undefined };
    await expect(resource.up(inputs)).resolves.toBe("created");
    await expect(resource.up(inputs)).resolves.toBe("unchanged");
    await resource.refresh();
    // A throttle that a reassignment has left behind is told by a refresh, and by it alone.
    const left = topic.name === "green.2" ? { unfinished: DELETE } : {};
    await expect(resource.diff(inputs)).resolves.toEqual(left);
  }
  expect(written).toEqual([]);
  expect(await Promise.all(topics.map(({ name }) => admin.describeTopic(name)))).toEqual(before);
});

test("the command prints it, what it leaves out on stderr", async () => {
  const args = [
    "toolchain/bootstrap.mjs",
    "scripts/adopt.ts",
    "--format",
    "program",
    "--bootstrap",
  ];
  const run = promisify(execFile)("node", [...args, cluster.bootstrapServers], { cwd: CHECKOUT });
  const error = (await run.then(
    () => undefined,
    (failure: unknown) => failure,
  )) as { code: number; stdout: string; stderr: string };
  // One topic cannot be declared.
  expect(error.code).toBe(1);
  expect(error.stderr).toMatch(/^uneven: left out\./m);
  expect(error.stdout).toMatch(
    '// pulumi import --generate-code=false pilab:kafka/topic:Topic red red\nnew Topic("red", {\n',
  );
  expect(error.stdout).not.toMatch(/uneven|throttled/);
});

/** Once the cluster shows so many topics, none of which is on its way. */
async function settledTopics(count: number): ReturnType<typeof gatherTopics> {
  for (const end = Date.now() + 30_000; ; await new Promise((done) => setTimeout(done, 200))) {
    const found = await gatherTopics(admin);
    if (found.topics.length === count && found.moving.size === 0) return found;
    if (Date.now() > end) throw new Error(`waited 30 s for ${count} topics at rest`);
  }
}
