import { subscribe, unsubscribe } from "node:diagnostics_channel";

import { PlatformaticAdmin } from "../../provider/admin/platformatic";
import { asking, type LiveTopic, PATIENT } from "../../provider/admin/port";
import { pilabProvider } from "../../provider/provider";
import { StartedKafkaCluster } from "../support/kafka/kafka-cluster";
import { awaitLeader } from "../support/kafka/write-records";
import { ProviderDriver, type ResourceDriver } from "../support/provider-driver";
import { waitFor } from "../support/wait";

jest.setTimeout(180_000);

const TOPIC = "pilab:kafka/topic:Topic";
const COUNT = 200;
/** The engine's number of a log line's weight. */
const WARNING = 2;
const names = (prefix: string): string[] =>
  Array.from({ length: COUNT }, (_, n) => `${prefix}-${n}`);

/** Requests by Kafka's number of them. */
const [METADATA, API_VERSIONS, CREATE, DELETE, DESCRIBE_CONFIGS, ALTER_CONFIGS] = [
  3, 18, 19, 20, 32, 44,
] as const;

/** What goes out, as the client library tells of it. */
class Wire {
  private sent: number[] = [];
  private dials = 0;
  private readonly onSend = (message: unknown): void => {
    this.sent.push((message as { apiKey: number }).apiKey);
  };
  private readonly onDial = (): void => void this.dials++;

  listen(): void {
    subscribe("tracing:plt:kafka:connections:api:start", this.onSend);
    subscribe("tracing:plt:kafka:connections:connects:start", this.onDial);
  }

  close(): void {
    unsubscribe("tracing:plt:kafka:connections:api:start", this.onSend);
    unsubscribe("tracing:plt:kafka:connections:connects:start", this.onDial);
  }

  /** What was sent since the last look, and how often it was dialled. */
  take(): { requests: Record<number, number>; dials: number } {
    const requests: Record<number, number> = {};
    for (const key of this.sent) requests[key] = (requests[key] ?? 0) + 1;
    const seen = { requests, dials: this.dials };
    this.sent = [];
    this.dials = 0;
    return seen;
  }
}

let cluster: StartedKafkaCluster;
const wire = new Wire();

beforeAll(async () => {
  cluster = await StartedKafkaCluster.start();
  wire.listen();
});

afterAll(async () => {
  wire.close();
  await cluster?.stop();
});

/** A plugin as the engine starts one for each run. */
const startDriver = (): Promise<ProviderDriver> =>
  ProviderDriver.start(
    pilabProvider({
      connectAdmin: (servers, options) => new PlatformaticAdmin(servers, options),
      openShell: () => Promise.reject(new Error("dialled a host")),
    }),
    { bootstrapServers: cluster.bootstrapServers },
  );

test("two hundred topics of one moment are a few requests over one connection", async () => {
  const admin = new PlatformaticAdmin(cluster.bootstrapServers.split(","), PATIENT);
  wire.take();
  try {
    const all = names("admin");
    const size = { partitions: 1, replicationFactor: 3, config: {} };
    await Promise.all(all.map((name) => admin.createTopic({ name, ...size })));
    // All bootstrap servers are dialled at once, and the first to answer is kept.
    expect(wire.take()).toEqual({ requests: { [API_VERSIONS]: 1, [CREATE]: 2 }, dials: 3 });

    await awaitLeader(admin, all.at(-1)!);
    wire.take();
    const found = await Promise.all(all.map((name) => admin.describeTopic(name)));
    expect(found.map((one) => one?.topic)).toEqual(all);
    expect(wire.take()).toEqual({ requests: { [METADATA]: 1, [DESCRIBE_CONFIGS]: 1 }, dials: 0 });

    const alter = (name: string) => admin.alterTopicConfig(name, { "retention.ms": "1000" }, []);
    await Promise.all(all.map(alter));
    expect(wire.take()).toEqual({ requests: { [ALTER_CONFIGS]: 2 }, dials: 0 });

    await Promise.all(found.map((topic) => admin.deleteTopic(topic!)));
    expect(wire.take()).toEqual({ requests: { [DELETE]: 2 }, dials: 0 });
  } finally {
    await admin.close();
  }
});

test("so are two hundred resources, their waits to be in sync included", async () => {
  const driver = await startDriver();
  wire.take();
  try {
    const spec = { partitions: 2, replicationFactor: 3, config: {}, deletionProtection: false };
    const resources = names("resource").map((name) => ({
      up: () => driver.resource(TOPIC, name).up({ name, ...spec }),
    }));
    const outcomes = await Promise.all(resources.map(({ up }) => up()));
    expect(new Set(outcomes)).toEqual(new Set(["created"]));
    const { requests, dials } = wire.take();
    expect(dials).toBeLessThanOrEqual(3);
    expect(requests[CREATE]).toBeLessThanOrEqual(10);
    // Each topic is looked at twice at the least: alone that were as many requests of either kind.
    expect(requests[METADATA]).toBeLessThan(COUNT);
    expect(requests[DESCRIBE_CONFIGS]).toBeLessThan(COUNT);
  } finally {
    await driver.stop();
  }
});

/** What a refresh brings of each, one after another, as a run of the engine with nothing done in parallel. */
async function refreshed(
  driver: ProviderDriver,
  states: ReadonlyMap<string, ResourceDriver["state"]>,
) {
  const found: Record<string, ResourceDriver["state"]> = {};
  for (const [name, state] of states) {
    const resource = driver.resource(TOPIC, name);
    resource.state = state;
    found[name] = await resource.refresh();
  }
  const warnings = driver.logs.filter(({ severity }) => severity === WARNING);
  return { found, warnings: warnings.map(({ message }) => message) };
}

test("a refresh tells what was done by hand to some of many, from one look as from asking each", async () => {
  const COUNT = 40;
  const config = { "retention.ms": "86400000", "segment.ms": "3600000" };
  const spec = { partitions: 1, replicationFactor: 3, config, deletionProtection: false };
  const all = Array.from({ length: COUNT }, (_, n) => `seen-${n}`);
  const [changed, removed, grown, gone, remade, theirs] = [20, 22, 24, 26, 28, 30].map(
    (n) => `seen-${n}`,
  ) as [string, string, string, string, string, string];
  const maker = await startDriver();
  const admin = new PlatformaticAdmin(cluster.bootstrapServers.split(","), PATIENT);
  const drivers = [maker];
  const driver = async () => {
    const started = await startDriver();
    drivers.push(started);
    return started;
  };
  try {
    const states = new Map<string, ResourceDriver["state"]>();
    const made = all.map(async (name) => {
      const resource = maker.resource(TOPIC, name);
      await resource.up({ name, ...spec });
      return resource.known();
    });
    for (const state of await Promise.all(made)) states.set(state.id, state);

    await admin.alterTopicConfig(changed, { "retention.ms": "5000" }, []);
    await admin.alterTopicConfig(removed, {}, ["segment.ms"]);
    await admin.alterTopicConfig(theirs, { "max.message.bytes": "5000" }, []);
    await admin.raisePartitions(grown, 3);
    for (const name of [gone, remade]) {
      await admin.deleteTopic((await admin.describeTopic(name))!);
    }
    await onEveryBroker(remade, (live) => live === undefined);
    await admin.createTopic({ name: remade, ...spec });
    await onEveryBroker(changed, (live) => live?.config["retention.ms"] === "5000");
    await onEveryBroker(removed, (live) => live?.config["segment.ms"] === undefined);
    await onEveryBroker(theirs, (live) => live?.config["max.message.bytes"] === "5000");
    await onEveryBroker(
      grown,
      (live) => live?.partitions.length === 3 && live.partitions.every(inSync),
    );
    await onEveryBroker(gone, (live) => live === undefined);
    await onEveryBroker(remade, (live) => live?.partitions.every(inSync) ?? false);

    const looking = await driver();
    wire.take();
    const looked = await refreshed(looking, states);
    // 16 alone, one look at all, and the one that is gone by itself.
    expect(wire.take().requests).toMatchObject({ [METADATA]: 18, [DESCRIBE_CONFIGS]: 18 });
    const { found, warnings } = looked;
    const seen = (name: string) => found[name]?.outputs;
    expect(seen(changed)).toMatchObject({ config: { ...config, "retention.ms": "5000" } });
    expect(seen(removed)?.["config"]).toEqual({ "retention.ms": "86400000" });
    expect(seen(grown)).toMatchObject({ partitions: 3 });
    expect(found[gone]).toBeUndefined();
    const before = states.get(remade)?.outputs["topicId"];
    expect(seen(remade)?.["topicId"]).toMatch(/^[\w-]{22}$/);
    expect(seen(remade)?.["topicId"]).not.toBe(before);
    expect(warnings).toEqual([
      expect.stringMatching(new RegExp(`^topic ${remade} was deleted and made again`)),
    ]);
    const drifted = [changed, removed, grown, gone, remade];
    for (const name of all.filter((one) => !drifted.includes(one))) {
      expect(found[name]).toEqual(states.get(name));
    }

    // Once it has made something this process asks for each topic by itself.
    const changing = await driver();
    await changing.resource(TOPIC, "one-more").up({ name: "one-more", ...spec });
    wire.take();
    const alone = await refreshed(changing, states);
    expect(wire.take().requests).toMatchObject({ [METADATA]: COUNT, [DESCRIBE_CONFIGS]: COUNT });
    expect(alone).toEqual(looked);
  } finally {
    await Promise.all([admin.close(), ...drivers.map((one) => one.stop())]);
  }
});

const inSync = ({ isr, replicas }: LiveTopic["partitions"][number]): boolean =>
  isr.length === replicas.length;

/** Until each broker tells so: the plugin may ask another one than the test does. */
async function onEveryBroker(
  name: string,
  isSo: (live: LiveTopic | undefined) => boolean | undefined,
): Promise<void> {
  const views = cluster.bootstrapServers
    .split(",")
    .map((server) =>
      asking(new PlatformaticAdmin([server], PATIENT), (one) =>
        waitFor(`${server} to tell what was done to ${name}`, async () =>
          isSo(await one.describeTopic(name)) === true ? true : undefined,
        ),
      ),
    );
  await Promise.all(views);
}
