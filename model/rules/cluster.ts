import type { ConfigProblem } from "../errors";
import { kafkaVersions } from "../catalogue";
import { metadataLevel, metadataVersionName, newestMetadataVersion } from "../kafka/features";
import { settingProblem } from "../kafka/settings";
import { OWNED_BROKER_KEYS } from "../kafka/owned-keys";
import { defaults, type HostDraft, type LabDraft } from "../schema";
import type { KafkaVersion } from "../types";
import { inOrder, Report } from "./report";

/** Rules on the cluster: its quorum, its replicas, its nodes' settings. */
export function clusterProblems(draft: LabDraft): ConfigProblem[] {
  const report = new Report();
  checkQuorum(draft, report);
  checkReplication(draft, report);
  checkMetadataVersion(draft, report);
  const version = draft.cluster?.kafkaVersion ?? defaults.kafkaVersion;
  checkSettings(["cluster", "settings"], draft.cluster?.settings, version, report);
  for (const [host, { settings }] of inOrder(draft.hosts)) {
    checkSettings(["hosts", host, "settings"], settings, version, report);
  }
  return report.problems;
}

/** The brokers' names; undefined while a host's role is unknown, since any count would be a guess. */
export function brokerNames(draft: LabDraft): string[] | undefined {
  return namesOf(draft, ({ role }) => role === "broker");
}

/** The names of those that vote in the quorum; undefined likewise. */
function controllerNames(draft: LabDraft): string[] | undefined {
  return namesOf(
    draft,
    ({ role, processRoles = defaults.processRoles }) =>
      role === "controller" || (role === "broker" && processRoles.length > 1),
  );
}

function namesOf({ hosts }: LabDraft, plays: (host: HostDraft) => boolean): string[] | undefined {
  const entries = inOrder(hosts);
  if (hosts === undefined || entries.some(([, { role }]) => role === undefined)) return undefined;
  return entries.filter(([, host]) => plays(host)).map(([name]) => name);
}

function checkQuorum(draft: LabDraft, report: Report): void {
  const brokers = brokerNames(draft);
  const controllers = controllerNames(draft);
  if (brokers === undefined || controllers === undefined) return;
  if (brokers.length === 0) {
    report.add(
      ["hosts"],
      undefined,
      "has no host with the role broker",
      "Give at least one the role broker; three outlive the loss of one.",
    );
  }
  if (controllers.length === 0 && brokers.length > 0) {
    report.add(
      ["hosts"],
      undefined,
      `has no controller: ${brokers.join(", ")} ${brokers.length > 1 ? "are" : "is"} to be nothing but a broker`,
      "Give at least one host the role controller, or leave processRoles out on a broker; three controllers outlive the loss of one.",
    );
  } else if (controllers.length === 2) {
    report.add(
      ["hosts"],
      `2 controllers (${controllers.join(", ")})`,
      "are a quorum only while both run: neither could ever be restarted or replaced",
      "Have 1 or 3. A host of the role controller is a controller alone; `processRoles: [broker]` makes a broker that is none.",
    );
  }
}

function checkReplication(draft: LabDraft, report: Report): void {
  const { replicationFactor, minInsyncReplicas } = draft.cluster ?? {};
  const brokers = brokerNames(draft)?.length;
  if (replicationFactor === undefined) return;
  if (brokers !== undefined && brokers > 0 && replicationFactor > brokers) {
    report.add(
      ["cluster", "replicationFactor"],
      replicationFactor,
      `is more than there are brokers: ${brokers}`,
      `Give at most ${brokers}, or add brokers. The default is ${defaults.replicationFactor}.`,
    );
  }
  if (minInsyncReplicas !== undefined && minInsyncReplicas > replicationFactor) {
    report.add(
      ["cluster", "minInsyncReplicas"],
      minInsyncReplicas,
      `is more than the replication factor of ${replicationFactor}: no write with acks=all could ever succeed`,
      `Give at most ${replicationFactor}; one less than the replication factor lets a broker fail. The default is ${defaults.minInsyncReplicas}.`,
    );
  }
}

/** What brokers cannot read they refuse to start with; what the cluster has finalized, only it can tell. */
function checkMetadataVersion({ cluster }: LabDraft, report: Report): void {
  const word = cluster?.metadataVersion;
  if (word === undefined) return;
  const version = cluster?.kafkaVersion ?? defaults.kafkaVersion;
  const newest = newestMetadataVersion(version);
  const level = metadataLevel(metadataVersionName(word)) ?? 0;
  if (level <= (metadataLevel(newest) ?? 0)) return;
  report.add(
    ["cluster", "metadataVersion"],
    word,
    `is newer than Kafka ${version} can read: that is ${newest}`,
    `Raise cluster.kafkaVersion to ${firstReader(level)} first, or give at most ${newest}.`,
  );
}

/** The oldest version of the lab's that reads a level of the metadata version. */
function firstReader(level: number): string {
  const reads = (version: KafkaVersion): boolean =>
    (metadataLevel(newestMetadataVersion(version)) ?? 0) >= level;
  return kafkaVersions.find(reads) ?? "a later one";
}

/**
 * The controllers hold a fetch for up to 500 ms (fixed in Kafka): with a timeout as short as that,
 * and one node down, they elect a new leader every 1.6 s.
 */
const SHORTEST_QUORUM_TIMEOUT_MS = 1000;
const QUORUM_TIMEOUTS = [
  "controller.quorum.fetch.timeout.ms",
  "controller.quorum.request.timeout.ms",
];

/** Settings that hold a password or a key: the files and previews that settings end up in are not secret. */
const CONFIDENTIAL = /(^|\.)(password|passphrase|secret|secret\.key|jaas\.config|keystore\.key)$/;

function checkSettings(
  path: readonly string[],
  settings: Readonly<Record<string, string | undefined>> | undefined,
  version: KafkaVersion,
  report: Report,
): void {
  for (const [key, value] of inOrder(settings)) {
    const owner = Object.hasOwn(OWNED_BROKER_KEYS, key) ? OWNED_BROKER_KEYS[key] : undefined;
    const fault = settingProblem("broker", key, value, version);
    if (owner !== undefined) {
      report.add(
        [...path, key],
        value,
        `is not to be set here: ${owner} governs it`,
        "Remove the line.",
      );
    } else if (CONFIDENTIAL.test(key)) {
      report.add(
        [...path, key],
        undefined,
        "would lie in plain text in the state, in previews and on the hosts",
        "Remove the line: passwords are given to users alone, and TLS is not part of this version.",
      );
    } else if (fault !== undefined) {
      report.add([...path, key], fault.aboutKey ? undefined : value, fault.cause, fault.remedy);
    } else if (QUORUM_TIMEOUTS.includes(key) && Number(value) < SHORTEST_QUORUM_TIMEOUT_MS) {
      report.add(
        [...path, key],
        value,
        "is too short: controllers hold a fetch for 500 ms, and with a node down would elect a new leader over and over",
        `Give at least ${SHORTEST_QUORUM_TIMEOUT_MS}.`,
      );
    }
  }
}
