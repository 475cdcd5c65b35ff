import { PROVIDER_VERSION } from "./version";

/** A property of a schema: Pulumi's schema language, which is JSON schema's in the main. */
interface Property {
  readonly type?: "string" | "integer" | "boolean" | "object";
  readonly $ref?: string;
  readonly additionalProperties?: Property;
  readonly description?: string;
  readonly secret?: boolean;
}

const text = (description: string): Property => ({ type: "string", description });
const whole = (description: string): Property => ({ type: "integer", description });
const flag = (description: string): Property => ({ type: "boolean", description });
const mapOf = (item: Property, description: string): Property => ({
  type: "object",
  additionalProperties: item,
  description,
});
const type = (name: string): Property => ({ $ref: `#/types/pilab:kafka:${name}` });

function resource(
  description: string,
  inputs: Record<string, Property>,
  options: { optional?: readonly string[]; outputs?: Record<string, Property> } = {},
): object {
  const properties = { ...inputs, ...options.outputs };
  const optional = options.optional ?? [];
  return {
    description,
    inputProperties: inputs,
    requiredInputs: Object.keys(inputs).filter((key) => !optional.includes(key)),
    properties,
    required: Object.keys(properties).filter((key) => !optional.includes(key)),
  };
}

/** The package's schema, for `pulumi package` and for those who want to know what there is. */
export function providerSchema(): string {
  return JSON.stringify({
    name: "pilab",
    version: PROVIDER_VERSION,
    description: "Live parts of an Apache Kafka lab: topics, storage, and the order of restarts.",
    license: "Apache-2.0",
    provider: {
      inputProperties: { bootstrapServers: text("Comma-separated host:port of the brokers.") },
      requiredInputs: ["bootstrapServers"],
    },
    types: TYPES,
    resources: RESOURCES,
  });
}

const object = (
  properties: Record<string, Property>,
  optional: readonly string[] = [],
): object => ({
  type: "object",
  properties,
  required: Object.keys(properties).filter((key) => !optional.includes(key)),
});

const TYPES = {
  "pilab:kafka:Connection": object(
    {
      host: text("Address or name that is dialled."),
      port: whole("TCP port of sshd."),
      user: text("Login."),
      privateKey: { ...text("OpenSSH private key; absent: the SSH agent."), secret: true },
      hostKey: text("Pinned host key."),
      sudo: flag("Whether commands need sudo; default: unless the user is root."),
    },
    ["privateKey", "sudo"],
  ),
  "pilab:kafka:Fingerprint": object({
    properties: mapOf({ type: "string" }, "Broker settings."),
    files: mapOf({ type: "string" }, "SHA-256 by path."),
    version: text("Version of Apache Kafka."),
  }),
  "pilab:kafka:Staged": object({
    hash: text("SHA-256 of the staged bundle."),
    time: text("When it was written, ISO 8601."),
  }),
  "pilab:kafka:RolloutNode": object({
    nodeId: whole("Kafka node.id."),
    address: text("Client listener, host:port."),
    connection: type("Connection"),
    want: type("Fingerprint"),
    staged: type("Staged"),
  }),
};

const RESOURCES = {
  "pilab:kafka/topic:Topic": resource(
    "A Kafka topic.",
    {
      name: text("The topic's name in Kafka."),
      partitions: whole("How many partitions; can be raised."),
      replicationFactor: whole("Replicas of each partition."),
      config: mapOf({ type: "string" }, "Topic-level settings that are owned here."),
      deletionProtection: flag("Whether destroying the topic is refused."),
    },
    { outputs: { topicId: text("Kafka's id of the topic.") } },
  ),
  "pilab:kafka/clusterConfig:ClusterConfig": resource("Settings at the cluster's level.", {
    minInsyncReplicas: whole("Cluster-level min.insync.replicas."),
  }),
  "pilab:kafka/metadataVersion:MetadataVersion": resource(
    "The cluster's finalized metadata version; raised, never lowered.",
    { metadataVersion: text("Kafka's full name of it, e.g. 4.1-IV1.") },
    { outputs: { oneWay: text("That there is no way back, for previews.") } },
  ),
  "pilab:kafka/nodeStorage:NodeStorage": resource(
    "A node's formatted log directory.",
    {
      host: text("Logical host name."),
      connection: type("Connection"),
      nodeId: whole("Kafka node.id."),
      clusterId: text("Kafka's cluster id."),
      directoryId: text("Id of the log directory."),
      birthVoters: text("The first voters, as kafka-storage takes them."),
      birthMetadataVersion: text(
        "The metadata version of the cluster's birth; default: Kafka's newest.",
      ),
      configFile: text("Path of server.properties."),
      dataDir: text("Path of the log directory."),
      kafkaHome: text("Path of the Kafka distribution."),
      serviceUser: text("The user that Kafka runs as."),
    },
    { optional: ["birthMetadataVersion"] },
  ),
  "pilab:kafka/rollout:Rollout": resource(
    "The cluster's processes, restarted one at a time.",
    {
      nodes: mapOf(type("RolloutNode"), "By logical host name."),
      service: text("The systemd unit."),
      startTimeoutSeconds: whole("How long a node may take to start; default 120."),
      stopOnDelete: flag("Whether destroying stops the service."),
    },
    {
      optional: ["startTimeoutSeconds", "finalized"],
      outputs: { finalized: mapOf(whole("A level."), "Levels of features last seen finalized.") },
    },
  ),
};
