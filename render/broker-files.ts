import type { BrokerHost, Lab } from "../model/types";
import { fileHash, type StagedEntry, type StagedFile } from "./bundle";
import { renderKafkaEnv } from "./kafka-env";
import { renderKafkaHosts } from "./kafka-hosts";
import { renderKafkaUnit } from "./kafka-unit";
import { kafkaPaths } from "./kafka-paths";
import { renderLog4j2 } from "./log4j2";
import { renderServerProperties, rolloutProperties, type Properties } from "./server-properties";

/**
 * Everything that a broker's next start depends on, for one bundle: four files of Kafka, the unit,
 * and the link to the distribution, so that a version and the settings made for it change together.
 */
export function brokerFiles(lab: Lab, broker: BrokerHost): readonly StagedEntry[] {
  return [
    file(kafkaPaths.serverProperties, renderServerProperties(lab, broker)),
    ...restartFiles(broker),
    file(kafkaPaths.hosts, renderKafkaHosts(lab)),
    { kind: "link", path: kafkaPaths.current, target: `kafka-${lab.cluster.kafkaVersion}` },
  ];
}

/** What a broker's process must have been started with: a node's `want` of the Rollout resource. */
export interface BrokerWant {
  readonly properties: Properties;
  /** Path to SHA-256, lower-case hex. */
  readonly files: Readonly<Record<string, string>>;
  /** Kafka version, e.g. `4.1.1`. */
  readonly version: string;
}

/**
 * Left out of `files`: server.properties, which is compared by key, and the names file, which Kafka
 * reads while it runs. Neither a moved address elsewhere nor a reordered file restarts a broker.
 */
export function brokerWant(lab: Lab, broker: BrokerHost): BrokerWant {
  return {
    properties: rolloutProperties(lab, broker),
    files: Object.fromEntries(restartFiles(broker).map((f) => [f.path, fileHash(f)])),
    version: lab.cluster.kafkaVersion,
  };
}

function restartFiles(broker: BrokerHost): readonly StagedFile[] {
  return [
    file(kafkaPaths.log4j2, renderLog4j2()),
    file(kafkaPaths.jvmEnv, renderKafkaEnv(broker)),
    { ...file(kafkaPaths.unit, renderKafkaUnit()), owner: "root:root" },
  ];
}

function file(path: string, content: string): StagedFile {
  return { kind: "file", path, mode: "0644", owner: "root:kafka", content };
}
