import { Registry } from "prom-client";
import { questions } from "../../payloads/dashboards/questions";
import type { InRecord } from "../../payloads/lib/records";
import { makeFigures } from "../../payloads/sink/figures";
import { Store } from "../../payloads/sink/store";
import { localPostgres, type LocalPostgres } from "../support/store/postgres";

/** The dashboard's questions, asked of a real PostgreSQL as Metabase asks them, with what the sink stores. */

jest.setTimeout(60_000);

type Rows = Record<string, unknown>[];

let postgres: LocalPostgres;
const answers = new Map<string, Rows>();
/** The start of ten seconds, a little while ago. */
const BASE = Math.floor(Date.now() / 10_000) * 10_000 - 20_000;

function record(offset: number, value: object | string): InRecord {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return {
    ...{ topic: "telemetry", topicId: "id-1", partition: 0, offset: BigInt(offset) },
    ...{ timestampMs: BASE + offset, key: undefined, value: Buffer.from(text) },
    headers: new Map(),
  };
}

function reading(device: string, seq: number, temperatureC: number | null, more: object = {}) {
  const time = new Date(BASE + seq * 1000).toISOString();
  return { device, time, seq, session: "s", temperatureC, cpuLoad: 0.25, ...more };
}

beforeAll(async () => {
  postgres = await localPostgres();
  await postgres.makeRoles(["dashboards"], ["metabase"]);
  const stopping = new AbortController();
  const store = new Store({
    ...{ access: postgres.access("sink"), retentionDays: 30, log: () => {} },
    ...{ figures: makeFigures(new Registry(), () => []), signal: stopping.signal },
    endOf: () => 10n,
    now: () => Date.now(),
  });
  try {
    await store.positions([{ topic: "telemetry", topicId: "id-1", partition: 0 }]);
    await store.write([
      record(0, reading("pi-1", 0, 40)),
      record(1, reading("pi-1", 1, 42)),
      record(2, reading("pi-2", 1, 60, { underVoltage: true, cpuLoad: 0.75 })),
      record(3, reading("pi-3", 1, null)),
      record(4, "{broken"),
    ]);
  } finally {
    stopping.abort();
    await store.close();
  }
  for (const { mark, sql } of questions) answers.set(mark, await postgres.ask(sql, "dashboards"));
});

afterAll(() => postgres?.remove());

const answer = (mark: string): Rows => answers.get(mark) ?? [];
const value = (mark: string): unknown => Object.values(answer(mark)[0] ?? {})[0];

test("the lab's health is in single numbers", () => {
  expect(["devices", "hottest", "under-voltage", "lag"].map((mark) => Number(value(mark)))).toEqual(
    [3, 60, 1, 5],
  );
  // By whole minutes: what has just come does not count yet.
  expect(Number(value("rate"))).toBeGreaterThanOrEqual(0);
});

test("temperatures: live by ten seconds, now with the hottest first, of the day as a range", () => {
  expect(answer("temperature-live")).toEqual([
    { time: new Date(BASE), device: "pi-1", temperature_c: 41 },
    { time: new Date(BASE), device: "pi-2", temperature_c: 60 },
    { time: new Date(BASE), device: "pi-3", temperature_c: null },
  ]);
  expect(answer("temperature-now")).toEqual([
    { device: "pi-2", temperature_c: 60 },
    { device: "pi-1", temperature_c: 42 },
  ]);
  const [day] = answer("temperature-day");
  expect(day).toMatchObject({ lowest: 40, highest: 60 });
  // Of the three readings that have a temperature.
  expect(day?.["mean"]).toBeCloseTo((40 + 42 + 60) / 3, 6);
});

test("load by minute, progress by partition, what is no reading by its fault", () => {
  expect(answer("load").map(({ device, cpu_load }) => [device, cpu_load])).toEqual([
    ["pi-1", 0.25],
    ["pi-2", 0.75],
    ["pi-3", 0.25],
  ]);
  expect(answer("progress")).toMatchObject([
    { topic: "telemetry", partition: 0, next_offset: "5", log_end: "10", lag: "5" },
  ]);
  expect(answer("bad-records")).toMatchObject([{ topic: "telemetry", records: "1" }]);
});

test("each gives the columns that its picture names", () => {
  for (const { mark, settings } of questions) {
    const columns = Object.keys(answer(mark)[0] ?? {});
    const named = ["graph.dimensions", "graph.metrics"].flatMap(
      (key) => (settings[key] as string[] | undefined) ?? [],
    );
    expect(columns).toEqual(expect.arrayContaining(named));
  }
});

test("Metabase's own database is open to its role alone, and the lab's is not open to it", async () => {
  await expect(postgres.ask("CREATE TABLE t (a int)", "metabase", "metabase")).resolves.toEqual([]);
  await expect(postgres.ask("SELECT 1", "metabase", "pilab")).rejects.toThrow(
    /no pg_hba.conf entry|permission denied/,
  );
  await expect(postgres.ask("SELECT 1", "dashboards", "metabase")).rejects.toThrow(
    /permission denied/,
  );
});
