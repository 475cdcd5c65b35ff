/** Records as a broker stores and sends them: in batches, each packed by its producer or the broker. */
import { codecOf, decompress, type Codec } from "./codecs";

/** A record as a partition holds it. */
export interface StoredRecord {
  readonly partition: number;
  readonly offset: bigint;
  /** Since the epoch, by the producer's clock or the broker's; -1 if it has none. */
  readonly timestampMs: bigint;
  readonly key: Buffer | null;
  /** Null: a tombstone. */
  readonly value: Buffer | null;
  /** In the producer's order; a name may come twice. */
  readonly headers: readonly (readonly [Buffer | null, Buffer | null])[];
}

export interface Unpacked {
  readonly records: readonly StoredRecord[];
  /** The offset behind the last batch that was unpacked. */
  readonly next: bigint;
}

/** Offsets of the fields of a batch in Kafka's format 2, in bytes. */
const LENGTH = 8;
const HEAD = 12;
const MAGIC = 16;
const CRC = 17;
const ATTRIBUTES = 21;
const LAST_OFFSET_DELTA = 23;
const FIRST_TIMESTAMP = 27;
const MAX_TIMESTAMP = 35;
const COUNT = 57;
const RECORDS = 61;

const FORMAT = 2;

/** Bits of a batch's attributes. */
const CODEC = 0b111;
/** Its time is the broker's. */
const LOG_APPEND_TIME = 1 << 3;
/** It holds a transaction's end and no record of a user. */
const CONTROL = 1 << 5;

/**
 * The records from a position on, as a broker sends them: in whole batches, of which the first may begin
 * before the position and the last may be cut off. What stands before a batch that cannot be read is given
 * first; only where that one comes first there is an error.
 * @throws UnreadableBatch
 */
export async function unpackBatches(
  bytes: Buffer,
  partition: number,
  position: bigint,
): Promise<Unpacked> {
  const records: StoredRecord[] = [];
  let next = position;
  for (let at = 0; at + HEAD <= bytes.length;) {
    // Never less than its head, which tells its offset: a length may be damaged as well.
    const size = Math.max(HEAD, HEAD + bytes.readInt32BE(at + LENGTH));
    if (at + size > bytes.length) break;
    const batch = bytes.subarray(at, at + size);
    try {
      const unpacked = await unpackBatch(batch, partition);
      for (const record of unpacked.records) if (record.offset >= position) records.push(record);
      if (unpacked.next > next) next = unpacked.next;
    } catch (error) {
      if (next > position) break;
      throw unreadable(batch, error);
    }
    at += batch.length;
  }
  return { records, next };
}

/** A batch that cannot be read. The message is what is the matter with it, such as `it is too short`. */
export class UnreadableBatch extends Error {
  override readonly name = "UnreadableBatch";

  constructor(
    readonly offset: bigint,
    /** Undamaged, but in a format or by a codec that is not known here: then the message is `is in …`. */
    readonly unknownFormat: boolean,
    readonly codec: Codec | undefined,
    message: string,
  ) {
    super(message);
  }
}

class UnknownFormat extends Error {}

async function unpackBatch(batch: Buffer, partition: number): Promise<Unpacked> {
  const { Reader, readRecord, crc32c } = await import("@platformatic/kafka");
  if (batch.length <= MAGIC) throw new Error("it is too short");
  const magic = batch.readInt8(MAGIC);
  if (magic !== FORMAT) throw new UnknownFormat(`is in Kafka's record format ${magic}`);
  if (batch.length < RECORDS) throw new Error("it is too short");
  if (crc32c(batch.subarray(ATTRIBUTES)) !== batch.readUInt32BE(CRC)) {
    throw new Error("its checksum is another one");
  }
  const first = batch.readBigInt64BE(0);
  const next = first + BigInt(batch.readInt32BE(LAST_OFFSET_DELTA)) + 1n;
  const attributes = batch.readInt16BE(ATTRIBUTES);
  if ((attributes & CONTROL) !== 0) return { records: [], next };
  const codec = codecOf(attributes & CODEC);
  if (codec === undefined) {
    throw new UnknownFormat(`is compressed with codec ${attributes & CODEC}`);
  }
  const reader = Reader.from(await decompress(codec, batch.subarray(RECORDS)));
  const times = {
    first: batch.readBigInt64BE(FIRST_TIMESTAMP),
    ofBroker:
      (attributes & LOG_APPEND_TIME) === 0 ? undefined : batch.readBigInt64BE(MAX_TIMESTAMP),
  };
  const records = Array.from({ length: batch.readInt32BE(COUNT) }, (): StoredRecord => {
    const { offsetDelta, timestampDelta, key, value, headers } = readRecord(reader);
    const offset = first + BigInt(offsetDelta);
    const timestampMs = times.ofBroker ?? times.first + timestampDelta;
    return { partition, offset, timestampMs, key, value, headers };
  });
  return { records, next };
}

function unreadable(batch: Buffer, error: unknown): UnreadableBatch {
  const codec = batch.length < RECORDS ? "none" : codecOf(batch.readInt16BE(ATTRIBUTES) & CODEC);
  const reason = error instanceof Error ? error.message : String(error);
  // All that WebAssembly says when it stumbles.
  const cause = reason === "unreachable" ? "it cannot be unpacked" : reason;
  const unknown = error instanceof UnknownFormat;
  return new UnreadableBatch(batch.readBigInt64BE(0), unknown, codec, cause);
}
