/** Kafka's requests about the records of one topic, each built here and nowhere else. */
import type { Reader } from "@platformatic/kafka";
import {
  assertOk,
  LinkError,
  loadClient,
  type Api,
  type KafkaLink,
} from "../../../provider/admin/kafka-link";
import { askMetadata, type TopicMetadata } from "../../../provider/admin/requests/metadata";
import { readTagged } from "../../../shared/kafka/tagged";
import { recordsOf } from "./batches";
import type { Fetched, NewRecord, ProducerId } from "./port";

/** Kafka's own numbers. */
const ALL_IN_SYNC = -1;
const NO_PRODUCER = -1n;
const UNKNOWN_EPOCH = -1;
/** Isolation level: also the records of transactions that are open, or were aborted. */
const READ_UNCOMMITTED = 0;
const NO_SESSION = { id: 0, epoch: -1 } as const;
const OFFSET_OUT_OF_RANGE = 1;
const UNKNOWN_TOPIC = 3;

/** What one answer may hold, bytes. A larger batch comes alone. */
const PARTITION_BYTES = 1 << 20;
const ANSWER_BYTES = 1 << 24;

/**
 * A topic as it lies on the brokers, its settings left out: who may read or write it need not be allowed to ask
 * for those. Undefined where there is none.
 */
export async function describePlaces(
  link: KafkaLink,
  topic: string,
): Promise<TopicMetadata | undefined> {
  const [found] = (await askMetadata(link, [topic])).topics;
  if (found === undefined || found.errorCode === UNKNOWN_TOPIC) return undefined;
  await assertOk(`describe topic ${topic}`, link.server, found.errorCode, null);
  return found;
}

/** A number for an idempotent producer. Any broker gives one. */
export async function numberProducer(link: KafkaLink): Promise<ProducerId> {
  const { initProducerIdV5 } = await loadClient();
  const given = await link.ask(initProducerIdV5.api, null, 0, NO_PRODUCER, UNKNOWN_EPOCH);
  await assertOk("number a producer", link.server, given.errorCode, null);
  return { id: given.producerId, epoch: given.producerEpoch };
}

export interface Append {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly NewRecord[];
  /** How long the leader may wait for the replicas before it answers that they were too slow. */
  readonly replicasMs: number;
  /** Who writes, and how many records of his the partition has; undefined: a batch sent twice is two. */
  readonly numbered?: { readonly producer: ProducerId; readonly sequence: number } | undefined;
}

/**
 * Has a partition's leader append a batch, all of it or nothing, and waits until all in-sync replicas have
 * it (acks=all). Resolves with the first record's offset.
 */
export async function appendBatch(link: KafkaLink, append: Append): Promise<bigint> {
  const { topic, partition, numbered } = append;
  const { produceV11, NumericMap } = await loadClient();
  const batch = append.records.map(({ key, value }) => ({
    topic,
    partition,
    value,
    ...(key === null ? {} : { key }),
  }));
  const options =
    numbered === undefined
      ? {}
      : {
          producerId: numbered.producer.id,
          producerEpoch: numbered.producer.epoch,
          sequences: new NumericMap([[`${topic}:${partition}`, numbered.sequence]]),
        };
  const answer = await link.ask(produceV11.api, ALL_IN_SYNC, append.replicasMs, batch, options);
  const found =
    typeof answer === "boolean" ? undefined : answer.responses[0]?.partitionResponses[0];
  if (found === undefined) throw new LinkError(`${link.server} gave no answer to a write`);
  const doing = `write to ${topic}, partition ${partition}`;
  await assertOk(doing, link.server, found.errorCode, found.errorMessage);
  return found.baseOffset;
}

/** A topic by both of its names. */
export interface TopicName {
  readonly topic: string;
  /** In the client's notation. */
  readonly topicId: string;
}

export interface FetchedPartition extends Fetched {
  /** Offset of the first record that is not on all in-sync replicas yet. */
  readonly highWatermark: bigint;
}

/** Asks the leader of partitions for records from positions on; it waits up to `maxWaitMs` for a first one. */
export async function fetchRecords(
  link: KafkaLink,
  { topic, topicId }: TopicName,
  positions: ReadonlyMap<number, bigint>,
  maxWaitMs: number,
): Promise<FetchedPartition[]> {
  const partitions = [...positions].map(([partition, fetchOffset]) => ({
    partition,
    fetchOffset,
    currentLeaderEpoch: UNKNOWN_EPOCH,
    lastFetchedEpoch: UNKNOWN_EPOCH,
    partitionMaxBytes: PARTITION_BYTES,
  }));
  const answer = await link.ask(
    await fetchV17(),
    maxWaitMs,
    1,
    ANSWER_BYTES,
    READ_UNCOMMITTED,
    NO_SESSION.id,
    NO_SESSION.epoch,
    [{ topicId, partitions }],
    [],
    "",
  );
  await assertOk(`read ${topic}`, link.server, answer.errorCode, null);
  return Promise.all(
    answer.partitions.map(async ({ partition, errorCode, highWatermark, packed }) => {
      const position = positions.get(partition) ?? 0n;
      const outOfRange = errorCode === OFFSET_OUT_OF_RANGE;
      if (!outOfRange) {
        const doing = `read ${topic}, partition ${partition}`;
        await assertOk(doing, link.server, errorCode, null);
      }
      const unpacked = await recordsOf(packed, { topic, partition }, position);
      return { partition, ...unpacked, outOfRange, highWatermark };
    }),
  );
}

interface FetchAnswer {
  readonly errorCode: number;
  readonly partitions: readonly {
    readonly partition: number;
    readonly errorCode: number;
    readonly highWatermark: bigint;
    /** Batches as they are stored. */
    readonly packed: Buffer;
  }[];
}

type FetchArguments = Parameters<
  Awaited<ReturnType<typeof loadClient>>["fetchV17"]["createRequest"]
>;

/**
 * The client's Fetch request, with an answer of ours. The client's own cannot unpack what snappy-java or
 * zstd have packed, and gives up the whole answer for one such batch; and it stumbles over the tags by which
 * a broker that leads no more says who does.
 */
async function fetchV17(): Promise<Api<FetchArguments, FetchAnswer>> {
  const { createAPI, fetchV17: theirs } = await loadClient();
  const { key, version } = theirs.api;
  const parse = (_correlation: number, _key: number, _version: number, reader: Reader) =>
    parseFetchV17(reader);
  return createAPI<FetchArguments, FetchAnswer>(key, version, theirs.createRequest, parse);
}

export function parseFetchV17(reader: Reader): FetchAnswer {
  reader.readInt32(); // throttle time
  const errorCode = reader.readInt16();
  reader.readInt32(); // session
  const topics = readTagged(reader, (topic) => {
    topic.readUUID();
    return readTagged(topic, readPartition);
  });
  return { errorCode, partitions: topics.flat() };
}

function readPartition(reader: Reader): FetchAnswer["partitions"][number] {
  const partition = reader.readInt32();
  const errorCode = reader.readInt16();
  const highWatermark = reader.readInt64();
  reader.readInt64(); // last stable offset
  reader.readInt64(); // log start offset
  readTagged(reader, (aborted) => [aborted.readInt64(), aborted.readInt64()]);
  reader.readInt32(); // preferred replica
  // The size and one more; 0 is null.
  const size = Math.max(0, reader.readUnsignedVarInt() - 1);
  const packed = reader.buffer.slice(reader.position, reader.position + size);
  reader.skip(size);
  return { partition, errorCode, highWatermark, packed };
}
