import { PlatformaticAdmin } from "../../provider/admin/platformatic";
import type { ConnectAdmin } from "../../provider/admin/port";
import { asking, PATIENT } from "../../provider/admin/port";
import { pilabProvider } from "../../provider/provider";
import { StartedKafkaCluster } from "../support/kafka/kafka-cluster";
import { awaitLeader, writeRecords } from "../support/kafka/write-records";
import type { ResourceDriver } from "../support/provider-driver";
import { ProviderDriver } from "../support/provider-driver";
import { waitFor } from "../support/wait";

/** What a preview says of an edit, by what three real brokers hold: each verdict seen firing and not firing. */

const TOPIC = "pilab:kafka/topic:Topic";
/** The engine's own numbers. */
const [INFO, WARNING] = [1, 2];
const DAY_MS = 24 * 3_600_000;

jest.setTimeout(180_000);

let cluster: StartedKafkaCluster;
let admin: PlatformaticAdmin;
const others: ProviderDriver[] = [];

const openShell = () => Promise.reject(new Error("dialled a host"));

/** A run of its own: what it says once, it says anew. */
async function run(
  config: Record<string, string> = {},
  connectAdmin: ConnectAdmin = (servers, options) => new PlatformaticAdmin(servers, options),
): Promise<ProviderDriver> {
  const driver = await ProviderDriver.start(pilabProvider({ connectAdmin, openShell }), {
    bootstrapServers: cluster.bootstrapServers,
    ...config,
  });
  others.push(driver);
  return driver;
}

const spec = (name: string, changes: object = {}) => ({
  name,
  partitions: 1,
  replicationFactor: 3,
  config: {},
  deletionProtection: false,
  ...changes,
});

const record = (n: number, more: object = {}) => ({ value: `value-${n}`, ...more });
const records = (count: number, more: object = {}) =>
  Array.from({ length: count }, (_, n) => record(n, more));

async function write(topic: string, batch: Parameters<typeof writeRecords>[3], partition = 0) {
  const leader = await awaitLeader(admin, topic, partition);
  await writeRecords(cluster.broker(leader).address, topic, partition, batch);
}

/** The lines of a preview of this edit. */
async function lines(topic: ResourceDriver, news: object): Promise<unknown> {
  return (await topic.checked(news as never))["changes"];
}

const warnings = (driver: ProviderDriver): string[] =>
  driver.logs.filter(({ severity }) => severity === WARNING).map(({ message }) => message);

beforeAll(async () => {
  cluster = await StartedKafkaCluster.start({ "log.cleaner.backoff.ms": "200" });
  admin = new PlatformaticAdmin(cluster.bootstrapServers.split(","), PATIENT);
});

afterEach(async () => {
  await Promise.all(others.splice(0).map((one) => one.stop()));
});

afterAll(async () => {
  await admin?.close();
  await cluster?.stop();
});

test("each change has its class, and the lines stay until something else changes", async () => {
  const driver = await run();
  const red = driver.resource(TOPIC, "red");
  const first = spec("red", { config: { "segment.ms": "60000" } });
  await red.up(first);
  expect(red.known().outputs).not.toHaveProperty("changes");
  const news = spec("red", { partitions: 2, config: { "segment.ms": "70000" } });
  const said = ["safe: 1 => 2 partitions; it is empty", "safe: segment.ms 60000 => 70000"];
  await expect(lines(red, news)).resolves.toEqual(said);
  await expect(red.diff(news)).resolves.toMatchObject({ changes: 0 });
  await expect(red.up(news)).resolves.toBe("updated");
  expect(red.known().outputs).toMatchObject({ changes: said });
  await expect(lines(red, news)).resolves.toEqual(said);
  await expect(red.up(news)).resolves.toBe("unchanged");
  await red.refresh();
  await expect(red.diff(news)).resolves.toEqual({});
  expect(warnings(driver)).toEqual([]);
});

test("more partitions remap keys where there are keys", async () => {
  const driver = await run();
  for (const name of ["keyed", "unkeyed"]) await driver.resource(TOPIC, name).up(spec(name));
  await write("keyed", [...records(30), ...records(10, { key: "k" })]);
  await write("unkeyed", records(5));
  const raised = async (name: string): Promise<unknown> => {
    const topic = driver.resource(TOPIC, name);
    await topic.up(spec(name));
    return lines(topic, spec(name, { partitions: 2 }));
  };
  await expect(raised("keyed")).resolves.toEqual([
    expect.stringMatching(/^remaps keys: 1 => 2 partitions; keys were found in 10 of 40 sampled/),
  ]);
  await expect(raised("unkeyed")).resolves.toEqual([
    "safe: 1 => 2 partitions; none of 5 sampled records has a key",
  ]);
  expect(warnings(driver)).toEqual([expect.stringMatching(/^topic keyed: remaps keys: 1 => 2/)]);
});

test("a shorter retention counts what it would delete, exactly by time", async () => {
  const driver = await run();
  const old = driver.resource(TOPIC, "old");
  const config = (retentionMs: number) => ({ config: { "retention.ms": String(retentionMs) } });
  await old.up(spec("old", config(30 * DAY_MS)));
  await write("old", records(40, { timestampMs: Date.now() - 3 * DAY_MS }));
  await write("old", records(10));
  await expect(lines(old, spec("old", config(DAY_MS)))).resolves.toEqual([
    expect.stringMatching(
      /^destroys: retention\.ms 2592000000 => 86400000; 40 records, about \d+ B in about 1 segment, are beyond/,
    ),
  ]);
  expect(warnings(driver)).toEqual([expect.stringMatching(/^topic old: destroys: retention\.ms/)]);
  await expect(lines(old, spec("old", config(5 * DAY_MS)))).resolves.toEqual([
    "safe: retention.ms 2592000000 => 432000000; it deletes nothing now",
  ]);
  await expect(lines(old, spec("old", config(60 * DAY_MS)))).resolves.toEqual([
    "safe: retention.ms 2592000000 => 5184000000",
  ]);
  await expect(lines(old, spec("old"))).resolves.toEqual([
    "may destroy: retention.ms 2592000000 => (the brokers' default); what it deletes was not counted, since only the brokers know their default",
  ]);
});

test("after a failed update an edit is judged by what it has written, not by the inputs of before", async () => {
  const topic = (await run()).resource(TOPIC, "written");
  const config = (retentionMs: number) =>
    spec("written", { config: { "retention.ms": String(retentionMs) } });
  await topic.up(config(7 * DAY_MS));
  // As the engine keeps an update that failed halfway: its outputs, and the inputs of before.
  const failed = { ...topic.known(), inputs: config(60_000) };
  await write("written", records(50, { timestampMs: Date.now() - 3_600_000 }));
  const inRun = (driver: ProviderDriver): ResourceDriver => {
    const same = driver.resource(TOPIC, "written");
    same.state = failed;
    return same;
  };
  const back = await run();
  await expect(inRun(back).diff(config(60_000))).resolves.toHaveProperty([
    'config["retention.ms"]',
  ]);
  expect(warnings(back)).toEqual([
    expect.stringMatching(
      /^topic written: destroys: retention\.ms 604800000 => 60000; 50 records, .* are beyond that now/,
    ),
  ]);
  const on = await run();
  await expect(lines(inRun(on), config(30_000))).resolves.toEqual([
    expect.stringMatching(/^destroys: retention\.ms 604800000 => 30000; 50 records/),
  ]);
  const again = await run();
  await expect(lines(inRun(again), config(7 * DAY_MS))).resolves.toEqual([
    "safe: retention.ms 60000 => 604800000; the cluster has it so already",
  ]);
  await expect(inRun(again).diff(config(7 * DAY_MS))).resolves.not.toHaveProperty([
    'config["retention.ms"]',
  ]);
  expect(warnings(again)).toEqual([]);
  const away = await run({ bootstrapServers: "127.0.0.1:1" });
  await inRun(away).diff(config(60_000));
  expect(warnings(away)).toEqual([
    expect.stringMatching(/was not asked of the cluster, since no broker answers$/),
    expect.stringMatching(
      /^topic written: may destroy: retention\.ms 604800000 => 60000; .* since no broker answers$/,
    ),
  ]);
});

test("a policy that others have set is what an edit begins from", async () => {
  const driver = await run();
  const topic = driver.resource(TOPIC, "theirs");
  const own = (config: object) =>
    spec("theirs", { config: { "retention.ms": String(DAY_MS), ...config } });
  await topic.up(own({}));
  await write("theirs", records(4, { key: "k", timestampMs: Date.now() - 2 * DAY_MS }));
  await admin.alterTopicConfig("theirs", { "cleanup.policy": "compact" }, []);
  await waitFor("the policy to show", async () => {
    const views = cluster.bootstrapServers
      .split(",")
      .map((server) =>
        asking(new PlatformaticAdmin([server], PATIENT), (one) => one.describeTopic("theirs")),
      );
    const seen = (await Promise.all(views)).map((live) => live?.config["cleanup.policy"]);
    return seen.every((policy) => policy === "compact") ? true : undefined;
  });
  await expect(lines(topic, own({ "cleanup.policy": "delete" }))).resolves.toEqual([
    expect.stringMatching(/^destroys: cleanup\.policy compact => delete; 4 records/),
  ]);
  // A log that is only compacted loses nothing by a shorter retention.
  await expect(lines(topic, own({ "retention.ms": "1000" }))).resolves.toEqual([
    "safe: retention.ms 86400000 => 1000",
  ]);
});

test("less to be kept in bytes, and a policy that begins to delete", async () => {
  const driver = await run();
  const wide = driver.resource(TOPIC, "wide");
  await wide.up(spec("wide"));
  await write("wide", records(100, { value: "x".repeat(1_000) }));
  const size = (bytes: number) => spec("wide", { config: { "retention.bytes": String(bytes) } });
  await expect(lines(wide, size(50_000))).resolves.toEqual([
    expect.stringMatching(
      /^destroys: retention\.bytes \(the brokers' default\) => 50000; about \d\d records, about \d\d(\.\d)? KiB in about 1 segment/,
    ),
  ]);
  await expect(lines(wide, size(10_000_000))).resolves.toEqual([
    "safe: retention.bytes (the brokers' default) => 10000000; it deletes nothing now",
  ]);

  const compact = driver.resource(TOPIC, "begins");
  const policy = (value: string) =>
    spec("begins", { config: { "cleanup.policy": value, "retention.ms": String(DAY_MS) } });
  await compact.up(policy("compact"));
  await write("begins", [
    ...records(7, { key: "k", timestampMs: Date.now() - 2 * DAY_MS }),
    record(8, { key: "k" }),
  ]);
  await expect(lines(compact, policy("compact,delete"))).resolves.toEqual([
    expect.stringMatching(/^destroys: cleanup\.policy compact => compact,delete; 7 records/),
  ]);
});

test("compaction of a topic with records that have no key", async () => {
  const driver = await run();
  const policy = (name: string) => spec(name, { config: { "cleanup.policy": "compact" } });
  const compacted = async (name: string, batch: object[]): Promise<unknown> => {
    const topic = driver.resource(TOPIC, name);
    await topic.up(spec(name));
    if (batch.length > 0) await write(name, batch as never);
    return lines(topic, policy(name));
  };
  await expect(compacted("mixed", [...records(3), ...records(2, { key: "k" })])).resolves.toEqual([
    expect.stringMatching(
      /^destroys: cleanup\.policy \(the brokers' default\) => compact; .* and 3 of 5 sampled records have none/,
    ),
  ]);
  await expect(compacted("all-keyed", records(4, { key: "k" }))).resolves.toEqual([
    expect.stringMatching(/^destroys: cleanup\.policy .*only the newest record is kept$/),
  ]);
  await expect(compacted("bare", [])).resolves.toEqual([
    "safe: cleanup.policy (the brokers' default) => compact; it is empty",
  ]);
  // What the line says is what brokers do.
  const eager = { "segment.ms": "100", "min.cleanable.dirty.ratio": "0.01" };
  const mixed = driver.resource(TOPIC, "mixed");
  await mixed.up(spec("mixed", { config: { ...eager, "cleanup.policy": "compact" } }));
  await expect(write("mixed", records(1))).rejects.toThrow(/INVALID_RECORD/);
  await waitFor("the cleaner to have removed what has no key", async () => {
    // A new record closes the segment that the others are in.
    await write("mixed", [record(9, { key: "later" })]);
    const { unkeyed } = await admin.sampleRecords("mixed", 0, 100);
    return unkeyed === 0 ? true : undefined;
  });
});

test("replicas that move: bytes, time and each partition", async () => {
  const driver = await run();
  const moved = driver.resource(TOPIC, "moved");
  await moved.up(spec("moved", { replicationFactor: 1, partitions: 2 }));
  await write("moved", records(20, { value: "x".repeat(1_000) }));
  const said = (await lines(
    moved,
    spec("moved", { replicationFactor: 2, partitions: 2 }),
  )) as string[];
  expect(said).toEqual([
    expect.stringMatching(
      /^moves data: replication factor 1 => 2; in all: [\d.]+ KiB to copy, about 1 s at 10 MiB\/s/,
    ),
    expect.stringMatching(
      /^moves data: partition 0: \d => \d,\d \(copies [\d.]+ KiB to broker \d\)/,
    ),
    expect.stringMatching(/^moves data: partition 1: \d => \d,\d/),
  ]);
  expect(warnings(driver)).toEqual([
    expect.stringMatching(/^topic moved: moves data: replication/),
  ]);
  await expect(
    moved.check(
      spec("moved", {
        replicationFactor: 2,
        partitions: 2,
        config: { "min.insync.replicas": "3" },
      }),
    ),
  ).resolves.toEqual([
    expect.stringMatching(
      /^config\["min\.insync\.replicas"\]: 3 is more than the replication factor, 2/,
    ),
  ]);
});

test("what the live cluster cannot have fails at its property", async () => {
  const driver = await run();
  await driver.resource(TOPIC, "a").up(spec("a.b"));
  const check = (name: string, changes: object = {}) =>
    driver.resource(TOPIC, "new").check(spec(name, changes));
  const all = await run();
  await expect(all.resource(TOPIC, "new").check(spec("a_b"))).resolves.toEqual([
    expect.stringMatching(/^name: a_b collides with the topic a\.b of the cluster/),
  ]);
  await expect(check("fine", { replicationFactor: 4 })).resolves.toEqual([
    "replicationFactor: 4 is more than the cluster has brokers, 3; give at most 3",
  ]);
  await expect(check("fine", { config: { "segment.bytes": "1024" } })).resolves.toEqual([
    expect.stringMatching(
      /^config\["segment\.bytes"\]: "1024" is not what these brokers take\. Give .* at least 1048576/,
    ),
  ]);
  await expect(check("fine", { config: { "remote.copy.lag.ms": "5" } })).resolves.toEqual([
    expect.stringMatching(
      /^config\["remote\.copy\.lag\.ms"\]: comes with Kafka 4\.4\.0, and the brokers run an older one/,
    ),
  ]);
  await expect(check("fine", { config: { "message.format.version": "3.0" } })).resolves.toEqual([
    expect.stringMatching(/went with Kafka 4\.0/),
  ]);
  await expect(check("fine", { config: { "segment.bytes": "1048576" } })).resolves.toEqual([]);
  // It is judged when it is new alone: a topic that is there is kept, whatever its brokers have become.
  const kept = driver.resource(TOPIC, "kept");
  kept.state = { id: "kept", inputs: spec("kept", { replicationFactor: 5 }), outputs: {} };
  await expect(kept.check(spec("kept", { replicationFactor: 5 }))).resolves.toEqual([]);
});

test("live checks that are off ask nobody, and say so in the lines", async () => {
  const driver = await run({ liveChecks: "false" }, () => {
    throw new Error("connected");
  });
  const topic = driver.resource(TOPIC, "quiet");
  const olds = spec("quiet", { config: { "retention.ms": "2000" } });
  topic.state = { id: "quiet", inputs: olds, outputs: { ...olds, topicId: "x" } };
  const news = { partitions: 2, replicationFactor: 2, config: { "retention.ms": "1000" } };
  await expect(lines(topic, spec("quiet", news))).resolves.toEqual([
    "may remap keys: 1 => 2 partitions; whether its records have keys was not asked, since live checks are off",
    "moves data: replication factor 3 => 2; how much was not asked, since live checks are off",
    "may destroy: retention.ms 2000 => 1000; what it deletes was not counted, since live checks are off",
  ]);
});

test("a cluster out of reach: said once, and nothing is held up or refused", async () => {
  const driver = await run({ bootstrapServers: "127.0.0.1:1" });
  for (const name of ["one", "two"]) {
    const topic = driver.resource(TOPIC, name);
    topic.state = { id: name, inputs: spec(name), outputs: { ...spec(name), topicId: "x" } };
    await expect(lines(topic, spec(name, { partitions: 2 }))).resolves.toEqual([
      expect.stringMatching(/^may remap keys: .* since no broker answers$/),
    ]);
  }
  const silent = warnings(driver).filter((line) => line.includes("was not asked of the cluster"));
  expect(silent).toEqual([
    "what this does to topics was not asked of the cluster, since no broker answers",
  ]);
  // New topics alone are no cause for a warning: before a lab's first `up` there is nobody to ask.
  const first = await run({ bootstrapServers: "127.0.0.1:1" });
  await expect(first.resource(TOPIC, "one").check(spec("one"))).resolves.toEqual([]);
  expect(first.logs.map(({ severity }) => severity)).toEqual([INFO]);
});

test("what makes less of a write: fewer replicas in sync, and leaders that lack records", async () => {
  const driver = await run();
  const loose = driver.resource(TOPIC, "loose");
  const unclean = "unclean.leader.election.enable";
  const strict = { "min.insync.replicas": "3", [unclean]: "false" };
  const withConfig = (config: Record<string, string>) => spec("loose", { config });
  await loose.up(withConfig(strict));
  await expect(
    lines(loose, withConfig({ ...strict, "min.insync.replicas": "2" })),
  ).resolves.toEqual([
    "weakens writes: min.insync.replicas 3 => 2; writes with acks=all are taken with 2 replicas in sync, where 3 were needed: what so few have is lost with them",
  ]);
  // The cluster's own is 2, and lets no leader lack records.
  await expect(lines(loose, spec("loose"))).resolves.toEqual([
    "weakens writes: min.insync.replicas 3 => (the brokers' default); writes with acks=all are taken with 2 replicas in sync, where 3 were needed: what so few have is lost with them",
    "safe: unclean.leader.election.enable false => (the brokers' default)",
  ]);
  await expect(lines(loose, withConfig({ ...strict, [unclean]: "true" }))).resolves.toEqual([
    expect.stringMatching(
      /^may destroy: unclean.* false => true; where no replica in sync is left/,
    ),
  ]);
  await admin.setClusterSetting(unclean, "true");
  await waitFor("every broker to have it so", async () => {
    const views = cluster.bootstrapServers
      .split(",")
      .map((server) =>
        asking(new PlatformaticAdmin([server], PATIENT), (one) =>
          one.topicDefault("loose", unclean),
        ),
      );
    return (await Promise.all(views)).every((value) => value === "true") ? true : undefined;
  });
  await expect(lines(loose, withConfig({ "min.insync.replicas": "3" }))).resolves.toEqual([
    expect.stringMatching(/^may destroy: unclean.* => \(the brokers' default\); where no replica/),
  ]);
  await admin.setClusterSetting(unclean, "false");
});

test("min.insync.replicas above the replicas that live", async () => {
  const driver = await run();
  const thin = driver.resource(TOPIC, "thin");
  const minIsr = (count: number) =>
    spec("thin", { config: { "min.insync.replicas": String(count) } });
  await thin.up(minIsr(1));
  await expect(lines(thin, minIsr(3))).resolves.toEqual(["safe: min.insync.replicas 1 => 3"]);
  await cluster.stopBroker(3);
  await waitFor("two replicas in sync", async () => {
    const live = await admin.describeTopic("thin");
    return live?.partitions[0]?.isr.length === 2 ? true : undefined;
  });
  await waitFor("broker 3 to be fenced", async () =>
    (await admin.listBrokers()).some(({ id, fenced }) => id === 3 && fenced) ? true : undefined,
  );
  await expect(lines(thin, minIsr(3))).resolves.toEqual([
    "blocks writes: min.insync.replicas 1 => 3; partition 0 has 2 replicas in sync: writes with acks=all are refused until there are enough",
  ]);
  await expect(lines(thin, minIsr(2))).resolves.toEqual(["safe: min.insync.replicas 1 => 2"]);
  // The cluster's own is 2.
  await expect(lines(thin, spec("thin"))).resolves.toEqual([
    "safe: min.insync.replicas 1 => (the brokers' default)",
  ]);
  const fresh = await run();
  const news = spec("fresh", { config: { "min.insync.replicas": "3" } });
  await expect(fresh.resource(TOPIC, "fresh").check(news)).resolves.toEqual([]);
  expect(warnings(fresh)).toEqual([
    expect.stringMatching(
      /^topic fresh: min\.insync\.replicas 3 is more than the 2 of 3 brokers that serve now/,
    ),
  ]);
  cluster.startBroker(3);
  await cluster.awaitUnfenced([1, 2, 3]);
});
