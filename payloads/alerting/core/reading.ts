import { eventTime } from "../../lib/event-time";

/** What a device tells about itself at one time, read from a record of telemetry. */
export interface Reading {
  readonly device: string;
  /** The device's own time stamp, epoch ms; that of its arrival where it tells none or one of the future. */
  readonly timeMs: number;
  /** When it came into Kafka, epoch ms. */
  readonly arrivedMs: number;
  /** Of the fields that rules are about. Truth values are 1 and 0. */
  readonly values: Readonly<Record<string, number>>;
}

/** What is wrong with a record, or with a field of it. One record may have several. */
export type Fault =
  /** No JSON object, or no device is named. */
  | "malformed"
  /** A number that no such device can have, or none at all: NaN, text, beyond what a sensor measures. */
  | "absurd"
  /** Its time stamp is none. */
  | "no-time"
  /** Its time stamp lies in the future: the device's clock is ahead. */
  | "future";

export interface Parsed {
  readonly reading: Reading | undefined;
  readonly faults: readonly Fault[];
}

/** How far a device's clock may be ahead of the broker's before its readings are said to be of the future, ms. */
export const FUTURE_MS = 2_000;
const MAX_DEVICE_CHARS = 128;

/** What can be measured; beyond it a sensor is broken. As payloads/telemetry has it. */
const PLAUSIBLE: Readonly<Record<string, readonly [least: number, most: number]>> = {
  temperatureC: [-55, 150],
  cpuLoad: [0, 1],
};

/** The field that tells how far a device's clock is off, seconds. */
export const CLOCK_FIELD = "clockOffsetSeconds";

interface RawRecord {
  readonly key: Buffer | undefined;
  readonly value: Buffer;
  /** The record's time stamp, epoch ms: when it came into Kafka. */
  readonly timestampMs: number;
}

/** @param fields those that rules are about; others are not looked at */
export function parseReading(record: RawRecord, fields: ReadonlySet<string>): Parsed {
  const faults = new Set<Fault>();
  const told = parseObject(record.value.toString("utf8"));
  const name = told?.["device"];
  const device = typeof name === "string" ? name : record.key?.toString("utf8");
  if (told === undefined || device === undefined || !isName(device)) {
    return { reading: undefined, faults: ["malformed"] };
  }
  const values: Record<string, number> = {};
  for (const field of fields) {
    const raw = told[field];
    // Null: the device knows that it does not know.
    if (raw === undefined || raw === null) continue;
    const value = typeof raw === "boolean" ? Number(raw) : raw;
    if (typeof value === "number" && isPlausible(field, value)) values[field] = value;
    else faults.add("absurd");
  }
  const arrivedMs = record.timestampMs;
  const stamp = eventTime(told["time"]);
  if (stamp === undefined) faults.add("no-time");
  const aheadMs = (stamp ?? arrivedMs) - arrivedMs;
  if (aheadMs > FUTURE_MS) {
    faults.add("future");
    // It says more of the clock than the device may know.
    if (fields.has(CLOCK_FIELD)) values[CLOCK_FIELD] = aheadMs / 1000;
  }
  const timeMs = aheadMs > 0 ? arrivedMs : (stamp ?? arrivedMs);
  return { reading: { device, timeMs, arrivedMs, values }, faults: [...faults] };
}

/** Bare NaN and Infinity are no JSON, and some libraries write them: such a message is not lost as a whole. */
const BARE = /(:\s*)-?(?:NaN|Infinity)(?=\s*[,}\]])/g;

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  const parsed = parseJson(text) ?? parseJson(text.replace(BARE, '$1"NaN"'));
  return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)
    ? (parsed as Record<string, unknown>)
    : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function isPlausible(field: string, value: number): boolean {
  if (!Number.isFinite(value)) return false;
  const [least, most] = PLAUSIBLE[field] ?? [-Infinity, Infinity];
  return value >= least && value <= most;
}

const isName = (device: string): boolean =>
  device !== "" && device.length <= MAX_DEVICE_CHARS && !/\p{Cc}/u.test(device);
