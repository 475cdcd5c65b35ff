import { loadClient } from "../client";
import { joinServer, type KafkaLink, toKafkaId } from "../kafka-link";
import type { PartitionState, TopicPartitions } from "../port";

export interface TopicMetadata extends TopicPartitions {
  readonly errorCode: number;
  /** Empty before Kafka 2.8. */
  readonly topicId: string;
}

export interface Metadata {
  /** `host:port` by id, of all brokers that are up. */
  readonly brokers: ReadonlyMap<number, string>;
  readonly clusterId: string;
  /** The broker that is the controller, with ZooKeeper; with KRaft any broker that passes changes on. -1: none. */
  readonly controllerId: number;
  readonly topics: readonly TopicMetadata[];
}

const METADATA = 3;
/** The first version that tells topics' ids as they are. */
const WITH_IDS = 12;

/** @param topics by name; all where it is null. One that does not exist is not made. */
export async function askMetadata(
  link: KafkaLink,
  topics: readonly string[] | null,
): Promise<Metadata> {
  const { metadataV9, metadataV12 } = await loadClient();
  const withIds = await link.knows(METADATA, WITH_IDS);
  const { api } = withIds ? metadataV12 : metadataV9;
  const names = topics === null ? null : [...topics];
  const answer = await link.ask(api, names, false, false);
  return {
    brokers: new Map(
      answer.brokers.map(({ nodeId, host, port }) => [nodeId, joinServer(host, port)]),
    ),
    clusterId: answer.clusterId ?? "",
    controllerId: answer.controllerId,
    topics: answer.topics.map(({ errorCode, name, topicId, partitions }) => ({
      errorCode,
      topic: name ?? "",
      topicId: withIds ? toKafkaId(topicId) : "",
      partitions: partitions.map(stateOf).sort((a, b) => a.partition - b.partition),
    })),
  };
}

const stateOf = (partition: {
  readonly partitionIndex: number;
  readonly leaderId: number;
  readonly replicaNodes: readonly number[];
  readonly isrNodes: readonly number[];
}): PartitionState => ({
  partition: partition.partitionIndex,
  leader: partition.leaderId,
  replicas: partition.replicaNodes,
  isr: partition.isrNodes,
});
