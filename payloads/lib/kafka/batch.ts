/** Records as a broker takes them: Kafka's record batch in format 2, uncompressed. */
import { crc32c } from "@platformatic/kafka";
import type { OutRecord } from "../records";

export interface StampedRecord extends OutRecord {
  /** Epoch ms. */
  readonly timestampMs: number;
}

/** Who writes a batch, and which of his records to the partition is the first of it. */
export interface Numbering {
  readonly producerId: bigint;
  readonly epoch: number;
  readonly sequence: number;
}

/** Kafka counts a producer's records to a partition in 31 bits. */
export const nextSequence = (sequence: number, count: number): number =>
  (sequence + count) % 2 ** 31;

/** Offsets of the batch's fields, and its head's size, bytes. */
const LENGTH = 8;
const MAGIC = 16;
const CRC = 17;
const ATTRIBUTES = 21;
const LAST_OFFSET_DELTA = 23;
const FIRST_TIMESTAMP = 27;
const MAX_TIMESTAMP = 35;
const PRODUCER_ID = 43;
const PRODUCER_EPOCH = 51;
const SEQUENCE = 53;
const COUNT = 57;
const HEAD = 61;

const FORMAT = 2;
/** What a record takes beside its key, value and headers, at most, bytes. */
const RECORD_OVERHEAD = 32;
const HEADER_OVERHEAD = 10;

/** The room that a record takes in a batch, at most, bytes. */
export function sizeOf({ key, value, headers }: OutRecord): number {
  let size = RECORD_OVERHEAD + value.length + (key === undefined ? 0 : Buffer.byteLength(key));
  for (const [name, text] of Object.entries(headers ?? {})) {
    size += HEADER_OVERHEAD + Buffer.byteLength(name) + Buffer.byteLength(text);
  }
  return size;
}

/** One batch of records that all go to one partition. */
export function encodeBatch(records: readonly StampedRecord[], by: Numbering): Buffer {
  const room = records.reduce((sum, record) => sum + sizeOf(record), HEAD);
  const batch = Buffer.allocUnsafe(room);
  const first = records[0]?.timestampMs ?? 0;
  let at = HEAD;
  records.forEach((record, i) => {
    at = writeRecord(batch, at, record, i, record.timestampMs - first);
  });
  batch.writeBigInt64BE(0n, 0); // the offset is the broker's to give
  batch.writeInt32BE(at - LENGTH - 4, LENGTH);
  batch.writeInt32BE(-1, LENGTH + 4); // the leader's epoch, which the broker writes
  batch.writeInt8(FORMAT, MAGIC);
  batch.writeInt16BE(0, ATTRIBUTES);
  batch.writeInt32BE(records.length - 1, LAST_OFFSET_DELTA);
  batch.writeBigInt64BE(BigInt(first), FIRST_TIMESTAMP);
  const newest = records.reduce((max, { timestampMs }) => Math.max(max, timestampMs), first);
  batch.writeBigInt64BE(BigInt(newest), MAX_TIMESTAMP);
  batch.writeBigInt64BE(by.producerId, PRODUCER_ID);
  batch.writeInt16BE(by.epoch, PRODUCER_EPOCH);
  batch.writeInt32BE(by.sequence, SEQUENCE);
  batch.writeInt32BE(records.length, COUNT);
  batch.writeUInt32BE(crc32c(batch.subarray(ATTRIBUTES, at)), CRC);
  return batch.subarray(0, at);
}

/** Writes a record behind its length; gives the position behind it. */
function writeRecord(
  batch: Buffer,
  begin: number,
  { key, value, headers = {} }: OutRecord,
  offsetDelta: number,
  timestampDelta: number,
): number {
  // The length comes first and is known last: room for the longest is left, and what remains of it closed.
  const body = begin + MAX_LENGTH;
  let at = body;
  batch[at++] = 0; // attributes
  at = writeVarint(batch, at, timestampDelta);
  at = writeVarint(batch, at, offsetDelta);
  at = key === undefined ? writeVarint(batch, at, -1) : writeText(batch, at, key);
  at = writeVarint(batch, at, value.length);
  at += value.copy(batch, at);
  const pairs = Object.entries(headers);
  at = writeVarint(batch, at, pairs.length);
  for (const [name, text] of pairs) at = writeText(batch, writeText(batch, at, name), text);
  const start = writeVarint(batch, begin, at - body);
  batch.copyWithin(start, body, at);
  return start + (at - body);
}

/** Bytes of the longest length. */
const MAX_LENGTH = 5;

function writeText(batch: Buffer, at: number, text: string): number {
  const begin = writeVarint(batch, at, Buffer.byteLength(text));
  return begin + batch.write(text, begin);
}

/** Zigzag, seven bits a byte, the low ones first. Up to 52 bits, which hold any difference of two times. */
function writeVarint(batch: Buffer, begin: number, value: number): number {
  let rest = value < 0 ? -2 * value - 1 : 2 * value;
  let at = begin;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) batch[at++] = (rest % 128) | 0x80;
  batch[at++] = rest;
  return at;
}
