import type { ConfigProblem } from "../errors";
import { settingProblem } from "../kafka/settings";
import { collisionKey, topicFault, yamlFault } from "../names";
import { defaults, type LabDraft } from "../schema";
import type { KafkaVersion } from "../types";
import { brokerNames } from "./cluster";
import { checkPlacement } from "./placement";
import { inOrder, Report } from "./report";

type TopicDraft = NonNullable<NonNullable<LabDraft["topics"]>[string]>;

/** Rules on topics: names, replicas, settings. */
export function topicProblems(draft: LabDraft): ConfigProblem[] {
  const report = new Report();
  const version = draft.cluster?.kafkaVersion ?? defaults.kafkaVersion;
  checkNames(draft, report);
  for (const [name, topic] of inOrder(draft.topics)) {
    checkReplication(name, topic, draft, report);
    checkPlacement(name, topic, draft, report);
    checkConfig(name, topic, version, report);
  }
  return report.problems;
}

function checkNames({ topics }: LabDraft, report: Report): void {
  const holders = new Map<string, string>();
  for (const [name] of inOrder(topics)) {
    const yaml = yamlFault(name);
    const fault = topicFault(name);
    const holder = holders.get(collisionKey(name));
    if (yaml !== undefined) {
      report.add(
        ["topics", name],
        undefined,
        yaml,
        "Put quotes around the name, or choose another.",
      );
    } else if (fault !== undefined) {
      report.add(["topics", name], undefined, fault, "Choose another name.");
    } else if (holder !== undefined) {
      report.add(
        ["topics", name],
        undefined,
        `collides with ${holder}: Kafka's metrics do not tell \`.\` and \`_\` apart`,
        "Rename one of them, and use only one of the two signs in topics' names.",
      );
    } else {
      holders.set(collisionKey(name), name);
    }
  }
}

function checkReplication(name: string, topic: TopicDraft, draft: LabDraft, report: Report): void {
  const { cluster } = draft;
  const own = topic.replicationFactor;
  const brokers = brokerNames(draft)?.length;
  if (own !== undefined && brokers !== undefined && brokers > 0 && own > brokers) {
    report.add(
      ["topics", name, "replicationFactor"],
      own,
      `is more than there are brokers: ${brokers}`,
      `Give at most ${brokers}, or leave it out to have the cluster's.`,
    );
  }
  const replicas = own ?? cluster?.replicationFactor;
  const ownMinIsr = topic.config?.["min.insync.replicas"];
  if (replicas === undefined) return;
  if (ownMinIsr !== undefined) {
    if (Number(ownMinIsr) > replicas) {
      report.add(
        ["topics", name, "config", "min.insync.replicas"],
        ownMinIsr,
        `is more than the topic's replication factor of ${replicas}: no write with acks=all could ever succeed`,
        `Give at most ${replicas}.`,
      );
    }
  } else if (own !== undefined && (cluster?.minInsyncReplicas ?? 0) > own) {
    report.add(
      ["topics", name, "replicationFactor"],
      own,
      `is less than cluster.minInsyncReplicas, ${cluster?.minInsyncReplicas}: no write with acks=all could ever succeed`,
      `Raise it, or give the topic \`min.insync.replicas: "${own}"\` under config.`,
    );
  }
}

/** Settings that exist and are not the user's to make. */
const REFUSED: Readonly<Record<string, { cause: string; remedy: string }>> = {
  "leader.replication.throttled.replicas": {
    cause: "belongs to a reassignment under way, which sets and removes it",
    remedy: "Remove the line.",
  },
  "follower.replication.throttled.replicas": {
    cause: "belongs to a reassignment under way, which sets and removes it",
    remedy: "Remove the line.",
  },
};

function checkConfig(name: string, topic: TopicDraft, version: KafkaVersion, report: Report): void {
  const path = ["topics", name, "config"];
  for (const [key, value] of inOrder(topic.config)) {
    const refused = Object.hasOwn(REFUSED, key) ? REFUSED[key] : undefined;
    const fault = settingProblem("topic", key, value, version);
    if (refused !== undefined) {
      report.add([...path, key], value, refused.cause, refused.remedy);
    } else if (fault !== undefined) {
      report.add([...path, key], fault.aboutKey ? undefined : value, fault.cause, fault.remedy);
    }
  }
  if (topic.config?.["remote.storage.enable"] === "true") {
    report.add(
      [...path, "remote.storage.enable"],
      "true",
      "needs a plugin for remote storage, and the lab's brokers have none",
      "Remove the line.",
    );
  }
  const shortest = topic.config?.["min.compaction.lag.ms"];
  const longest = topic.config?.["max.compaction.lag.ms"];
  if (shortest !== undefined && longest !== undefined && Number(shortest) > Number(longest)) {
    report.add(
      [...path, "min.compaction.lag.ms"],
      shortest,
      `is more than max.compaction.lag.ms, ${longest}`,
      `Give at most ${longest}.`,
    );
  }
}
