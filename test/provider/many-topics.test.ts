import { subscribe, unsubscribe } from "node:diagnostics_channel";

import { PlatformaticAdmin } from "../../provider/admin/platformatic";
import { PATIENT } from "../../provider/admin/port";
import { pilabProvider } from "../../provider/provider";
import { StartedKafkaCluster } from "../support/kafka/kafka-cluster";
import { awaitLeader } from "../support/kafka/write-records";
import { ProviderDriver } from "../support/provider-driver";

jest.setTimeout(180_000);

const TOPIC = "pilab:kafka/topic:Topic";
const COUNT = 200;
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
  const driver = await ProviderDriver.start(
    pilabProvider({
      connectAdmin: (servers, options) => new PlatformaticAdmin(servers, options),
      openShell: () => Promise.reject(new Error("dialled a host")),
    }),
    { bootstrapServers: cluster.bootstrapServers },
  );
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
