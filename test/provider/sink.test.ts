import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SinkConfig } from "../../model";
import { KafkaProducer } from "../../payloads/lib/kafka";
import { PlatformaticAdmin } from "../../provider/admin/platformatic";
import { PATIENT } from "../../provider/admin/port";
import { freePorts, StartedKafkaCluster } from "../support/kafka/kafka-cluster";
import { readTopic } from "../support/kafka/read-topic";
import { awaitLeader } from "../support/kafka/write-records";
import { StartedProgram } from "../support/started-program";
import { localPostgres, type LocalPostgres } from "../support/store/postgres";
import { waitFor } from "../support/wait";

/** The sink between three real brokers and a real PostgreSQL, as all of them die in turn. */

jest.setTimeout(240_000);

const DEVICES = 20;
let cluster: StartedKafkaCluster;
let admin: PlatformaticAdmin;
let producer: KafkaProducer;
let postgres: LocalPostgres;
let folder: string;
let sink: StartedProgram | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pi-lab-sink-"));
  [cluster, postgres] = await Promise.all([StartedKafkaCluster.start(), localPostgres()]);
  const servers = cluster.bootstrapServers.split(",");
  admin = new PlatformaticAdmin(servers, PATIENT);
  producer = new KafkaProducer({ bootstrapServers: servers }, () => {});
});

afterEach(async () => {
  await sink?.kill();
});

afterAll(async () => {
  await producer?.close(0);
  await admin?.close();
  await Promise.all([cluster?.stop(), postgres?.remove()]);
  await rm(folder, { recursive: true, force: true });
});

async function create(topic: string): Promise<void> {
  await admin.createTopic({ name: topic, partitions: 3, replicationFactor: 3, config: {} });
  for (let i = 0; i < 3; i++) await awaitLeader(admin, topic, i);
}

let started = 0;
async function start(...topics: string[]): Promise<StartedProgram> {
  const [port = 0] = await freePorts(1);
  const config: SinkConfig = {
    ...{ host: "data-1", endpoint: { address: "127.0.0.1", port }, topics, retentionDays: 30 },
    kafka: { bootstrapServers: cluster.bootstrapServers.split(",") },
    store: postgres.access("sink"),
  };
  const file = join(folder, `sink-${++started}.json`);
  await writeFile(file, JSON.stringify(config), { mode: 0o600 });
  sink = new StartedProgram("sink", [file], {}, port);
  return sink;
}

/** One in ten is no telemetry. */
function valueOf(n: number): Buffer {
  if (n % 10 === 7) return Buffer.from(`broken ${n}`);
  const time = new Date().toISOString();
  const reading = { temperatureC: 40 + (n % 30), cpuLoad: 0.25 };
  return Buffer.from(JSON.stringify({ device: `pi-${n % DEVICES}`, time, seq: n, ...reading }));
}

/** Writes at a steady rate; gives what counts those that Kafka has. */
function produce(topic: string, count: number, perSecond: number) {
  let acknowledged = 0;
  const sends: Promise<void>[] = [];
  let n = 0;
  const finished = new Promise<void>((resolve, reject) => {
    const timer = setInterval(() => {
      for (let i = 0; i < perSecond / 20 && n < count; i++, n++) {
        const record = { topic, key: `pi-${n % DEVICES}`, value: valueOf(n) };
        sends.push(producer.send([record]).then(() => void acknowledged++));
      }
      if (n < count) return;
      clearInterval(timer);
      Promise.all(sends).then(() => resolve(), reject);
    }, 50);
  });
  const has = (wanted: number) =>
    waitFor(`record ${wanted}`, () => Promise.resolve(acknowledged >= wanted || undefined), {
      deadlineMs: 60_000,
      pauseMs: 20,
    });
  return { finished, has };
}

const inKafka = async (topic: string): Promise<string[]> =>
  (
    await readTopic(
      cluster.brokers.map(({ id, address }) => [id, address] as const),
      topic,
    )
  )
    .map(({ partition, offset, value }) => `${partition}/${offset} ${value!.toString("hex")}`)
    .sort();

/** Readings by what they say, the rest by its bytes. */
const inStore = async (topic: string): Promise<string[]> =>
  (
    await postgres.ask<{
      partition: number;
      offset: string;
      seq: string | null;
      raw: Buffer | null;
    }>(
      `SELECT r.partition, r."offset", r.seq, r.raw FROM records r JOIN sources s ON s.id = r.source_id
       WHERE s.topic = '${topic}'`,
    )
  )
    .map(({ partition, offset, seq, raw }) => `${partition}/${offset} ${raw?.toString() ?? seq}`)
    .sort();

const saidInKafka = async (topic: string): Promise<string[]> =>
  (await inKafka(topic))
    .map((line) => {
      const [place, hex = ""] = line.split(" ");
      const text = Buffer.from(hex, "hex").toString();
      const said = text.startsWith("{") ? (JSON.parse(text) as { seq: number }).seq : text;
      return `${place} ${said}`;
    })
    .sort();

const stored = async (topic: string): Promise<number> => {
  const [row] = await postgres.ask<{ n: string }>(
    `SELECT coalesce(sum(highest_offset), 0) AS n FROM positions p JOIN sources s ON s.id = p.source_id WHERE topic = '${topic}'`,
  );
  return Number(row?.n);
};

const storedAtLeast = (topic: string, count: number) =>
  waitFor(
    `${count} records in the store`,
    async () => (await stored(topic)) >= count || undefined,
    {
      deadlineMs: 60_000,
      pauseMs: 100,
    },
  );

test("each record is there once, while sink, PostgreSQL and a broker are killed in turn", async () => {
  await create("faults");
  const total = 6000;
  await start("faults");
  const writing = produce("faults", total, 400);
  for (const n of [400, 1000, 1600]) {
    await writing.has(n);
    await storedAtLeast("faults", n / 4);
    await sink!.kill();
    await start("faults");
  }
  await storedAtLeast("faults", 1500);
  await postgres.stop("SIGKILL");
  await writing.has(2600);
  await waitFor("an unwell sink", async () => (await sink!.health()).status === 503 || undefined);
  expect((await sink!.health()).body).toContain("PostgreSQL: ");
  await postgres.start();
  await storedAtLeast("faults", 2600);
  await cluster.stopBroker(2, "SIGKILL");
  await writing.has(3600);
  cluster.startBroker(2);
  await postgres.stop("SIGINT");
  await postgres.start();
  await writing.has(4600);
  await storedAtLeast("faults", 4000);
  const before = await sink!.figures();
  expect(before("pilab_sink_bad_records_total")).toBeGreaterThan(0);
  expect(before("pilab_sink_failures_total")).toBeGreaterThan(0);
  expect((await sink!.stop()).code).toBe(0);
  await start("faults");
  await writing.finished;
  await storedAtLeast("faults", total);

  const wanted = await saidInKafka("faults");
  expect(wanted).toHaveLength(total);
  expect(await inStore("faults")).toEqual(wanted);
  const sums = await postgres.ask(
    `SELECT (SELECT sum(readings) FROM readings_per_minute) AS readings,
       (SELECT count(*) FROM bad_records) AS bad, (SELECT count(*) FROM latest_readings) AS devices,
       (SELECT sum(lag) FROM sink_progress) AS lag`,
  );
  expect(sums).toEqual([{ readings: "5400", bad: "600", devices: "18", lag: "0" }]);
  await sink!.awaitHealthy();
  const figure = await sink!.figures();
  expect(figure("pilab_sink_duplicates_total")).toBe(0);
  expect(figure("pilab_sink_lag")).toBe(0);
  expect((await sink!.stop()).code).toBe(0);
});

test("a topic made again goes on from its start, beside what the former one held", async () => {
  await create("again");
  await start("again");
  const first = produce("again", 60, 1000);
  await first.finished;
  await storedAtLeast("again", 60);
  await admin.deleteTopic((await admin.describeTopic("again"))!);
  await waitFor("the topic's end", async () =>
    (await admin.describeTopic("again")) === undefined ? true : undefined,
  );
  await create("again");
  await produce("again", 90, 1000).finished;
  await storedAtLeast("again", 150);
  const logs = await postgres.ask(
    `SELECT s.generation, count(*) AS n FROM records r JOIN sources s ON s.id = r.source_id
     WHERE topic = 'again' GROUP BY s.id, s.generation ORDER BY s.id`,
  );
  expect(logs).toEqual([
    { generation: 0, n: "60" },
    { generation: 0, n: "90" },
  ]);
  // What stands still is waited for, a bounded time.
  await postgres.whilePaused(async () => {
    await produce("again", 30, 1000).finished;
    expect((await sink!.stop()).code).toBe(0);
  });
  await start("again");
  await storedAtLeast("again", 180);
  expect(await inStore("again")).toHaveLength(180);
});
