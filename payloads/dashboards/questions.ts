/** What the lab's dashboard shows: questions in SQL on the store's views (docs/store.md). */

/** Place and size on a dashboard's grid, which is 24 columns wide. */
export interface Place {
  readonly row: number;
  readonly col: number;
  readonly size_x: number;
  readonly size_y: number;
}

export interface Question {
  /** By which it is found again, in its description. Never changes. */
  readonly mark: string;
  readonly name: string;
  readonly description: string;
  readonly sql: string;
  readonly display: "scalar" | "line" | "bar" | "table";
  readonly settings: Readonly<Record<string, unknown>>;
  readonly place: Place;
}

/** Metabase shows 2,000 rows of a query at most: so many devices of 60 points each fit with room to spare. */
const DEVICES_SHOWN = 20;

const place = (row: number, col: number, size_x: number, size_y: number): Place => ({
  ...{ row, col, size_x, size_y },
});

const lines = (x: string, y: string) => ({
  "graph.dimensions": [x, "device"],
  "graph.metrics": [y],
  "graph.x_axis.scale": "timeseries",
});

const health = (
  mark: string,
  name: string,
  description: string,
  column: string,
  col: number,
): Question => ({
  ...{ mark, name, description },
  sql: `SELECT ${column} FROM lab_health`,
  ...{ display: "scalar", settings: {}, place: place(0, col, 4, 3) },
});

export const questions: readonly Question[] = [
  health("devices", "Devices", "Devices that have ever told anything.", "devices", 0),
  health("silent", "Silent devices", "Nothing came for 10 seconds.", "silent_devices", 4),
  health("hottest", "Hottest, °C", "The highest temperature now.", "hottest_c", 8),
  health(
    "under-voltage",
    "Weak supplies",
    "Devices that tell of under-voltage.",
    "under_voltage_devices",
    12,
  ),
  health(
    "rate",
    "Readings in the last minute",
    "What the store has taken.",
    "readings_last_minute",
    16,
  ),
  health("lag", "Records not stored yet", "In Kafka, and not in the store.", "lag", 20),
  {
    mark: "temperature-live",
    name: "Temperature, last 10 minutes",
    description: `Means of 10 seconds, of the ${DEVICES_SHOWN} hottest devices.`,
    sql: `SELECT to_timestamp(floor(extract(epoch FROM event_time) / 10) * 10) AS time,
       device,
       avg(temperature_c) AS temperature_c
FROM readings
WHERE day >= ((now() - interval '10 minutes') AT TIME ZONE 'UTC')::date
  AND event_time > now() - interval '10 minutes'
  AND device IN (
    SELECT device FROM latest_readings
    ORDER BY temperature_c DESC NULLS LAST LIMIT ${DEVICES_SHOWN})
GROUP BY 1, 2
ORDER BY 1, 2`,
    ...{ display: "line", settings: lines("time", "temperature_c"), place: place(3, 0, 16, 7) },
  },
  {
    mark: "temperature-now",
    name: "Temperature now",
    description: `The ${DEVICES_SHOWN} hottest devices.`,
    sql: `SELECT device, temperature_c
FROM latest_readings
WHERE temperature_c IS NOT NULL
ORDER BY temperature_c DESC
LIMIT ${DEVICES_SHOWN}`,
    display: "bar",
    settings: { "graph.dimensions": ["device"], "graph.metrics": ["temperature_c"] },
    place: place(3, 16, 8, 7),
  },
  {
    mark: "temperature-day",
    name: "Temperature, last day",
    description: "Mean, lowest and highest of all devices, by 10 minutes.",
    sql: `SELECT to_timestamp(floor(extract(epoch FROM minute) / 600) * 600) AS time,
       min(temperature_c_min) AS lowest,
       sum(temperature_c * readings) / sum(readings) FILTER (WHERE temperature_c IS NOT NULL) AS mean,
       max(temperature_c_max) AS highest
FROM readings_per_minute
WHERE minute > now() - interval '1 day'
GROUP BY 1
ORDER BY 1`,
    display: "line",
    settings: {
      "graph.dimensions": ["time"],
      "graph.metrics": ["lowest", "mean", "highest"],
      "graph.x_axis.scale": "timeseries",
    },
    place: place(10, 0, 12, 7),
  },
  {
    mark: "load",
    name: "Load, last hour",
    description: `By minute, 0 to 1, of the ${DEVICES_SHOWN} busiest devices.`,
    sql: `SELECT minute, device, cpu_load
FROM readings_per_minute
WHERE minute > now() - interval '1 hour'
  AND device IN (
    SELECT device FROM latest_readings
    ORDER BY cpu_load DESC NULLS LAST LIMIT ${DEVICES_SHOWN})
ORDER BY minute, device`,
    ...{ display: "line", settings: lines("minute", "cpu_load"), place: place(10, 12, 12, 7) },
  },
  {
    mark: "silent-list",
    name: "Who is silent",
    description: "Devices of which nothing came for 10 seconds, the longest first.",
    sql: `SELECT device, event_time AS last_heard, round(age_seconds) AS seconds
FROM latest_readings
WHERE age_seconds > 10
ORDER BY age_seconds DESC`,
    ...{ display: "table", settings: {}, place: place(17, 0, 8, 6) },
  },
  {
    mark: "progress",
    name: "From Kafka into the store",
    description: "How far each partition is stored.",
    sql: `SELECT topic, partition, next_offset, log_end, lag, last_record_time
FROM sink_progress
ORDER BY lag DESC NULLS LAST, topic, partition`,
    ...{ display: "table", settings: {}, place: place(17, 8, 8, 6) },
  },
  {
    mark: "bad-records",
    name: "Records that are no readings",
    description: "Of the last day, by what is wrong with them.",
    sql: `SELECT fault, topic, count(*) AS records, max(stored_at) AS last_one
FROM bad_records
WHERE day >= ((now() - interval '1 day') AT TIME ZONE 'UTC')::date
  AND stored_at > now() - interval '1 day'
GROUP BY fault, topic
ORDER BY records DESC`,
    ...{ display: "table", settings: {}, place: place(17, 16, 8, 6) },
  },
];
