import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabricksConfig } from "../../model";
import { KafkaProducer } from "../../payloads/lib/kafka";
import { PlatformaticAdmin } from "../../provider/admin/platformatic";
import { PATIENT } from "../../provider/admin/port";
import { FakeDatabricks } from "../support/databricks/fake-databricks";
import { freePorts, StartedKafkaCluster } from "../support/kafka/kafka-cluster";
import { awaitLeader } from "../support/kafka/write-records";
import { StartedProgram } from "../support/started-program";
import { waitFor } from "../support/wait";

/** The program as a host runs it, between a real broker and a server that speaks Databricks' protocol. */

jest.setTimeout(120_000);

/** A broker by itself. Kafka holds a killed reader's partitions for 45 s; the test does not wait that long. */
const ALONE = {
  "min.insync.replicas": "1",
  "offsets.topic.replication.factor": "1",
  "group.consumer.session.timeout.ms": "6000",
  "group.consumer.min.session.timeout.ms": "6000",
  "group.consumer.heartbeat.interval.ms": "2000",
  "group.consumer.min.heartbeat.interval.ms": "2000",
};

let cluster: StartedKafkaCluster;
let admin: PlatformaticAdmin;
let producer: KafkaProducer;
let server: FakeDatabricks;
let folder: string;
let program: StartedProgram | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pi-lab-databricks-"));
  cluster = await StartedKafkaCluster.start(ALONE, { count: 1 });
  const bootstrapServers = cluster.bootstrapServers.split(",");
  admin = new PlatformaticAdmin(bootstrapServers, PATIENT);
  producer = new KafkaProducer({ bootstrapServers }, () => {});
  server = await FakeDatabricks.start();
  await admin.createTopic({ name: "telemetry", partitions: 3, replicationFactor: 1, config: {} });
  for (let i = 0; i < 3; i++) await awaitLeader(admin, "telemetry", i);
});

afterAll(async () => {
  await program?.kill();
  await producer?.close(0);
  await admin?.close();
  await cluster?.stop();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function start(): Promise<StartedProgram> {
  const [port = 0] = await freePorts(1);
  const config: DatabricksConfig = {
    ...{ host: "data-1", endpoint: { address: "127.0.0.1", port } },
    kafka: { bootstrapServers: cluster.bootstrapServers.split(",") },
    ...{ ...FakeDatabricks.access, workspace: server.url, topics: ["telemetry"] },
    ...{ everySeconds: 2, batchKib: 64 },
  };
  const file = join(folder, "databricks.json");
  await writeFile(file, JSON.stringify(config), { mode: 0o600 });
  program = new StartedProgram("databricks", [file], {}, port);
  return program;
}

async function write(from: number, to: number): Promise<void> {
  const sends = Array.from({ length: to - from }, (_, i) =>
    producer.send([
      { topic: "telemetry", key: `k${(from + i) % 20}`, value: Buffer.from(String(from + i)) },
    ]),
  );
  await Promise.all(sends);
}

/** The numbers that were uploaded, as the documented notebook reads them: each offset once. */
function uploaded(): number[] {
  const lines = server.lines();
  const once = new Map(
    lines.map((line) => [`${String(line["partition"])} ${String(line["offset"])}`, line]),
  );
  return [...once.values()].map(({ value }) => Number(value)).sort((a, b) => a - b);
}

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

const until = (count: number) =>
  waitFor(
    `${count} records in the volume`,
    () => Promise.resolve(uploaded().length >= count || undefined),
    { deadlineMs: 40_000, pauseMs: 50 },
  );

test("records arrive in few files, through an outage, a kill and a stop, and each can be read once", async () => {
  const first = await start();
  await write(0, 500);
  await first.awaitHealthy();
  await until(500);
  expect(uploaded()).toEqual(range(500));
  // Records that come one by one are gathered into one file a partition, not one each.
  const before = server.files.size;
  for (let n = 500; n < 560; n++) await write(n, n + 1);
  await until(560);
  expect(server.files.size - before).toBeLessThan(30);

  server.faults.push(...Array.from({ length: 3 }, () => ({ status: 503 }) as const));
  await write(560, 700);
  await first.said("not uploaded, tried again until it is");
  await first.kill();
  const second = await start();
  await until(700);
  expect(uploaded()).toEqual(range(700));

  await second.awaitHealthy();
  const stopped = await second.stop();
  expect(stopped.code).toBe(0);
  expect(stopped.output).not.toContain(FakeDatabricks.access.secret);
  // What was committed is not uploaded again.
  const size = server.seen.length;
  await start();
  await write(700, 710);
  await until(710);
  const again = server.seen.slice(size).filter(({ path }) => path.includes("/fs/files/"));
  expect(again.length).toBeLessThanOrEqual(6);
  expect(uploaded()).toEqual(range(710));
});
