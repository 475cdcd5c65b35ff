/** Requests that move replicas and leaders. The client's own for moves fail, and it has none for elections. */
import type { Reader } from "@platformatic/kafka";

import { type Api, loadClient } from "../client";

/** Of one partition; `errorCode` 0 is success. */
export interface PartitionResult {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

export interface PartitionResults {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly partitions: readonly PartitionResult[];
}

type Targets = ReadonlyMap<number, readonly number[] | null>;

const ALTER_PARTITION_REASSIGNMENTS = 45;
const ELECT_LEADERS = 43;
/** The election of the first replica, as long as it is in sync. The other type takes one that is not. */
const PREFERRED = 0;

/** AlterPartitionReassignments v0 (KIP-455, Kafka 2.4): replicas by partition of one topic; null cancels. */
export async function alterPartitionReassignmentsV0(): Promise<
  Api<[topic: string, targets: Targets, limitMs: number], PartitionResults>
> {
  const { createAPI, Writer } = await loadClient();
  const request = (topic: string, targets: Targets, limitMs: number) =>
    Writer.create()
      .appendInt32(limitMs)
      .appendArray([topic], (writer, name) =>
        writer
          .appendString(name)
          .appendArray([...targets], (item, [partition, replicas]) =>
            item
              .appendInt32(partition)
              .appendArray(
                replicas && [...replicas],
                (replica, id) => replica.appendInt32(id),
                true,
                false,
              ),
          ),
      )
      .appendTaggedFields();
  return createAPI<[string, Targets, number], PartitionResults>(
    ALTER_PARTITION_REASSIGNMENTS,
    0,
    request,
    (_correlation, _key, _version, reader) => readResults(reader, true),
  );
}

/** ElectLeaders v2 (Kafka 2.4), of the preferred replicas of one topic's partitions. */
export async function electLeadersV2(): Promise<
  Api<[topic: string, partitions: readonly number[], limitMs: number], PartitionResults>
> {
  const { createAPI, Writer } = await loadClient();
  const request = (topic: string, partitions: readonly number[], limitMs: number) =>
    Writer.create()
      .appendInt8(PREFERRED)
      .appendArray([topic], (writer, name) =>
        writer
          .appendString(name)
          .appendArray([...partitions], (item, id) => item.appendInt32(id), true, false),
      )
      .appendInt32(limitMs)
      .appendTaggedFields();
  return createAPI<[string, readonly number[], number], PartitionResults>(
    ELECT_LEADERS,
    2,
    request,
    (_correlation, _key, _version, reader) => readResults(reader, false),
  );
}

/** @param hasMessage whether the answer as a whole has room for words beside its code */
function readResults(reader: Reader, hasMessage: boolean): PartitionResults {
  reader.readInt32(); // throttle time
  const errorCode = reader.readInt16();
  const errorMessage = hasMessage ? reader.readNullableString() : null;
  const topics = reader.readArray((item) => {
    const topic = item.readString();
    return item.readArray((one): PartitionResult => ({
      topic,
      partition: one.readInt32(),
      errorCode: one.readInt16(),
      errorMessage: one.readNullableString(),
    }));
  });
  return { errorCode, errorMessage, partitions: topics.flat() };
}
