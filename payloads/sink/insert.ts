import type { QueryResultRow } from "pg";
import type { Connection } from "./database";
import { textOfDay } from "./days";
import type { Row } from "./rows";

/** The columns of `records` that are given, each with its type and what it is of a row. */
const COLUMNS: readonly (readonly [name: string, type: string, of: (row: Row) => unknown])[] = [
  ["partition", "int", ({ partition }) => partition],
  ['"offset"', "bigint", ({ offset }) => offset],
  ["day", "date", ({ day }) => textOfDay(day)],
  ["record_time", "timestamptz", ({ recordMs }) => timeText(recordMs)],
  ["key", "bytea", ({ key }) => key],
  ["mqtt_topic", "text", ({ mqttTopic }) => mqttTopic],
  ["device", "text", ({ device }) => device],
  ["event_time", "timestamptz", ({ eventMs }) => timeText(eventMs)],
  ["seq", "bigint", ({ seq }) => seq],
  ["session", "text", ({ session }) => session],
  ["temperature_c", "float8", ({ temperatureC }) => temperatureC],
  ["cpu_load", "float8", ({ cpuLoad }) => cpuLoad],
  ["under_voltage", "bool", ({ underVoltage }) => underVoltage],
  ["throttled", "bool", ({ throttled }) => throttled],
  ["clock_offset_seconds", "float8", ({ clockOffsetSeconds }) => clockOffsetSeconds],
  ["payload", "jsonb", ({ payload }) => payload],
  ["raw", "bytea", ({ raw }) => raw],
  ["fault", "text", ({ fault }) => fault],
];

const names = COLUMNS.map(([name]) => name).join(", ");
/** The first parameter is the source. A text that becomes `jsonb` only now is refused with its row. */
const arrays = COLUMNS.map(([, type], i) => `$${i + 2}::${type === "jsonb" ? "text" : type}[]`);
const selected = COLUMNS.map(([name, type]) => (type === "jsonb" ? `${name}::jsonb` : name));

/**
 * Stores rows of one source, and what dashboards read beside them, of those alone that were not there: a
 * reading's minute is that of its own clock, unless that is far from Kafka's.
 */
const INSERT = `
WITH fresh AS (
  INSERT INTO records (source_id, ${names})
  SELECT $1::int, ${selected.join(", ")} FROM unnest(${arrays.join(", ")}) AS given (${names})
  ON CONFLICT DO NOTHING
  RETURNING *
), last AS (
  INSERT INTO latest
  SELECT DISTINCT ON (device) device, day, event_time, record_time, stored_at,
    temperature_c, cpu_load, under_voltage, throttled, clock_offset_seconds
  FROM fresh WHERE device IS NOT NULL ORDER BY device, partition, "offset" DESC
  ON CONFLICT (device) DO UPDATE SET
    day = excluded.day, event_time = excluded.event_time, record_time = excluded.record_time,
    stored_at = excluded.stored_at, temperature_c = excluded.temperature_c, cpu_load = excluded.cpu_load,
    under_voltage = excluded.under_voltage, throttled = excluded.throttled,
    clock_offset_seconds = excluded.clock_offset_seconds
), rolled AS (
  INSERT INTO minutes AS m
  SELECT date_trunc('minute', coalesce(event_time, record_time), 'UTC'), device, count(*),
    count(temperature_c), sum(temperature_c), min(temperature_c), max(temperature_c),
    count(cpu_load), sum(cpu_load), bool_or(under_voltage), bool_or(throttled)
  FROM fresh
  WHERE device IS NOT NULL
    AND coalesce(event_time, record_time) BETWEEN record_time - interval '7 days' AND record_time + interval '1 hour'
  GROUP BY 1, 2
  ON CONFLICT (minute, device) DO UPDATE SET
    readings = m.readings + excluded.readings,
    temperatures = m.temperatures + excluded.temperatures,
    temperature_sum = coalesce(m.temperature_sum + excluded.temperature_sum, m.temperature_sum, excluded.temperature_sum),
    temperature_min = least(m.temperature_min, excluded.temperature_min),
    temperature_max = greatest(m.temperature_max, excluded.temperature_max),
    loads = m.loads + excluded.loads,
    load_sum = coalesce(m.load_sum + excluded.load_sum, m.load_sum, excluded.load_sum),
    under_voltage = m.under_voltage OR excluded.under_voltage,
    throttled = m.throttled OR excluded.throttled
)
SELECT count(*)::int AS stored,
  (count(*) FILTER (WHERE raw IS NOT NULL))::int AS raw,
  (count(*) FILTER (WHERE raw IS NULL AND fault IS NOT NULL))::int AS other
FROM fresh`;

/** How many rows were not there before, and how many of them are kept as bytes, or as other JSON than telemetry. */
export interface Inserted {
  readonly stored: number;
  readonly raw: number;
  readonly other: number;
}

/** Within a transaction. */
export async function insertRows(
  connection: Connection,
  source: number,
  rows: readonly Row[],
): Promise<Inserted> {
  const values = COLUMNS.map(([, , of]) => rows.map((row) => of(row) ?? null));
  const { rows: told } = await connection.ask<Inserted & QueryResultRow>(INSERT, [
    source,
    ...values,
  ]);
  const [inserted] = told;
  if (inserted === undefined) throw new Error("bug: an insert told nothing");
  return inserted;
}

function timeText(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}
