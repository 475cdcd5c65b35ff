import { assertOk, loadClient, type KafkaLink } from "../../provider/admin/kafka-link";

/** A partition, by both names that Kafka has for its topic. */
export interface PartitionName {
  readonly topic: string;
  /** In the client's notation. */
  readonly topicId: string;
  readonly partition: number;
}

/** Asks a leader for the first offset that it still has: 0, or more where records were deleted. */
export async function firstOffset(link: KafkaLink, place: PartitionName): Promise<bigint> {
  const { listOffsetsV9 } = await loadClient();
  const wanted = { partitionIndex: place.partition, currentLeaderEpoch: -1, timestamp: EARLIEST };
  const { topics } = await link.ask(listOffsetsV9.api, NO_REPLICA, ALL_RECORDS, [
    { name: place.topic, partitions: [wanted] },
  ]);
  const found = topics[0]?.partitions[0];
  if (found === undefined) throw new Error(`${link.server} gave an empty answer`);
  await assertOk(`list offsets of ${nameOf(place)}`, link.server, found.errorCode, null);
  return found.offset;
}

export interface Fetched {
  readonly values: readonly string[];
  /** Offset of the record behind these; the one that was asked for where there was nothing. */
  readonly next: bigint;
  /** Offset of the first record that is not served yet. */
  readonly highWatermark: bigint;
}

/** Asks a leader for records from an offset on; waits half a second for some where there are none. */
export async function fetchFrom(
  link: KafkaLink,
  place: PartitionName,
  offset: bigint,
): Promise<Fetched> {
  const { fetchV17 } = await loadClient();
  const wanted = {
    partition: place.partition,
    fetchOffset: offset,
    currentLeaderEpoch: -1,
    lastFetchedEpoch: -1,
    partitionMaxBytes: 1 << 20,
  };
  const topics = [{ topicId: place.topicId, partitions: [wanted] }];
  const answer = await link.ask(
    fetchV17.api,
    WAIT_MS,
    1,
    1 << 24,
    ALL_RECORDS,
    0,
    NO_SESSION,
    topics,
    [],
    "",
  );
  const doing = `read ${nameOf(place)}`;
  await assertOk(doing, link.server, answer.errorCode, null);
  const found = answer.responses[0]?.partitions[0];
  if (found === undefined) throw new Error(`${link.server} gave an empty answer`);
  await assertOk(doing, link.server, found.errorCode, null);
  const values: string[] = [];
  let next = offset;
  for (const batch of found.records ?? []) {
    for (const record of batch.records) {
      // A batch comes whole, also where the offset lies within it.
      const position = batch.firstOffset + BigInt(record.offsetDelta);
      if (position >= offset) values.push(record.value?.toString() ?? "");
    }
    next = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n;
  }
  return { values, next, highWatermark: found.highWatermark };
}

/** How long a leader may wait for a first record. */
const WAIT_MS = 500;
const EARLIEST = -2n;
const NO_REPLICA = -1;
/** Isolation level: also those of transactions that are open. */
const ALL_RECORDS = 0;
/** Epoch of a fetch outside of any session. */
const NO_SESSION = -1;

function nameOf({ topic, partition }: PartitionName): string {
  return `${topic}-${partition}`;
}
