import { UserError } from "../errors";
import type { NewRecord } from "./port";

/** A record with the number of the line that it came from, from 1. */
export interface Line extends NewRecord {
  readonly number: number;
}

/** How much is sent at once. */
export interface BatchLimits {
  readonly lines: number;
  /** A longer line goes alone. */
  readonly bytes: number;
}

/** Well below the megabyte that Kafka takes by default. */
export const BATCH: BatchLimits = { lines: 500, bytes: 256 * 1024 };

const NEWLINE = 0x0a;

/**
 * Cuts input into lines and gathers those that are there already: what is typed goes out line by line, what
 * comes from a file in batches. Bytes stay as they are; only the line's end is no part of it.
 */
export async function* lineBatches(
  input: AsyncIterable<Buffer>,
  limits: BatchLimits = BATCH,
): AsyncGenerator<Buffer[]> {
  let begun: Buffer[] = [];
  for await (const chunk of input) {
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      lines.push(Buffer.concat([...begun, chunk.subarray(start, end)]));
      begun = [];
      start = end + 1;
    }
    if (start < chunk.length) begun.push(chunk.subarray(start));
    yield* portions(lines, limits);
  }
  if (begun.length > 0) yield [Buffer.concat(begun)];
}

/** Splits lines into batches within the limits; a batch has at least one. */
export function* portions(
  lines: readonly Buffer[],
  limits: BatchLimits = BATCH,
): Generator<Buffer[]> {
  let batch: Buffer[] = [];
  let bytes = 0;
  for (const line of lines) {
    const isFull = batch.length >= limits.lines || bytes + line.length > limits.bytes;
    if (isFull && batch.length > 0) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(line);
    bytes += line.length;
  }
  if (batch.length > 0) yield batch;
}

/** Where a line's key comes from; neither: it has none. */
export interface KeySource {
  /** One for all lines. */
  readonly key?: string | undefined;
  /** What stands between key and value in each line. */
  readonly separator?: string | undefined;
}

/** @throws UserError for a line without the separator */
export function recordOfLine(text: Buffer, number: number, source: KeySource): Line {
  if (source.separator === undefined) {
    const key = source.key === undefined ? null : Buffer.from(source.key);
    return { number, key, value: text };
  }
  const at = text.indexOf(source.separator);
  if (at < 0) {
    throw new UserError(
      `Line ${number} has no ${JSON.stringify(source.separator)}: with --key-separator each line is a key, the separator, and a value.`,
    );
  }
  const value = text.subarray(at + Buffer.byteLength(source.separator));
  return { number, key: text.subarray(0, at), value };
}

/**
 * `1 to 3, 7`: line numbers as people say them.
 * @param through all up to this one belong to them, too
 */
export function renderLines(numbers: readonly number[], through = 0): string {
  const runs: [number, number][] = through > 0 ? [[1, through]] : [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last !== undefined && number === last[1] + 1) last[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from} to ${to}`)).join(", ");
}
