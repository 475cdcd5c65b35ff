/** Fetch: the client's own parser gives up a whole answer for one batch that it cannot unpack. */
import type { Reader } from "@platformatic/kafka";

import { type Api, loadClient } from "../client";

export interface FetchedPartition {
  readonly partition: number;
  readonly errorCode: number;
  /** Offset of the first record that is not on all in-sync replicas yet. */
  readonly highWatermark: bigint;
  /** Batches as they are stored. */
  readonly packed: Buffer;
}

export interface FetchAnswer {
  readonly errorCode: number;
  readonly partitions: readonly FetchedPartition[];
}

/** What is read of one partition. */
export interface FetchOne {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  /** What the answer may hold, bytes. A larger batch comes alone. */
  readonly maxBytes: number;
}

const FETCH = 1;
const CONSUMER = -1;
/** Isolation level: also the records of transactions that are open, or were aborted. */
const READ_UNCOMMITTED = 0;
const NO_SESSION = { id: 0, epoch: -1 } as const;
const UNKNOWN_EPOCH = -1;
/** An answer without records is no use, but neither is one worth waiting for. */
const MAX_WAIT_MS = 0;

/** Fetch v11 (Kafka 2.3), the last that every broker knows from 2.6 on: topics go by their names. */
export async function fetchV11(): Promise<Api<[FetchOne], FetchAnswer>> {
  const { createAPI, Writer } = await loadClient();
  const request = ({ topic, partition, offset, maxBytes }: FetchOne) =>
    Writer.create()
      .appendInt32(CONSUMER)
      .appendInt32(MAX_WAIT_MS)
      .appendInt32(0) // the least number of bytes
      .appendInt32(maxBytes)
      .appendInt8(READ_UNCOMMITTED)
      .appendInt32(NO_SESSION.id)
      .appendInt32(NO_SESSION.epoch)
      .appendArray(
        [topic],
        (writer, name) =>
          writer.appendString(name, false).appendArray(
            [partition],
            (item, id) =>
              item
                .appendInt32(id)
                .appendInt32(UNKNOWN_EPOCH)
                .appendInt64(offset)
                .appendInt64(-1n) // the log's start, which only followers tell
                .appendInt32(maxBytes),
            false,
            false,
          ),
        false,
        false,
      )
      .appendArray([], () => {}, false, false) // topics to forget
      .appendString("", false); // rack
  return createAPI<[FetchOne], FetchAnswer>(
    FETCH,
    11,
    request,
    (_correlation, _key, _version, reader) => parseFetchV11(reader),
    false,
    false,
  );
}

export function parseFetchV11(reader: Reader): FetchAnswer {
  reader.readInt32(); // throttle time
  const errorCode = reader.readInt16();
  reader.readInt32(); // session
  const topics = reader.readArray(
    (topic) => {
      topic.readString(false);
      return topic.readArray(readPartition, false, false);
    },
    false,
    false,
  );
  return { errorCode, partitions: topics.flat() };
}

function readPartition(reader: Reader): FetchedPartition {
  const partition = reader.readInt32();
  const errorCode = reader.readInt16();
  const highWatermark = reader.readInt64();
  reader.readInt64(); // last stable offset
  reader.readInt64(); // log start offset
  reader.readArray((aborted) => [aborted.readInt64(), aborted.readInt64()], false, false);
  reader.readInt32(); // preferred replica
  const packed = reader.readNullableBytes(false) ?? Buffer.alloc(0);
  return { partition, errorCode, highWatermark, packed };
}
