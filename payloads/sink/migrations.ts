/** One step of the database's schema. What has been released is never edited: a change is a further step. */
export interface Migration {
  readonly version: number;
  /** What it brings, in a few words. */
  readonly title: string;
  /** Statements; all of them or none. */
  readonly sql: string;
}

/** Numbered from 1 without a gap. */
export const migrations: readonly Migration[] = [
  {
    version: 1,
    title: "records, and how far they were read",
    sql: `
CREATE TABLE sources (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  topic text NOT NULL,
  topic_id text NOT NULL,
  generation int NOT NULL,
  first_seen timestamptz NOT NULL DEFAULT now(),
  UNIQUE (topic_id, topic, generation)
);
COMMENT ON TABLE sources IS 'Logs that records are from: a topic made again has another topic_id, one that was cut off and written anew another generation.';

CREATE TABLE positions (
  source_id int NOT NULL REFERENCES sources,
  partition int NOT NULL,
  next_offset bigint,
  highest_offset bigint NOT NULL DEFAULT 0,
  log_end bigint,
  last_record_time timestamptz,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (source_id, partition)
);
COMMENT ON TABLE positions IS 'Where the sink goes on: next_offset is written in the transaction that stores the records before it. Below highest_offset records are looked for before they are stored.';

CREATE TABLE records (
  source_id int NOT NULL,
  partition int NOT NULL,
  "offset" bigint NOT NULL,
  day date NOT NULL,
  record_time timestamptz,
  stored_at timestamptz NOT NULL DEFAULT now(),
  key bytea,
  mqtt_topic text,
  device text,
  event_time timestamptz,
  seq bigint,
  session text,
  temperature_c float8,
  cpu_load float8,
  under_voltage bool,
  throttled bool,
  clock_offset_seconds float8,
  payload jsonb,
  raw bytea,
  fault text,
  PRIMARY KEY (source_id, partition, "offset", day)
) PARTITION BY RANGE (day);
CREATE INDEX records_by_device ON records (device, event_time) WHERE device IS NOT NULL;
CREATE INDEX records_faults ON records (stored_at) WHERE fault IS NOT NULL;
COMMENT ON COLUMN records.day IS 'UTC day of record_time where that is believable; what is dropped goes by it.';
`,
  },
  {
    version: 2,
    title: "the latest reading of each device, and readings by the minute",
    sql: `
CREATE TABLE latest (
  device text PRIMARY KEY,
  day date NOT NULL,
  event_time timestamptz,
  record_time timestamptz,
  stored_at timestamptz NOT NULL,
  temperature_c float8,
  cpu_load float8,
  under_voltage bool,
  throttled bool,
  clock_offset_seconds float8
);
COMMENT ON TABLE latest IS 'Of each device the reading that was stored last.';

CREATE TABLE minutes (
  minute timestamptz NOT NULL,
  device text NOT NULL,
  readings bigint NOT NULL,
  temperatures bigint NOT NULL,
  temperature_sum float8,
  temperature_min float8,
  temperature_max float8,
  loads bigint NOT NULL,
  load_sum float8,
  under_voltage bool,
  throttled bool,
  PRIMARY KEY (minute, device)
);

INSERT INTO latest
SELECT DISTINCT ON (device)
  device, day, event_time, record_time, stored_at,
  temperature_c, cpu_load, under_voltage, throttled, clock_offset_seconds
FROM records WHERE device IS NOT NULL
ORDER BY device, stored_at DESC, source_id DESC, partition, "offset" DESC;

INSERT INTO minutes
SELECT date_trunc('minute', coalesce(event_time, record_time), 'UTC'), device, count(*),
  count(temperature_c), sum(temperature_c), min(temperature_c), max(temperature_c),
  count(cpu_load), sum(cpu_load), bool_or(under_voltage), bool_or(throttled)
FROM records
WHERE device IS NOT NULL
  AND coalesce(event_time, record_time) BETWEEN record_time - interval '7 days' AND record_time + interval '1 hour'
GROUP BY 1, 2;
`,
  },
  {
    version: 3,
    title: "what is read of it",
    sql: `
CREATE VIEW readings AS
SELECT r.device, r.event_time, r.record_time, r.stored_at, r.seq, r.session,
  r.temperature_c, r.cpu_load, r.under_voltage, r.throttled, r.clock_offset_seconds,
  s.topic, r.partition, r."offset", r.mqtt_topic, r.payload, r.day
FROM records r JOIN sources s ON s.id = r.source_id
WHERE r.device IS NOT NULL;

CREATE VIEW latest_readings AS
SELECT device, event_time, record_time, stored_at,
  extract(epoch FROM now() - stored_at)::float8 AS age_seconds,
  temperature_c, cpu_load, under_voltage, throttled, clock_offset_seconds
FROM latest;

CREATE VIEW readings_per_minute AS
SELECT minute, device, readings,
  temperature_sum / nullif(temperatures, 0) AS temperature_c,
  temperature_min AS temperature_c_min, temperature_max AS temperature_c_max,
  load_sum / nullif(loads, 0) AS cpu_load,
  under_voltage, throttled
FROM minutes;

CREATE VIEW bad_records AS
SELECT s.topic, r.partition, r."offset", r.record_time, r.stored_at, r.fault, r.raw, r.payload, r.day
FROM records r JOIN sources s ON s.id = r.source_id
WHERE r.fault IS NOT NULL;

CREATE VIEW sink_progress AS
SELECT s.topic, s.topic_id, s.generation, p.partition, p.next_offset, p.log_end,
  greatest(p.log_end - p.next_offset, 0) AS lag, p.last_record_time, p.updated_at
FROM positions p JOIN sources s ON s.id = p.source_id;

CREATE VIEW lab_health AS
SELECT l.devices, l.silent_devices, l.hottest_c, l.busiest_load, l.under_voltage_devices, l.throttled_devices,
  (SELECT coalesce(sum(readings), 0)::bigint FROM minutes
   WHERE minute = date_trunc('minute', now() - interval '1 minute', 'UTC')) AS readings_last_minute,
  (SELECT count(*) FROM records
   WHERE fault IS NOT NULL AND stored_at > now() - interval '1 hour') AS bad_records_last_hour,
  (SELECT coalesce(sum(lag), 0)::bigint FROM sink_progress p
   WHERE p.updated_at = (SELECT max(updated_at) FROM sink_progress q
                         WHERE q.topic = p.topic AND q.partition = p.partition)) AS lag,
  (SELECT max(stored_at) FROM latest) AS last_stored_at
FROM (
  SELECT count(*) AS devices,
    count(*) FILTER (WHERE stored_at < now() - interval '10 seconds') AS silent_devices,
    max(temperature_c) AS hottest_c, max(cpu_load) AS busiest_load,
    count(*) FILTER (WHERE under_voltage) AS under_voltage_devices,
    count(*) FILTER (WHERE throttled) AS throttled_devices
  FROM latest
) l;

GRANT SELECT ON sources, positions, records, latest, minutes,
  readings, latest_readings, readings_per_minute, bad_records, sink_progress, lab_health TO readers;
`,
  },
];

/** The version of a database that has all of them. */
export const SCHEMA_VERSION = migrations.length;

/** The database was made by a later release: this one does not know what its tables mean. */
export class NewerSchema extends Error {
  public override readonly name = "NewerSchema";
  constructor(found: number) {
    super(
      `the database has schema ${found}, and this sink knows ${SCHEMA_VERSION}: a later release has written to it, and nothing is stored until that one runs again. Bring the later release back, or restore a dump of the schema before it.`,
    );
  }
}

/**
 * The steps that a database lacks, in order.
 *
 * @param found its version; 0 for an empty one
 * @throws NewerSchema
 */
export function pending(found: number): readonly Migration[] {
  if (found > SCHEMA_VERSION) throw new NewerSchema(found);
  return migrations.filter(({ version }) => version > found);
}
