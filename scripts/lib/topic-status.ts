/** A lab's topics as they are seen beside how the configuration wants them: values in, sentences out. */
import { kafkaHosts, type Lab } from "../../model";
import type { LiveTopic, TopicPartitions } from "../../provider/admin/port";
import { sameSetting } from "../../provider/topic/settings";

export interface PartitionStatus {
  readonly partition: number;
  /** Host name of the leader; undefined while there is none. */
  readonly leader: string | undefined;
  /** Host names. */
  readonly replicas: readonly string[];
  readonly isr: readonly string[];
}

export interface TopicStatus {
  readonly name: string;
  readonly partitions: readonly PartitionStatus[];
}

type Wanted = Lab["topics"][number];

export function hostOfNode(lab: Lab, nodeId: number | undefined): string | undefined {
  if (nodeId === undefined || nodeId < 0) return undefined;
  return kafkaHosts(lab).find((host) => host.nodeId === nodeId)?.name ?? `node ${nodeId}`;
}

/** In the configuration's order; those that do not exist are left out. */
export function topicStatuses(
  lab: Lab,
  live: readonly TopicPartitions[] | undefined,
): TopicStatus[] {
  const names = (ids: readonly number[]): string[] =>
    [...ids].sort((a, b) => a - b).map((id) => hostOfNode(lab, id) ?? `node ${id}`);
  return lab.topics.flatMap(({ name }) => {
    const found = live?.find(({ topic }) => topic === name);
    if (!found) return [];
    const partitions = [...found.partitions].sort((a, b) => a.partition - b.partition);
    return {
      name,
      partitions: partitions.map(({ partition, leader, replicas, isr }) => ({
        partition,
        leader: hostOfNode(lab, leader),
        replicas: names(replicas),
        isr: names(isr),
      })),
    };
  });
}

/** @param settings by topic, of those that are there; undefined: they could not be asked for */
export function topicProblems(
  lab: Lab,
  topics: readonly TopicStatus[],
  settings: ReadonlyMap<string, LiveTopic["config"]> | undefined,
): string[] {
  return lab.topics.flatMap((wanted) => {
    const topic = topics.find(({ name }) => name === wanted.name);
    if (!topic) return [`Topic ${wanted.name} does not exist.`];
    return [
      ...countProblem(wanted, topic.partitions.length),
      ...topic.partitions.flatMap((partition) => partitionProblem(wanted, partition)),
      ...settingProblems(wanted, settings?.get(wanted.name)),
    ];
  });
}

function countProblem({ name, partitions }: Wanted, count: number): string[] {
  if (count === partitions) return [];
  const is = partitions === 1 ? "is" : "are";
  return [
    `Topic ${name} has ${count} partition${count === 1 ? "" : "s"}; ${partitions} ${is} wanted.`,
  ];
}

function partitionProblem(
  wanted: Wanted,
  { partition, leader, replicas, isr }: PartitionStatus,
): string[] {
  const what = `Topic ${wanted.name}, partition ${partition}`;
  if (leader === undefined) return [`${what} has no leader.`];
  if (isr.length < replicas.length) {
    const missing = replicas.filter((name) => !isr.includes(name));
    return [`${what}: ${missing.join(", ")} ${missing.length > 1 ? "are" : "is"} not in sync.`];
  }
  if (replicas.length !== wanted.replicationFactor) {
    return [`${what} has ${replicas.length} replicas; ${wanted.replicationFactor} are wanted.`];
  }
  return [];
}

/** Of those that the configuration names: what else is set on a topic is others' affair. */
function settingProblems(
  { name, config }: Wanted,
  live: LiveTopic["config"] | undefined,
): string[] {
  if (live === undefined) return [];
  return Object.entries(config).flatMap(([key, value]) => {
    const now = live[key];
    if (sameSetting(key, now, value)) return [];
    return [`Topic ${name}: ${key} is ${now ?? "as the brokers have it"}; ${value} is wanted.`];
  });
}
