import { isUtf8 } from "node:buffer";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { InRecord } from "../lib/records";

/** Records of one partition, as a file of lines of JSON. */
export interface DataFile {
  /** Below the volume's folder, e.g. `telemetry/partition=0/00000000000000000017-00000000000000000042.jsonl.gz`. */
  readonly path: string;
  readonly records: number;
  readonly bytes: number;
  readonly lines: string;
}

/** So that names sort as offsets do: a Java long has 19 digits. */
const DIGITS = 20;

/**
 * One file for each partition that has records in the batch, named by its offsets. The same records give the
 * same name and the same content, so that an upload may be done again.
 */
export function toFiles(batch: readonly InRecord[]): DataFile[] {
  const partitions = new Map<string, InRecord[]>();
  for (const record of batch) {
    const folder = `${record.topic}/partition=${record.partition}`;
    const ofFolder = partitions.get(folder);
    if (ofFolder === undefined) partitions.set(folder, [record]);
    else ofFolder.push(record);
  }
  return [...partitions].map(([folder, records]) => {
    const lines = records.map((record) => `${JSON.stringify(toLine(record))}\n`).join("");
    const [first, last] = [records[0]!.offset, records.at(-1)!.offset].map(padded);
    return {
      path: `${folder}/${first}-${last}.jsonl.gz`,
      records: records.length,
      bytes: Buffer.byteLength(lines),
      lines,
    };
  });
}

const padded = (offset: bigint): string => String(offset).padStart(DIGITS, "0");

/** A record as a line: bytes that are no UTF-8 go in base64 under a key of their own. */
function toLine({ topic, partition, offset, timestampMs, key, value, headers }: InRecord) {
  const named = [...headers];
  return {
    topic,
    partition,
    // Exact up to 2^53, which no partition of a lab reaches.
    offset: Number(offset),
    timestampMs,
    ...(key && textOrBase64("key", key)),
    ...textOrBase64("value", value),
    headers: Object.fromEntries(named.map(([name, bytes]) => [name, bytes.toString("utf8")])),
  };
}

function textOrBase64(name: string, bytes: Buffer): Record<string, string> {
  return isUtf8(bytes)
    ? { [name]: bytes.toString("utf8") }
    : { [`${name}Base64`]: bytes.toString("base64") };
}

/** gzip(1) without a time, so that the same lines give the same bytes. */
export const compressed = (lines: string): Promise<Buffer> => promisify(gzip)(lines);
