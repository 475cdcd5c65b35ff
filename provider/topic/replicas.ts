/** What the cluster says of a topic's replicas, asked anew. */
import type { KafkaAdmin, LiveTopic, Reassignment } from "../admin/port";
import { brokerLoads, type ReplicaFacts } from "./assignment";
import { partitionBytes } from "./move-costs";

/** All that `planMoves` goes by. */
export async function replicaFacts(
  admin: KafkaAdmin,
  { topic, partitions, minInsyncReplicas }: Omit<LiveTopic, "topicId" | "config">,
): Promise<ReplicaFacts> {
  const [reassignments, brokers, topics] = await Promise.all([
    admin.listReassignments([topic]),
    admin.listBrokers(),
    admin.listPartitions(),
  ]);
  const loads = brokerLoads(brokers, topics);
  return { topic, partitions, reassignments, brokers: loads, minInsyncReplicas };
}

/** A replica that is being made. */
export interface Copy {
  /** `partition:broker`. */
  readonly name: string;
  readonly bytes: number;
  /** Bytes that the leader has more. */
  readonly behind: number;
}

/** The replicas that moves add and that are not in sync yet: the others grow by new records alone. */
export async function copiesUnderWay(
  admin: KafkaAdmin,
  { topic, partitions }: LiveTopic,
  running: readonly Reassignment[],
): Promise<Copy[]> {
  const sizes = await admin.replicaSizes([topic]);
  const whole = partitionBytes(topic, partitions, sizes);
  return running.flatMap(({ partition, adding }) => {
    const isr = partitions.find((one) => one.partition === partition)?.isr ?? [];
    return adding
      .filter((id) => !isr.includes(id))
      .map((id) => {
        const bytes = sizes.get(id)?.get(`${topic}-${partition}`) ?? 0;
        const behind = Math.max(0, (whole.get(partition) ?? 0) - bytes);
        return { name: `${partition}:${id}`, bytes, behind };
      });
  });
}
