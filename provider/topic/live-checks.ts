/** Faults of a new or changed topic that only the live cluster shows: values in, failures out. */
import { collisionKey } from "../../model/names";
import type { CheckFailure } from "../../plugins/common/rpc";
import { propertyPath } from "../../plugins/common/rpc";
import type { RegisteredBroker } from "../admin/port";
import type { Placement } from "./assignment";
import type { Edit } from "./edits";
import { MIN_ISR } from "./edits";
import { settingFault } from "./settings";

/** What a preview knows of the cluster as a whole. */
export interface ClusterFacts {
  readonly brokers: readonly RegisteredBroker[];
  /** As `kafkaRelease` tells it: undefined before 3.3, and with ZooKeeper. */
  readonly release: string | undefined;
}

/** What is asked for of a topic; what is not known yet is left out. */
export interface Wanted {
  readonly name: string | undefined;
  readonly replicationFactor: number | undefined;
  readonly placement: Placement | undefined;
  readonly config: Readonly<Record<string, string>>;
}

/** Which of it is new: what stands in the cluster already has been judged. */
export interface Fresh {
  readonly name: boolean;
  readonly replicas: boolean;
  readonly keys: readonly string[];
}

export function freshOf(isNew: boolean, edits: readonly Edit[], wanted: Wanted): Fresh {
  if (isNew) return { name: true, replicas: true, keys: Object.keys(wanted.config) };
  return {
    name: edits.some(({ kind }) => kind === "name"),
    replicas: edits.some(({ kind }) => kind === "replicas"),
    keys: edits.flatMap((edit) =>
      edit.kind === "config" && edit.to !== undefined ? [edit.key] : [],
    ),
  };
}

export function clusterFailures(wanted: Wanted, fresh: Fresh, facts: ClusterFacts): CheckFailure[] {
  const failures: CheckFailure[] = [];
  const { replicationFactor } = wanted;
  const count = facts.brokers.length;
  if (fresh.replicas && replicationFactor !== undefined && replicationFactor > count) {
    failures.push({
      property: "replicationFactor",
      reason: `${replicationFactor} is more than the cluster has brokers, ${count}; give at most ${count}`,
    });
  }
  if (fresh.replicas) failures.push(...placementFailures(wanted.placement ?? [], facts));
  const release = settingsRelease(facts.release);
  for (const key of release === undefined ? [] : fresh.keys) {
    const fault = settingFault(key, wanted.config[key] ?? "", release);
    if (fault !== undefined) {
      failures.push({ property: propertyPath(["config", key]), reason: fault });
    }
  }
  return failures;
}

function placementFailures(placement: Placement, { brokers }: ClusterFacts): CheckFailure[] {
  const ids = brokers.map(({ id }) => id).sort((a, b) => a - b);
  return placement.flatMap((place, partition) => {
    const strangers = place.filter((id) => !ids.includes(id));
    if (strangers.length === 0) return [];
    const reason = `there is no broker ${strangers.join(" or ")} in the cluster, which has ${ids.join(", ")}`;
    return [{ property: propertyPath(["placement", partition]), reason }];
  });
}

/** Names of others that a topic cannot be beside. */
export function collisionFailures(name: string, others: readonly string[]): CheckFailure[] {
  const other = others.find((one) => one !== name && collisionKey(one) === collisionKey(name));
  if (other === undefined) return [];
  return [
    {
      property: "name",
      reason:
        `${name} collides with the topic ${other} of the cluster: Kafka's metrics do not tell \`.\` ` +
        "and `_` apart, and it refuses the second. Choose another name",
    },
  ];
}

/** The release by whose settings to judge; undefined for one that is not known here. */
function settingsRelease(told: string | undefined): string | undefined {
  // With ZooKeeper none is told. The last one that had it takes whatever those before it take.
  if (told === undefined) return "3.9";
  return /^\d+\.\d+/.test(told) ? told : undefined;
}

/** A new topic that no producer with acks=all could write to yet, in words; undefined if one could. */
export function tooFewBrokers(wanted: Wanted, facts: ClusterFacts): string | undefined {
  const minIsr = Number(wanted.config[MIN_ISR] ?? 1);
  const serving = facts.brokers.filter(({ fenced }) => !fenced).length;
  const live = Math.min(serving, wanted.replicationFactor ?? serving);
  if (minIsr <= live) return undefined;
  return (
    `${MIN_ISR} ${minIsr} is more than the ${serving} of ${facts.brokers.length} brokers that serve now: ` +
    "writes with acks=all are refused until more of them do"
  );
}
