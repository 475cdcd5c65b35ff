/** Requests about topics, in versions that every broker knows from Kafka 2.6 on. */
import { readTagged } from "../../../shared/kafka/tagged";
import { type Api, loadClient } from "../client";
import type { NewTopic } from "../port";

/** What became of one topic, or of another thing with a name; `errorCode` 0 is success. */
export interface NamedResult {
  readonly name: string;
  readonly errorCode: number;
  readonly errorMessage?: string | null | undefined;
}

const CREATE_TOPICS = 19;
const DELETE_TOPICS = 20;

/** Kafka's own word for "as the assignments say". */
const AS_ASSIGNED = -1;

/** CreateTopics v5 (Kafka 2.4). */
export async function createTopicsV5(): Promise<
  Api<[topics: readonly NewTopic[], limitMs: number], readonly NamedResult[]>
> {
  const { createAPI, createTopicsV7 } = await loadClient();
  const request = (topics: readonly NewTopic[], limitMs: number) => {
    const items = topics.map(({ name, partitions, replicationFactor, config, placement }) => ({
      name,
      numPartitions: placement === undefined ? partitions : AS_ASSIGNED,
      replicationFactor: placement === undefined ? replicationFactor : AS_ASSIGNED,
      assignments: (placement ?? []).map((brokerIds, partitionIndex) => ({
        partitionIndex,
        brokerIds: [...brokerIds],
      })),
      configs: Object.entries(config).map(([key, value]) => ({ name: key, value })),
    }));
    // The two versions' requests are the same.
    return createTopicsV7.createRequest(items, limitMs, false);
  };
  return createAPI<[readonly NewTopic[], number], readonly NamedResult[]>(
    CREATE_TOPICS,
    5,
    request,
    (_correlation, _key, _version, reader) => {
      reader.readInt32(); // throttle time
      return readTagged(reader, (item) => {
        const name = item.readString();
        const errorCode = item.readInt16();
        const errorMessage = item.readNullableString();
        item.readInt32(); // partitions
        item.readInt16(); // replication factor
        readTagged(item, (config) => {
          config.readString();
          config.readNullableString();
          return [config.readBoolean(), config.readInt8(), config.readBoolean()];
        });
        return { name, errorCode, errorMessage };
      });
    },
  );
}

/** DeleteTopics v4 (Kafka 2.4), by names: for brokers that know no ids. */
export async function deleteTopicsV4(): Promise<
  Api<[names: readonly string[], limitMs: number], readonly NamedResult[]>
> {
  const { createAPI, Writer } = await loadClient();
  const request = (names: readonly string[], limitMs: number) =>
    Writer.create()
      .appendArray([...names], (writer, name) => writer.appendString(name), true, false)
      .appendInt32(limitMs)
      .appendTaggedFields();
  return createAPI<[readonly string[], number], readonly NamedResult[]>(
    DELETE_TOPICS,
    4,
    request,
    (_correlation, _key, _version, reader) => {
      reader.readInt32(); // throttle time
      return readTagged(reader, (item) => ({
        name: item.readString(),
        errorCode: item.readInt16(),
      }));
    },
  );
}
