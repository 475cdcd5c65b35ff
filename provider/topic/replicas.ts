/** What the cluster says of a topic's replicas, asked anew. */
import type { KafkaAdmin, LiveTopic } from "../admin/port";
import { brokerLoads, type ReplicaFacts } from "./assignment";

/** All that `planMoves` goes by. */
export async function replicaFacts(admin: KafkaAdmin, live: LiveTopic): Promise<ReplicaFacts> {
  const { topic, partitions, minInsyncReplicas } = live;
  const [reassignments, brokers, topics] = await Promise.all([
    admin.listReassignments([topic]),
    admin.listBrokers(),
    admin.listPartitions(),
  ]);
  const loads = brokerLoads(brokers, topics);
  return { topic, partitions, reassignments, brokers: loads, minInsyncReplicas };
}
