/** What the leaders of partitions tell of their records. */
import { unpackBatches, UnreadableBatch } from "../../shared/kafka/batches";
import type { Brokers } from "./brokers";
import { loadClient } from "./client";
import { assertOk, type KafkaLink, LinkError } from "./kafka-link";
import { KafkaError, type LogPosition, type RecordSample } from "./port";
import { fetchV11 } from "./requests/fetch";
import type { TopicMetadata } from "./requests/metadata";

/** Kafka's own numbers. */
const CONSUMER = -1;
const UNKNOWN_EPOCH = -1;
const READ_UNCOMMITTED = 0;
const EARLIEST = -2n;
const LATEST = -1n;
const NO_SUCH_RECORD = -1n;

/** What one answer may hold, and what a whole sample may read, bytes. */
const ANSWER_BYTES = 64 << 10;
const SAMPLE_BYTES = 512 << 10;

type Offsets = ReadonlyMap<number, bigint>;

export async function offsets(
  brokers: Brokers,
  topic: string,
  partitions: readonly number[],
  at: LogPosition,
): Promise<Offsets> {
  const doing = `tell the offsets of topic ${topic}`;
  const found = await brokers.topic(doing, topic);
  const byLeader = new Map<number, number[]>();
  for (const partition of partitions) {
    const leader = leaderOf(found.topic, partition, doing);
    byLeader.set(leader, [...(byLeader.get(leader) ?? []), partition]);
  }
  const told = await Promise.all(
    [...byLeader].map(([leader, wanted]) =>
      brokers
        .at(doing, leader, found.brokers)
        .read(doing, (link) => listOffsets(link, topic, wanted, at)),
    ),
  );
  return new Map(told.flatMap((one) => [...one]));
}

/** Asks the leader of partitions. Where no record is as late as the time: the end of the log. */
export async function listOffsets(
  link: KafkaLink,
  topic: string,
  partitions: readonly number[],
  at: LogPosition,
): Promise<Map<number, bigint>> {
  const found = await askOffsets(link, topic, partitions, timestampOf(at));
  const behind = partitions.filter((one) => found.get(one) === NO_SUCH_RECORD);
  if (behind.length === 0) return found;
  return new Map([...found, ...(await askOffsets(link, topic, behind, LATEST))]);
}

function timestampOf(at: LogPosition): bigint {
  if (at === "earliest") return EARLIEST;
  return at === "latest" ? LATEST : BigInt(at.timestampMs);
}

async function askOffsets(
  link: KafkaLink,
  topic: string,
  partitions: readonly number[],
  timestamp: bigint,
): Promise<Map<number, bigint>> {
  const { listOffsetsV5 } = await loadClient();
  const wanted = partitions.map((partitionIndex) => ({
    partitionIndex,
    currentLeaderEpoch: UNKNOWN_EPOCH,
    timestamp,
  }));
  const request = [{ name: topic, partitions: wanted }];
  const answer = await link.ask(listOffsetsV5.api, CONSUMER, READ_UNCOMMITTED, request);
  const found = answer.topics.flatMap((one) => one.partitions);
  for (const { partitionIndex, errorCode } of found) {
    const doing = `tell the offsets of ${topic}, partition ${partitionIndex}`;
    await assertOk(doing, link.server, errorCode, null);
  }
  const told = new Map(found.map(({ partitionIndex, offset }) => [partitionIndex, offset]));
  const missing = partitions.find((partition) => !told.has(partition));
  if (missing === undefined) return told;
  throw new LinkError(`${link.server} told no offset of ${topic}, partition ${missing}`);
}

/**
 * Counts what lies between the newest `limit` offsets; of a log with gaps (compaction, transactions) from
 * further back as well, until there are as many records or the log begins.
 */
export async function sampleRecords(
  brokers: Brokers,
  topic: string,
  partition: number,
  limit: number,
): Promise<RecordSample> {
  const doing = `read records of ${topic}, partition ${partition}`;
  const found = await brokers.topic(doing, topic);
  const leader = leaderOf(found.topic, partition, doing);
  return brokers.at(doing, leader, found.brokers).read(doing, async (link) => {
    const [start, end] = await Promise.all(
      (["earliest", "latest"] as const).map(
        async (at) => (await listOffsets(link, topic, [partition], at)).get(partition) ?? 0n,
      ),
    );
    return sample(link, doing, { topic, partition, start: start ?? 0n, end: end ?? 0n }, limit);
  });
}

interface Log {
  readonly topic: string;
  readonly partition: number;
  readonly start: bigint;
  readonly end: bigint;
}

async function sample(
  link: KafkaLink,
  doing: string,
  { topic, partition, start, end }: Log,
  limit: number,
): Promise<RecordSample> {
  const api = await fetchV11();
  let keyed = 0;
  let unkeyed = 0;
  let bytes = SAMPLE_BYTES;
  let span = BigInt(limit);
  // Backwards, window by window, each as a leader sends it: forwards.
  for (let until = end; until > start && keyed + unkeyed < limit && bytes > 0; span *= 4n) {
    const from = until - span > start ? until - span : start;
    for (let at = from; at < until && keyed + unkeyed < limit && bytes > 0;) {
      const maxBytes = Math.min(ANSWER_BYTES, bytes);
      const answer = await link.ask(api, { topic, partition, offset: at, maxBytes });
      const [one] = answer.partitions;
      await assertOk(doing, link.server, answer.errorCode, null);
      await assertOk(doing, link.server, one?.errorCode ?? 0, null);
      if (one === undefined || one.packed.length === 0) break;
      bytes -= one.packed.length;
      const { records, next } = await unpack(one.packed, doing, partition, at);
      for (const { key, offset } of records) {
        if (offset >= until || keyed + unkeyed >= limit) break;
        if (key === null) unkeyed++;
        else keyed++;
      }
      if (next <= at) break;
      at = next;
    }
    until = from;
  }
  return { keyed, unkeyed };
}

async function unpack(packed: Buffer, doing: string, partition: number, at: bigint) {
  try {
    return await unpackBatches(packed, partition, at);
  } catch (error) {
    if (!(error instanceof UnreadableBatch)) throw error;
    throw new KafkaError(
      "refused",
      `cannot ${doing}: the batch at offset ${error.offset}: ${error.message}`,
      error.unknownFormat ? "UNSUPPORTED_FOR_MESSAGE_FORMAT" : "CORRUPT_MESSAGE",
    );
  }
}

/** @throws KafkaError for a partition that the topic does not have, or that nobody leads */
function leaderOf(topic: TopicMetadata, partition: number, doing: string): number {
  const found = topic.partitions.find((one) => one.partition === partition);
  const where = `topic ${topic.topic}, partition ${partition}`;
  if (found === undefined) {
    throw new KafkaError(
      "refused",
      `cannot ${doing}: ${where}: there is no such partition. It has ${topic.partitions.length}, numbered from 0.`,
      "UNKNOWN_TOPIC_OR_PARTITION",
    );
  }
  if (found.leader >= 0) return found.leader;
  const replicas = found.replicas.join(", ");
  throw new KafkaError(
    "unreachable",
    `cannot ${doing}: ${where} has no leader. Start one of the brokers ${replicas} that was in sync.`,
    "LEADER_NOT_AVAILABLE",
  );
}
