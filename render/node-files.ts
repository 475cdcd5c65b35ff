import type { KafkaHost, Lab } from "../model/types";
import { fileHash, type StagedEntry, type StagedFile } from "./bundle";
import { credentialFiles, jaasFile } from "./credentials";
import { renderKafkaEnv } from "./kafka-env";
import { renderKafkaHosts } from "./kafka-hosts";
import { renderKafkaUnit } from "./kafka-unit";
import { kafkaPaths } from "./kafka-paths";
import { renderMetricsRules } from "./metrics-rules";
import { renderLog4j2 } from "./log4j2";
import { renderServerProperties, rolloutProperties, type Properties } from "./server-properties";

/**
 * Everything that a node's next start depends on, for one bundle: four files of Kafka, the unit,
 * and the link to the distribution, so that a version and the settings made for it change together.
 *
 * @param password the super user's, on a cluster that authenticates; it is in the files then
 */
export function nodeFiles(lab: Lab, node: KafkaHost, password?: string): readonly StagedEntry[] {
  return [
    file(kafkaPaths.serverProperties, renderServerProperties(lab, node)),
    ...restartFiles(lab, node),
    ...(password === undefined ? [] : credentialFiles(password)),
    file(kafkaPaths.hosts, renderKafkaHosts(lab)),
    { kind: "link", path: kafkaPaths.current, target: `kafka-${lab.cluster.kafkaVersion}` },
  ];
}

/** What a node's process must have been started with: its `want` in the Rollout resource. */
export interface NodeWant {
  readonly properties: Properties;
  /** Path to SHA-256, lower-case hex. */
  readonly files: Readonly<Record<string, string>>;
  /** Kafka version, e.g. `4.1.1`. */
  readonly version: string;
}

/**
 * Left out of `files`: server.properties, which is compared by key, the names file, which Kafka
 * reads while it runs, and what holds the super user's password: see `jaasHash`. Neither a moved address
 * elsewhere nor a reordered file restarts a node.
 */
export function nodeWant(lab: Lab, node: KafkaHost): NodeWant {
  return {
    properties: rolloutProperties(lab, node),
    files: Object.fromEntries(restartFiles(lab, node).map((f) => [f.path, fileHash(f)])),
    version: lab.cluster.kafkaVersion,
  };
}

/**
 * Hash of the file that tells a process the super user's password: a restart's matter too, on a cluster that
 * authenticates. The hash is no secret: 32 random letters and digits are not found by trying.
 */
export function jaasHash(password: string): string {
  return fileHash(jaasFile(password));
}

function restartFiles(lab: Lab, node: KafkaHost): readonly StagedFile[] {
  return [
    file(kafkaPaths.log4j2, renderLog4j2()),
    file(kafkaPaths.jvmEnv, renderKafkaEnv(lab, node)),
    ...(lab.cluster.metrics ? [file(kafkaPaths.metrics, renderMetricsRules())] : []),
    { ...file(kafkaPaths.unit, renderKafkaUnit(node)), owner: "root:root" },
  ];
}

function file(path: string, content: string): StagedFile {
  return { kind: "file", path, mode: "0644", owner: "root:kafka", content };
}
