/** The requests of a reader to partitions' leaders. */
import { createAPI, fetchV13, listOffsetsV6, type Reader } from "@platformatic/kafka";
import { readTagged } from "../../../shared/kafka/tagged";
import type { Start } from "../records";
import type { KafkaLink } from "./link";

/** Kafka's own numbers. */
const CONSUMER = -1;
const UNKNOWN_EPOCH = -1;
/** Isolation level: also the records of transactions that are open, or were aborted. Nothing of the lab writes in them. */
const READ_UNCOMMITTED = 0;
const NO_SESSION = { id: 0, epoch: -1 } as const;
const EARLIEST = -2n;
const LATEST = -1n;

/** What one answer may hold, of one partition and of all, bytes. A larger batch comes alone. */
const PARTITION_BYTES = 1 << 20;
const ANSWER_BYTES = 4 << 20;
/** A leader's answer comes once it has so many bytes of records, or after so long. */
export interface Gathering {
  readonly bytes: number;
  readonly waitMs: number;
}
/** With the first record. */
export const AT_ONCE: Gathering = { bytes: 1, waitMs: 500 };
/** Limit of a request beside the wait that it asks for, ms. */
export const ANSWER_MS = 5_000;

export interface Place {
  readonly topic: string;
  readonly partition: number;
}

/** A place that is asked for by its topic's id: what another topic of that name holds is not given for it. */
export interface PlaceById extends Place {
  readonly topicId: string;
}

export interface Fetched {
  readonly topicId: string;
  readonly partition: number;
  readonly errorCode: number;
  /** The offset that the next record gets; negative with an error. */
  readonly end: bigint;
  /** Batches as they are stored. */
  readonly packed: Buffer;
}

/** The library's Fetch with an answer of ours: its own gives up all of it for one batch that it cannot unpack. */
const fetchApi = createAPI<Parameters<typeof fetchV13.createRequest>, Fetched[]>(
  fetchV13.api.key,
  fetchV13.api.version,
  fetchV13.createRequest,
  (_correlation, _key, _version, reader) => {
    reader.readInt32(); // throttle time
    const errorCode = reader.readInt16();
    reader.readInt32(); // session
    const found = readTagged(reader, (item) => {
      const topicId = item.readUUID();
      return readTagged(item, (one) => readFetched(one, topicId));
    }).flat();
    return errorCode === 0 ? found : found.map((one) => ({ ...one, errorCode }));
  },
);

function readFetched(reader: Reader, topicId: string): Fetched {
  const partition = reader.readInt32();
  const errorCode = reader.readInt16();
  const end = reader.readInt64(); // high watermark
  reader.readInt64(); // last stable offset
  reader.readInt64(); // log start offset
  readTagged(reader, (aborted) => [aborted.readInt64(), aborted.readInt64()]);
  reader.readInt32(); // preferred replica
  // The size and one more; 0 is null.
  const size = Math.max(0, reader.readUnsignedVarInt() - 1);
  const packed = Buffer.from(reader.buffer.slice(reader.position, reader.position + size));
  reader.skip(size);
  return { topicId, partition, errorCode, end, packed };
}

/** Waits for records of any of the places, all of which the link's broker leads. */
export function fetchRecords(
  link: KafkaLink,
  places: readonly (PlaceById & { readonly position: bigint })[],
  { bytes, waitMs }: Gathering,
): Promise<Fetched[]> {
  const topics = groupedBy(places, ({ topicId }) => topicId).map(([topicId, ofTopic]) => ({
    topicId,
    partitions: ofTopic.map(({ partition, position }) => ({
      partition,
      currentLeaderEpoch: UNKNOWN_EPOCH,
      fetchOffset: position,
      lastFetchedEpoch: UNKNOWN_EPOCH,
      partitionMaxBytes: PARTITION_BYTES,
    })),
  }));
  const { id, epoch } = NO_SESSION;
  const limits = [waitMs, bytes, ANSWER_BYTES, READ_UNCOMMITTED] as const;
  return link.ask(fetchApi, ...limits, id, epoch, topics, [], "");
}

export interface Offset extends Place {
  readonly errorCode: number;
  readonly offset: bigint;
}

/** The offset at which each place's log is to be begun; -1 where no record is as new as that. */
export async function logEnds(
  link: KafkaLink,
  places: readonly Place[],
  start: Start,
): Promise<Offset[]> {
  const timestamp =
    typeof start === "object" ? BigInt(start.sinceMs) : start === "earliest" ? EARLIEST : LATEST;
  const topics = byTopic(places).map(([name, ofTopic]) => ({
    name,
    partitions: ofTopic.map(({ partition }) => ({
      partitionIndex: partition,
      currentLeaderEpoch: UNKNOWN_EPOCH,
      timestamp,
    })),
  }));
  const answer = await link.ask(listOffsetsV6.api, CONSUMER, READ_UNCOMMITTED, topics);
  return answer.topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex, errorCode, offset }) => ({
      topic: name,
      partition: partitionIndex,
      errorCode,
      offset,
    })),
  );
}

export function byTopic<T extends Place>(places: readonly T[]): [string, T[]][] {
  return groupedBy(places, ({ topic }) => topic);
}

function groupedBy<T>(items: readonly T[], nameOf: (item: T) => string): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = nameOf(item);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [item]);
    else group.push(item);
  }
  return [...groups];
}
