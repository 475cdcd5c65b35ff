import type { InRecord } from "../lib/records";
import { readContent } from "./content";
import type { Day } from "./days";

/** A record as the store keeps it: a value of each column. */
export interface Row {
  readonly partition: number;
  readonly offset: bigint;
  readonly day: Day;
  /** Epoch ms; undefined where Kafka's time stamp is none. */
  readonly recordMs: number | undefined;
  readonly key: Buffer | undefined;
  readonly mqttTopic: string | undefined;
  readonly device: string | undefined;
  readonly eventMs: number | undefined;
  readonly seq: number | undefined;
  readonly session: string | undefined;
  readonly temperatureC: number | undefined;
  readonly cpuLoad: number | undefined;
  readonly underVoltage: boolean | undefined;
  readonly throttled: boolean | undefined;
  readonly clockOffsetSeconds: number | undefined;
  readonly payload: string | undefined;
  /** The value's bytes, of a record that is no JSON. */
  readonly raw: Buffer | undefined;
  /** Why it is no reading; undefined for one. */
  readonly fault: string | undefined;
}

/** What is kept of a value that is no JSON, bytes. */
export const MAX_RAW_BYTES = 1 << 20;
/** What is taken for JSON at most, bytes: a `jsonb` of some hundred MiB is refused, and no telemetry. */
export const MAX_JSON_BYTES = 8 << 20;

/** Years that both JavaScript and PostgreSQL write alike. */
const LAST_MS = Date.parse("9999-12-31T23:59:59.999Z");

/** Undefined where PostgreSQL cannot hold it. Kafka says -1 for a record without a time. */
export const recordTime = (timestampMs: number): number | undefined =>
  timestampMs >= 0 && timestampMs <= LAST_MS ? timestampMs : undefined;

export function rowOf(record: InRecord, day: Day): Row {
  const { partition, offset, timestampMs, key, value, headers } = record;
  const base = {
    ...{ partition, offset, day, key },
    recordMs: recordTime(timestampMs),
    mqttTopic: textOf(headers.get("mqtt.topic")),
  };
  if (value.length > MAX_JSON_BYTES) {
    return { ...base, ...NO_READING, ...rawOf(value, "is too large for JSON") };
  }
  const content = readContent(value);
  switch (content.kind) {
    case "reading": {
      const { time, ...reading } = content.reading;
      const { payload } = content;
      return {
        ...base,
        ...reading,
        eventMs: time,
        payload,
        raw: undefined,
        fault: undefined,
      };
    }
    case "json": {
      const { payload, fault } = content;
      return { ...base, ...NO_READING, payload, raw: undefined, fault };
    }
    case "raw":
      return { ...base, ...NO_READING, ...rawOf(value, content.fault) };
    default:
      return content satisfies never;
  }
}

/** The same record as its bytes alone, for one whose values PostgreSQL refuses. */
export function refusedRow(record: InRecord, day: Day, words: string): Row {
  const { partition, offset, timestampMs, key, value } = record;
  return {
    ...{ partition, offset, day, key, recordMs: recordTime(timestampMs), mqttTopic: undefined },
    ...NO_READING,
    ...rawOf(value, `PostgreSQL refuses it: ${words}`),
  };
}

const NO_READING = {
  ...{ device: undefined, eventMs: undefined, seq: undefined, session: undefined },
  ...{ temperatureC: undefined, cpuLoad: undefined, underVoltage: undefined },
  ...{ throttled: undefined, clockOffsetSeconds: undefined },
} as const;

function rawOf(value: Buffer, fault: string): Pick<Row, "payload" | "raw" | "fault"> {
  if (value.length <= MAX_RAW_BYTES) return { payload: undefined, raw: value, fault };
  const words = `${fault}; of its ${value.length} bytes the first ${MAX_RAW_BYTES} are kept`;
  return { payload: undefined, raw: value.subarray(0, MAX_RAW_BYTES), fault: words };
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function textOf(bytes: Buffer | undefined): string | undefined {
  try {
    const text = bytes && utf8.decode(bytes);
    return text?.includes("\0") === true ? undefined : text;
  } catch {
    return undefined;
  }
}
