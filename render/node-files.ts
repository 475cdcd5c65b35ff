import type { KafkaHost, Lab } from "../model/types";
import { fileHash, type StagedEntry, type StagedFile } from "./bundle";
import { renderKafkaEnv } from "./kafka-env";
import { renderKafkaHosts } from "./kafka-hosts";
import { renderKafkaUnit } from "./kafka-unit";
import { kafkaPaths } from "./kafka-paths";
import { renderLog4j2 } from "./log4j2";
import { renderServerProperties, rolloutProperties, type Properties } from "./server-properties";

/**
 * Everything that a node's next start depends on, for one bundle: four files of Kafka, the unit,
 * and the link to the distribution, so that a version and the settings made for it change together.
 */
export function nodeFiles(lab: Lab, node: KafkaHost): readonly StagedEntry[] {
  return [
    file(kafkaPaths.serverProperties, renderServerProperties(lab, node)),
    ...restartFiles(node),
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
 * Left out of `files`: server.properties, which is compared by key, and the names file, which Kafka
 * reads while it runs. Neither a moved address elsewhere nor a reordered file restarts a node.
 */
export function nodeWant(lab: Lab, node: KafkaHost): NodeWant {
  return {
    properties: rolloutProperties(lab, node),
    files: Object.fromEntries(restartFiles(node).map((f) => [f.path, fileHash(f)])),
    version: lab.cluster.kafkaVersion,
  };
}

function restartFiles(node: KafkaHost): readonly StagedFile[] {
  return [
    file(kafkaPaths.log4j2, renderLog4j2()),
    file(kafkaPaths.jvmEnv, renderKafkaEnv(node)),
    { ...file(kafkaPaths.unit, renderKafkaUnit(node)), owner: "root:root" },
  ];
}

function file(path: string, content: string): StagedFile {
  return { kind: "file", path, mode: "0644", owner: "root:kafka", content };
}
