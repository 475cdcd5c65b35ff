import { didYouMean } from "../nearest";
import { defaults, type LabDraft } from "../schema";
import { brokerNames } from "./cluster";
import type { Report } from "./report";

type TopicDraft = NonNullable<NonNullable<LabDraft["topics"]>[string]>;

/** Rules on where a topic's replicas lie. */
export function checkPlacement(
  name: string,
  topic: TopicDraft,
  draft: LabDraft,
  report: Report,
): void {
  const { placement } = topic;
  if (placement === undefined) return;
  const path = ["topics", name, "placement"];
  // What is there and at fault is told by itself.
  const partitions = Object.hasOwn(topic, "partitions") ? topic.partitions : defaults.partitions;
  if (partitions !== undefined && placement.length !== partitions) {
    report.add(
      path,
      undefined,
      `is for ${count(placement.length, "partition")}, and the topic has ${partitions}`,
      "Give one list of brokers for each partition, or leave placement out to have Kafka choose.",
    );
  }
  const replicas = replicasWanted(topic, draft);
  placement.forEach((hosts: readonly (string | undefined)[], partition) => {
    const at = [...path, partition];
    const named = hosts.filter((host) => host !== undefined);
    const twice = named.find((host, i) => named.indexOf(host) < i);
    if (twice !== undefined) {
      report.add(at, named.join(", "), `has ${twice} twice`, "Name each broker once.");
    } else if (replicas !== undefined && hosts.length !== replicas) {
      report.add(
        at,
        named.length === 0 ? undefined : named.join(", "),
        `is ${count(hosts.length, "broker")}, and the replication factor is ${replicas}`,
        `Name ${count(replicas, "broker")}, the preferred leader first.`,
      );
    }
    hosts.forEach((host, i) => {
      if (host !== undefined) checkBroker([...at, i], host, draft, report);
    });
  });
}

/** Undefined where there cannot be as many: that is told at the replication factor. */
function replicasWanted(topic: TopicDraft, draft: LabDraft): number | undefined {
  const replicas = topic.replicationFactor ?? draft.cluster?.replicationFactor;
  const brokers = brokerNames(draft)?.length;
  return replicas === undefined || (brokers !== undefined && replicas > brokers)
    ? undefined
    : replicas;
}

function checkBroker(
  path: readonly (string | number)[],
  host: string,
  draft: LabDraft,
  report: Report,
): void {
  const brokers = brokerNames(draft);
  if (brokers === undefined || brokers.includes(host)) return;
  const role = Object.hasOwn(draft.hosts ?? {}, host) ? draft.hosts?.[host]?.role : undefined;
  report.add(
    path,
    host,
    role === undefined ? "is not a host of the lab" : `is no broker: its role is ${role}`,
    didYouMean(host, brokers, `Name one of the brokers: ${brokers.join(", ")}.`),
  );
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`;
