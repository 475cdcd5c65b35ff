/** What a move leaves in the cluster, and whether all is as it was wanted. */
import type { KafkaAdmin, LiveTopic, Reassignment } from "../../provider/admin/port";
import { counted } from "../../provider/topic/amounts";
import { type Placement, sameList } from "../../provider/topic/assignment";
import { keysOnTopic } from "../../provider/topic/throttle";

/** A topic and its cluster at one time. */
export interface Seen {
  readonly topic: LiveTopic;
  /** Of all topics. */
  readonly reassignments: readonly Reassignment[];
  /** Bytes a second, by broker. */
  readonly throttles: ReadonlyMap<number, number>;
}

export async function look(admin: KafkaAdmin, name: string): Promise<Seen> {
  const [topic, reassignments, throttles] = await Promise.all([
    admin.describeTopic(name),
    admin.listReassignments(),
    admin.replicationThrottles(),
  ]);
  if (topic === undefined) throw new Error(`the topic ${name} is gone`);
  return { topic, reassignments, throttles };
}

/** What is not as it is to be after a move; nothing where all is. */
export function amiss(placement: Placement, { topic, reassignments, throttles }: Seen): string[] {
  return [
    ...topic.partitions.flatMap(({ partition, replicas, isr, leader }) => {
      const wanted = placement[partition] ?? [];
      const named = `partition ${partition}`;
      return [
        ...(sameList(replicas, wanted)
          ? []
          : [`${named} is on ${replicas.join()}, not ${wanted.join()}`]),
        ...(leader === wanted[0] ? [] : [`${named} is led by ${leader}, not ${wanted[0]}`]),
        ...(isr.length === replicas.length ? [] : [`${named} has ${isr.join()} in sync alone`]),
      ];
    }),
    ...(topic.partitions.length === placement.length
      ? []
      : [`it has ${counted(topic.partitions.length, "partition")}`]),
    ...reassignments.map((one) => `partition ${one.partition} of ${one.topic} still moves`),
    ...keysOnTopic(topic.config).map((key) => `the topic still has ${key}`),
    ...[...throttles].map(
      ([id, rate]) => `broker ${id} is still limited to ${rate} bytes a second`,
    ),
  ];
}

/** What a killed run has left, in words. */
export function leftText({ topic, reassignments, throttles }: Seen): string {
  const keys = keysOnTopic(topic.config).length > 0;
  return (
    `${counted(reassignments.length, "partition")} moving, ${counted(throttles.size, "broker")} limited, ` +
    `${keys ? "throttled replicas named" : "no throttled replica named"}`
  );
}
