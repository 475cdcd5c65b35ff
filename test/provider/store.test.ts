import { createServer, connect, type AddressInfo, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Registry } from "prom-client";
import type { StoreAccess } from "../../model";
import type { InRecord } from "../../payloads/lib/records";
import { Connection } from "../../payloads/sink/database";
import { makeFigures } from "../../payloads/sink/figures";
import { migrations, SCHEMA_VERSION } from "../../payloads/sink/migrations";
import { PositionMoved } from "../../payloads/sink/writer";
import { Stopped, Store } from "../../payloads/sink/store";
import { localPostgres, type LocalPostgres } from "../support/store/postgres";
import { waitFor } from "../support/wait";

/** What the sink makes of records, in a real PostgreSQL. Kafka's part is in sink.test.ts. */

jest.setTimeout(120_000);

const NOW = Date.parse("2026-11-29T12:00:00Z");
const DAY_MS = 86_400_000;

let postgres: LocalPostgres;
const opened: { store: Store; stop: () => Promise<void> }[] = [];
const proxies: Server[] = [];
let databases = 0;

beforeAll(async () => {
  postgres = await localPostgres();
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map(({ stop }) => stop()));
  for (const proxy of proxies.splice(0)) proxy.close();
});

afterAll(async () => {
  await postgres?.remove();
});

/** A database of its own. */
const fresh = (): Promise<StoreAccess> => postgres.database(`test_${++databases}`);

function open(access: StoreAccess, { now = NOW, retentionDays = 30 } = {}) {
  const metrics = new Registry();
  const figures = makeFigures(metrics, () => []);
  const stopping = new AbortController();
  const lines: string[] = [];
  const clock = { now };
  const store = new Store({
    ...{ access, retentionDays, figures, signal: stopping.signal },
    log: (_level, message) => lines.push(message),
    endOf: () => 1000n,
    now: () => clock.now,
  });
  const stop = async () => {
    stopping.abort();
    await store.close();
  };
  opened.push({ store, stop });
  const figure = async (name: string): Promise<number> =>
    (await metrics.getSingleMetric(`pilab_sink_${name}`)?.get())?.values.reduce(
      (sum, { value }) => sum + value,
      0,
    ) ?? 0;
  return { store, lines, figure, stop, clock };
}

function record(offset: number, more: Partial<InRecord> = {}): InRecord {
  return {
    ...{ topic: "telemetry", topicId: "id-1", partition: 0, offset: BigInt(offset) },
    ...{ timestampMs: NOW + offset, key: Buffer.from("pi-1") },
    value: telemetry(offset),
    headers: new Map([["mqtt.topic", Buffer.from("hosts/pi-1/telemetry")]]),
    ...more,
  };
}

function telemetry(seq: number, more: Record<string, unknown> = {}): Buffer {
  const time = new Date(NOW + seq).toISOString();
  const message = { device: "pi-1", time, seq, session: "s", temperatureC: 40 + seq, cpuLoad: 0.5 };
  return Buffer.from(JSON.stringify({ ...message, ...more }));
}

const records = (from: number, to: number, more?: Partial<InRecord>): InRecord[] =>
  Array.from({ length: to - from + 1 }, (_, i) => record(from + i, more));

const origin = { topic: "telemetry", topicId: "id-1", partition: 0 };

async function rowsOf<R extends Record<string, unknown>>(
  access: StoreAccess,
  sql: string,
): Promise<R[]> {
  const { database } = access;
  return postgres.ask<R>(sql, "sink", database);
}

const offsets = async (access: StoreAccess): Promise<string[]> =>
  (
    await rowsOf<{ at: string }>(
      access,
      `SELECT s.topic_id || '/' || s.generation || '/' || r.partition || '/' || r."offset" AS at
       FROM records r JOIN sources s ON s.id = r.source_id ORDER BY s.id, r.partition, r."offset"`,
    )
  ).map(({ at }) => at);

test("readings have their columns, and what is none is kept as it came", async () => {
  const access = await fresh();
  const { store, figure } = open(access);
  expect(await store.positions([origin])).toEqual([undefined]);
  await store.write([
    record(0, {
      value: telemetry(0, { underVoltage: true, throttled: false, clockOffsetSeconds: 0.25 }),
    }),
    record(1, { value: Buffer.from("{broken") }),
    record(2, { value: Buffer.from('{"device":7}') }),
    record(3, { value: Buffer.from([0xff, 0x00]) }),
    record(4, { value: Buffer.alloc(0), timestampMs: -1, key: undefined }),
    record(5, { value: telemetry(5, { big: 0 }).subarray() }),
  ]);
  const readings = await rowsOf(
    access,
    `SELECT device, event_time, record_time, seq, session, temperature_c, cpu_load, under_voltage,
       throttled, clock_offset_seconds, topic, partition, "offset", mqtt_topic, payload->>'seq' AS said
     FROM readings ORDER BY "offset" LIMIT 1`,
  );
  expect(readings).toEqual([
    {
      ...{ device: "pi-1", event_time: new Date(NOW), record_time: new Date(NOW), seq: "0" },
      ...{ session: "s", temperature_c: 40, cpu_load: 0.5, under_voltage: true, throttled: false },
      ...{ clock_offset_seconds: 0.25, topic: "telemetry", partition: 0, offset: "0", said: "0" },
      mqtt_topic: "hosts/pi-1/telemetry",
    },
  ]);
  const bad = await rowsOf(
    access,
    `SELECT "offset", fault, encode(raw, 'hex') AS raw, payload FROM bad_records ORDER BY "offset"`,
  );
  expect(bad).toEqual([
    {
      offset: "1",
      fault: "is no JSON",
      raw: Buffer.from("{broken").toString("hex"),
      payload: null,
    },
    {
      ...{ offset: "2", raw: null, payload: { device: 7 } },
      fault: "no telemetry: device: Invalid input: expected string, received number",
    },
    { offset: "3", fault: "is no UTF-8 text", raw: "ff00", payload: null },
    { offset: "4", fault: "is empty", raw: "", payload: null },
  ]);
  expect([await figure("stored_total"), await figure("bad_records_total")]).toEqual([6, 4]);
  const health = await rowsOf(access, "SELECT devices, hottest_c, lag FROM lab_health");
  expect(health).toEqual([{ devices: "1", hottest_c: 45, lag: "994" }]);
});

test("values that PostgreSQL refuses cost their own record alone", async () => {
  const access = await fresh();
  const { store, figure } = open(access);
  await store.positions([origin]);
  const huge = Buffer.from(`{"device":"pi-1","x":1e200000}`);
  const deep = Buffer.from(`${"[".repeat(20_000)}${"]".repeat(20_000)}`);
  await store.write([record(0), record(1, { value: huge }), record(2), record(3, { value: deep })]);
  const rows = await rowsOf(access, `SELECT "offset", fault, raw FROM records ORDER BY "offset"`);
  const refused = expect.stringMatching(/^PostgreSQL refuses it: /) as string;
  expect(rows).toEqual([
    { offset: "0", fault: null, raw: null },
    { offset: "1", fault: refused, raw: huge },
    { offset: "2", fault: null, raw: null },
    { offset: "3", fault: refused, raw: deep },
  ]);
  expect([await figure("stored_total"), await figure("bad_records_total")]).toEqual([4, 2]);
});

test("it goes on where it was, and what is read again is not stored again", async () => {
  const access = await fresh();
  const first = open(access);
  await first.store.positions([origin]);
  await first.store.write(records(0, 9));
  await first.stop();
  const second = open(access);
  expect(await second.store.positions([origin])).toEqual([10n]);
  await second.store.write(records(10, 12));
  await second.stop();

  // Somebody sets the reader back by hand.
  await rowsOf(access, "UPDATE positions SET next_offset = 3");
  const third = open(access);
  expect(await third.store.positions([origin])).toEqual([3n]);
  await third.store.write(records(3, 15));
  expect(await offsets(access)).toEqual(Array.from({ length: 16 }, (_, i) => `id-1/0/0/${i}`));
  expect([await third.figure("duplicates_total"), await third.figure("stored_total")]).toEqual([
    10, 3,
  ]);
  const [minutes] = await rowsOf(
    access,
    "SELECT sum(readings) AS readings, max(temperature_c_max) AS max FROM readings_per_minute",
  );
  expect(minutes).toEqual({ readings: "16", max: 55 });
});

test("a position that somebody else moves meanwhile stops the writing", async () => {
  const access = await fresh();
  const { store } = open(access);
  await store.positions([origin]);
  await store.write(records(0, 1));
  await rowsOf(access, "UPDATE positions SET next_offset = 1");
  await expect(store.write(records(2, 3))).rejects.toThrow(PositionMoved);
  expect(await offsets(access)).toEqual(["id-1/0/0/0", "id-1/0/0/1"]);
  expect(await store.positions([origin])).toEqual([1n]);
});

test("a topic made again, and a log that was cut off, are logs of their own", async () => {
  const access = await fresh();
  const { store, lines, figure } = open(access);
  const again = { ...origin, topicId: "id-2" };
  await store.positions([origin]);
  await store.write(records(0, 5));
  expect(await store.positions([again])).toEqual([undefined]);
  await store.write(records(0, 2, { topicId: "id-2" }));
  // Behind offset 3 the first log was lost and written anew; it is read from its start.
  await store.write([
    ...records(0, 3),
    record(4, { timestampMs: NOW + 777 }),
    record(5),
    record(6),
  ]);
  expect(await offsets(access)).toEqual([
    ...[0, 1, 2, 3, 4, 5].map((n) => `id-1/0/0/${n}`),
    ...[0, 1, 2].map((n) => `id-2/0/0/${n}`),
    ...[4, 5, 6].map((n) => `id-1/1/0/${n}`),
  ]);
  expect(await figure("cut_logs_total")).toBe(1);
  expect(lines.filter((line) => line.startsWith("the log was cut off"))).toHaveLength(1);
  expect(await store.positions([origin, again])).toEqual([7n, 3n]);
});

test("a partition whose log was cut off leaves the topic's others where they are", async () => {
  const access = await fresh();
  const other = { ...origin, partition: 1 };
  const before = open(access);
  await before.store.positions([origin, other]);
  await before.store.write([...records(0, 5), ...records(0, 5, { partition: 1 })]);
  await before.store.write([record(4, { timestampMs: NOW + 777 }), record(5)]);
  await before.stop();

  const after = open(access);
  expect(await after.store.positions([origin, other])).toEqual([6n, 6n]);
  await after.store.write(records(6, 7, { partition: 1 }));
  expect(await offsets(access)).toEqual([
    ...[0, 1, 2, 3, 4, 5].map((n) => `id-1/0/0/${n}`),
    ...[0, 1, 2, 3, 4, 5, 6, 7].map((n) => `id-1/0/1/${n}`),
    ...[4, 5].map((n) => `id-1/1/0/${n}`),
  ]);
});

test("what two cuts of a log have left of it is stored once", async () => {
  const access = await fresh();
  const { store, figure } = open(access);
  await store.positions([origin]);
  await store.write(records(0, 5));
  const second = [record(4, { timestampMs: NOW + 777 }), record(5, { timestampMs: NOW + 778 })];
  await store.write([...records(0, 3), ...second]);
  await store.write([
    ...records(0, 3),
    ...second.slice(0, 1),
    record(5, { timestampMs: NOW + 888 }),
  ]);
  expect(await offsets(access)).toEqual([
    ...[0, 1, 2, 3, 4, 5].map((n) => `id-1/0/0/${n}`),
    ...[4, 5].map((n) => `id-1/1/0/${n}`),
    "id-1/2/0/5",
  ]);
  expect([await figure("stored_total"), await figure("duplicates_total")]).toEqual([9, 9]);
});

test("an answer to a commit that is lost: the records are there once", async () => {
  const access = await fresh();
  const proxy = await cutAtCommit(access);
  const { store, figure } = open({ ...access, port: proxy.port });
  await store.positions([origin]);
  proxy.cutNext("answer");
  await store.write(records(0, 9));
  expect(proxy.cuts).toBe(1);
  expect(await figure("failures_total")).toBe(1);
  await store.write(records(10, 11));
  expect(await offsets(access)).toHaveLength(12);
  expect(await figure("stored_total")).toBe(12);
});

test("a commit that never arrives is made again, also one that leaves the position where it was", async () => {
  const access = await fresh();
  const proxy = await cutAtCommit(access);
  const { store, figure } = open({ ...access, port: proxy.port });
  await store.positions([origin]);
  await store.write([...records(0, 1), record(5)]);
  proxy.cutNext("question");
  // The log was cut off behind offset 1 and written anew to the same end: all that the store lacks of it.
  await store.write(records(2, 5));
  expect(proxy.cuts).toBe(1);
  expect(await figure("failures_total")).toBe(1);
  expect(await offsets(access)).toEqual([0, 1, 2, 3, 4, 5].map((n) => `id-1/0/0/${n}`));
});

test("retention drops what is old by Kafka's time and by the clock, and nothing else", async () => {
  const access = await fresh();
  const before = open(access);
  await before.store.positions([origin]);
  const at = (days: number) => NOW + days * DAY_MS;
  const dated = [-4, -3, -2, -1, 0].map((days, i) =>
    record(i, {
      timestampMs: at(days),
      value: telemetry(i, { time: new Date(at(days)).toISOString(), device: `pi-${i}` }),
    }),
  );
  // Clocks that were never set, or say anything, are kept with what comes with them.
  const absurd = [record(5, { timestampMs: 0 }), record(6, { timestampMs: at(9000) })];
  await before.store.write([...dated, ...absurd]);
  await before.store.prune();
  expect(await offsets(access)).toHaveLength(7);
  await before.stop();

  const { store, clock, figure } = open(access, { retentionDays: 2 });
  expect(await store.positions([origin])).toEqual([7n]);
  expect(await store.prune()).toBe(false);
  expect(await offsets(access)).toEqual([2, 3, 4, 5, 6].map((n) => `id-1/0/0/${n}`));
  expect(await rowsOf(access, "SELECT device FROM latest_readings ORDER BY 1")).toEqual(
    ["pi-1", "pi-2", "pi-3", "pi-4"].map((device) => ({ device })),
  );
  const minutes = await rowsOf(access, "SELECT device FROM readings_per_minute ORDER BY 1");
  expect(minutes).toEqual(["pi-2", "pi-3", "pi-4"].map((device) => ({ device })));

  // What is older than that is not stored any more, and is counted.
  await store.write([record(7, { timestampMs: at(-3) })]);
  expect(await figure("expired_total")).toBe(1);
  expect(await store.positions([origin])).toEqual([8n]);

  // A clock that jumps ahead drops nothing by itself.
  clock.now = at(400);
  await store.prune();
  expect(await offsets(access)).toHaveLength(5);
  await store.write([record(8, { timestampMs: at(400) })]);
  await store.prune();
  expect(await offsets(access)).toEqual(["id-1/0/0/8"]);
});

test("a reader who is at it does not stop the storing, and is waited for by retention alone", async () => {
  const access = await fresh();
  const { store, clock } = open(access, { retentionDays: 5 });
  await store.positions([origin]);
  await store.write([record(0, { timestampMs: NOW - 5 * DAY_MS }), record(1)]);
  const reading = await Connection.open(access, () => {}).catch((error: unknown) => error);
  expect(String(reading)).toContain("another sink");
  const busy = postgres.ask("SELECT count(*), pg_sleep(4) FROM records", "sink", access.database);
  await sleep(300);
  clock.now += DAY_MS;
  await store.write([record(2, { timestampMs: clock.now })]);
  expect(await isOver(busy)).toBe(false);
  await store.prune();
  expect(await isOver(busy)).toBe(false);
  expect(await offsets(access)).toHaveLength(3);
  expect(store.trouble()).toBeUndefined();
  await busy;
  await store.prune();
  expect(await offsets(access)).toHaveLength(2);
});

test("a schema of an older release is brought up to date with what it holds", async () => {
  const access = await fresh();
  const [oldest] = migrations;
  await rowsOf(
    access,
    "CREATE TABLE schema_versions (version int PRIMARY KEY, title text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())",
  );
  await rowsOf(access, `${oldest!.sql}; INSERT INTO schema_versions VALUES (1, 'first')`);
  await rowsOf(
    access,
    `CREATE TABLE records_20261129 PARTITION OF records FOR VALUES FROM ('2026-11-29') TO ('2026-11-30');
     INSERT INTO sources (topic, topic_id, generation) VALUES ('telemetry', 'id-1', 0);
     INSERT INTO positions (source_id, partition, next_offset, highest_offset) VALUES (1, 0, 2, 2);
     INSERT INTO records (source_id, partition, "offset", day, record_time, event_time, device, temperature_c)
     VALUES (1, 0, 0, '2026-11-29', '2026-11-29T12:00Z', '2026-11-29T12:00Z', 'pi-1', 40),
            (1, 0, 1, '2026-11-29', '2026-11-29T12:00:01Z', '2026-11-29T12:00:01Z', 'pi-1', 42)`,
  );
  const { store } = open(access);
  expect(await store.positions([origin])).toEqual([2n]);
  await store.write(records(2, 2));
  expect(await rowsOf(access, "SELECT device, temperature_c FROM latest_readings")).toEqual([
    { device: "pi-1", temperature_c: 42 },
  ]);
  expect(
    await rowsOf(
      access,
      "SELECT readings, temperature_c, temperature_c_max FROM readings_per_minute",
    ),
  ).toEqual([{ readings: "3", temperature_c: 124 / 3, temperature_c_max: 42 }]);
  const versions = await rowsOf(access, "SELECT max(version) AS version FROM schema_versions");
  expect(versions).toEqual([{ version: SCHEMA_VERSION }]);
});

test("a schema of a later release is left alone", async () => {
  const access = await fresh();
  const { stop } = open(access);
  await opened.at(-1)!.store.positions([origin]);
  await stop();
  await rowsOf(access, "INSERT INTO schema_versions VALUES (900, 'later')");
  const later = open(access);
  const positions = later.store.positions([origin]);
  await waitFor("the refusal", () =>
    Promise.resolve(later.store.trouble()?.includes("schema 900") === true || undefined),
  );
  await Promise.all([expect(positions).rejects.toThrow(Stopped), later.stop()]);
  expect(await rowsOf(access, "SELECT count(*) AS n FROM positions")).toEqual([{ n: "1" }]);
});

test("readers read and do not write; one that is not named any more cannot log in", async () => {
  await postgres.makeRoles(["dashboards", "grafana"]);
  const { store } = open(postgres.access("sink"));
  await store.positions([origin]);
  for (const role of ["dashboards", "grafana"]) {
    expect(await postgres.ask("SELECT devices FROM lab_health", role)).toEqual([{ devices: "0" }]);
    await expect(postgres.ask("DELETE FROM latest", role)).rejects.toThrow("read-only");
    await expect(postgres.ask("BEGIN READ WRITE; DELETE FROM latest", role)).rejects.toThrow(
      "permission denied",
    );
    await expect(postgres.ask("CREATE TABLE mine (n int)", role)).rejects.toThrow();
  }
  await postgres.makeRoles(["dashboards"]);
  await expect(postgres.ask("SELECT 1", "grafana")).rejects.toThrow("not permitted to log in");
  expect(await postgres.ask("SELECT 1 AS n", "dashboards")).toEqual([{ n: 1 }]);
  await expect(postgres.ask("SELECT 1", "postgres")).rejects.toThrow("no pg_hba.conf entry");
  expect(await postgres.log()).not.toMatch(/SCRAM-SHA-256\$|password-of/);
});

const isOver = (work: Promise<unknown>): Promise<boolean> =>
  Promise.race([work.then(() => true), Promise.resolve(false)]);

/** Between the sink and PostgreSQL: once told, it lets the next COMMIT through and its answer not, or not even that. */
async function cutAtCommit({ address, port }: StoreAccess) {
  let armed: "question" | "answer" | undefined;
  let cuts = 0;
  const server: Server = createServer((client) => {
    const upstream = connect({ host: address, port });
    let isCut = false;
    client.on("data", (chunk) => {
      if (armed !== undefined && chunk.includes("COMMIT")) {
        const what = armed;
        armed = undefined;
        isCut = true;
        const cut = () => {
          cuts += 1;
          client.destroy();
          upstream.destroy();
        };
        if (what === "question") return cut();
        upstream.once("data", cut);
      }
      upstream.write(chunk);
    });
    upstream.on("data", (chunk) => isCut || client.write(chunk));
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on("close", () => other.destroy()).on("error", () => other.destroy());
    }
  });
  proxies.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    cutNext: (what: "question" | "answer") => (armed = what),
    get cuts() {
      return cuts;
    },
  };
}
