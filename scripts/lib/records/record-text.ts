import { isUtf8 } from "node:buffer";
import type { StoredRecord } from "./port";

/** Bytes in JSON: text where they are text, else Base64. Null: there are none. */
export type JsonBytes = string | { readonly base64: string } | null;

/** A record as `--json` prints it. */
export interface RecordJson {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** ISO 8601, UTC; null for a record without a time, or with one that no calendar has. */
  readonly timestamp: string | null;
  readonly key: JsonBytes;
  readonly value: JsonBytes;
  readonly headers: readonly { readonly key: JsonBytes; readonly value: JsonBytes }[];
}

export function recordJson(topic: string, record: StoredRecord): RecordJson {
  return {
    topic,
    partition: record.partition,
    offset: Number(record.offset),
    timestamp: isoTime(record.timestampMs),
    key: jsonBytes(record.key),
    value: jsonBytes(record.value),
    headers: record.headers.map(([key, value]) => ({
      key: jsonBytes(key),
      value: jsonBytes(value),
    })),
  };
}

/** A record as a person reads it: the value, and the key before it if there is one, with a tab between. */
export function recordLine({ key, value }: StoredRecord): Buffer {
  const parts = key === null ? [] : [key, TAB];
  return Buffer.concat([...parts, value ?? TOMBSTONE, NEWLINE]);
}

const TAB = Buffer.from("\t");
const NEWLINE = Buffer.from("\n");
/** A record without a value: it deletes its key where the topic is compacted. */
const TOMBSTONE = Buffer.from("null");

/** What `jsonBytes` stands for. Text is given only for bytes that it brings back. */
export function jsonBytes(bytes: Buffer | null): JsonBytes {
  if (bytes === null) return null;
  return isUtf8(bytes) ? bytes.toString("utf8") : { base64: bytes.toString("base64") };
}

/** The last millisecond of JavaScript's calendar. */
const LAST_MS = 8_640_000_000_000_000n;

function isoTime(ms: bigint): string | null {
  return ms < 0n || ms > LAST_MS ? null : new Date(Number(ms)).toISOString();
}
