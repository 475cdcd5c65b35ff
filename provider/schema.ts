import { PROVIDER_VERSION } from "./version";

/** A property of a schema: Pulumi's schema language, which is JSON schema's in the main. */
interface Property {
  readonly type?: "string" | "integer" | "number" | "boolean" | "object" | "array";
  readonly $ref?: string;
  readonly items?: Property;
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
const listOf = (items: Property, description: string): Property => ({
  type: "array",
  items,
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
      inputProperties: {
        bootstrapServers: text("Comma-separated host:port of the brokers."),
        sasl: { ...text("JSON text of {mechanism, username, password}."), secret: true },
        liveChecks: flag("Whether previews ask the cluster what a change would do; default true."),
        deletionConsents: listOf(text("A topic's id."), "Topics that may be destroyed."),
        reassignmentThrottle: whole("Bytes a second that a broker copies when replicas move."),
      },
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
  "pilab:kafka:ScramCredential": object(
    {
      password: { ...text("Never read from Kafka."), secret: true },
      iterations: whole("4096 to 16384; default 8192."),
    },
    ["iterations"],
  ),
  "pilab:kafka:AclRule": object(
    {
      resource: text("topic, group, cluster, transactionalId, delegationToken or user."),
      name: text("Of the resource; * is every one."),
      pattern: text("literal or prefixed; default: literal."),
      operation: text("Such as read, write, describe."),
      permission: text("allow or deny; default: allow."),
      host: text("Address of the client; default: *."),
    },
    ["name", "pattern", "permission", "host"],
  ),
  "pilab:kafka:QuotaEntity": object(
    {
      user: text("A user's name, or <default>."),
      clientId: text("A client's id, or <default>."),
      ip: text("An address, or <default>; alone."),
    },
    ["user", "clientId", "ip"],
  ),
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
  "pilab:kafka:PreflightKafka": object(
    {
      nodeId: whole("Kafka node.id."),
      heapMib: whole("JVM heap, MiB."),
      clientPort: whole("Client listener's port."),
      controllerPort: whole("Controller listener's port."),
      dataDir: text("Path of the log directory."),
    },
    ["clientPort", "controllerPort"],
  ),
  "pilab:kafka:PreflightHost": object(
    {
      connection: type("Connection"),
      identity: listOf({ type: "string" }, "What makes it this machine and no other."),
      role: text("broker, controller, client or host."),
      board: text("The board that is declared."),
      programs: whole("How many of the lab's programs run there; default 0."),
      packagesFrom: text("controller, or internet, the default."),
      packageMirrors: listOf({ type: "string" }, "Mirrors that they may come from then."),
      kafka: type("PreflightKafka"),
    },
    ["programs", "packagesFrom", "packageMirrors", "kafka"],
  ),
  "pilab:kafka:CheckedMachine": object({
    identity: listOf({ type: "string" }, "What it was when it was looked at."),
    role: text("What it was looked at for."),
    board: text("What was declared then."),
    warnings: listOf({ type: "string" }, "What was told."),
  }),
  "pilab:kafka:FormerMachine": object(
    {
      host: text("Address or name that is dialled."),
      port: whole("TCP port of sshd."),
      user: text("Login."),
      hostKey: text("Pinned host key."),
      sudo: flag("Whether commands need sudo; default: unless the user is root."),
      listeners: listOf({ type: "string" }, "host:port where its Kafka answered."),
    },
    ["sudo"],
  ),
  "pilab:kafka:Former": object({
    swaps: whole("How often the node was given another machine or disk."),
    machines: listOf(type("FormerMachine"), "The last ones that it was on, the latest first."),
  }),
  "pilab:kafka:RolloutNode": object(
    {
      nodeId: whole("Kafka node.id."),
      directoryId: text("Id of the log directory."),
      address: text("Client listener, host:port."),
      connection: type("Connection"),
      want: type("Fingerprint"),
      staged: type("Staged"),
      former: type("Former"),
    },
    ["former"],
  ),
  "pilab:lab:SwapGateHost": object(
    {
      machine: text("Name of the host's machine."),
      connection: type("Connection"),
      disk: text("What the machine is told by."),
      made: flag("Whether the stack makes the machine."),
      kafka: { $ref: "#/types/pilab:lab:SwapGateNode" },
    },
    ["kafka"],
  ),
  "pilab:lab:LeftMachine": object(
    {
      move: whole("Which of the host's moves left it; the first is 1."),
      host: text("Address or name that is dialled."),
      port: whole("TCP port of sshd."),
      user: text("Login."),
      hostKey: text("Pinned host key."),
      sudo: flag("Whether commands need sudo; default: unless the user is root."),
      tenant: text("The host that is there by now; default: none."),
    },
    ["sudo", "tenant"],
  ),
  "pilab:lab:Left": object({
    moves: whole("How often the host was given another machine."),
    machines: listOf({ $ref: "#/types/pilab:lab:LeftMachine" }, "The last ones, the latest first."),
  }),
  "pilab:lab:SwapGateNode": object({
    nodeId: whole("Kafka node.id."),
    broker: flag("Whether it serves clients."),
    listeners: listOf({ type: "string" }, "host:port of its listeners."),
  }),
};

const formerNames = mapOf(
  listOf({ type: "string" }, "Names."),
  "Names that hosts had before, by present name.",
);

const RESOURCES = {
  "pilab:lab/preflight:Preflight": resource(
    "A look at all machines of the lab before anything is pushed to them.",
    {
      hosts: mapOf(type("PreflightHost"), "By logical host name."),
      formerNames,
      clusterId: text("Kafka's cluster id."),
    },
    {
      optional: ["formerNames"],
      outputs: { checked: mapOf(type("CheckedMachine"), "By logical host name.") },
    },
  ),
  "pilab:lab/swapGate:SwapGate": resource(
    "Refuses an unsafe swap of a host's machine.",
    {
      hosts: mapOf({ $ref: "#/types/pilab:lab:SwapGateHost" }, "By logical host name."),
      machines: mapOf({ type: "string" }, "Addresses of machines that the stack makes, by name."),
      formerNames,
      dataDir: text("Path of the log directory."),
    },
    {
      optional: ["swaps", "machines", "formerNames"],
      outputs: {
        swaps: mapOf(listOf({ type: "string" }, "Steps."), "Steps of the last swap, by host."),
        former: mapOf(type("Former"), "What each node has left behind, by host."),
        left: mapOf({ $ref: "#/types/pilab:lab:Left" }, "The machines that hosts have left."),
      },
    },
  ),
  "pilab:lab/leftMachines:LeftMachines": resource(
    "Machines that hosts have left, on which their services are stopped.",
    {
      hosts: mapOf({ $ref: "#/types/pilab:lab:Left" }, "By logical host name."),
      formerNames,
      script: text("What runs on such a machine."),
      privateKey: { ...text("OpenSSH private key; absent: the SSH agent."), secret: true },
    },
    { optional: ["formerNames", "privateKey"] },
  ),
  "pilab:lab/packages:Packages": resource(
    "A host's Debian packages, brought to it through the controlling machine.",
    {
      host: text("Logical host name."),
      connection: type("Connection"),
      packages: listOf({ type: "string" }, "Names; jre is the JRE that the host's system has."),
      mirrors: listOf({ type: "string" }, "Where they may come from; default: its apt sources."),
      script: text("What runs on the host."),
      triggers: listOf({ type: "string" }, "What makes it look again."),
    },
    { optional: ["mirrors"] },
  ),
  "pilab:lab/hostState:HostState": resource(
    "What the pushes to a host leave there, and what of it a refresh found otherwise.",
    {
      host: text("Logical host name."),
      connection: type("Connection"),
      pushes: mapOf(
        mapOf({ $ref: "pulumi.json#/Any" }, "Files, links, paths, packages and units."),
        "What is wanted by push (prepare, install, stage, node, programs, services); as an output what differs.",
      ),
    },
    {
      outputs: {
        leftAlone: listOf({ type: "string" }, "What is not as it should be and no push mends."),
        generations: mapOf(
          { type: "integer" },
          "How often drift was found that a push mends, by push.",
        ),
      },
    },
  ),
  "pilab:kafka/topic:Topic": resource(
    "A Kafka topic.",
    {
      name: text("The topic's name in Kafka."),
      partitions: whole("How many partitions; can be raised."),
      replicationFactor: whole("Replicas of each partition."),
      placement: listOf(
        listOf({ type: "integer" }, "Node ids, the preferred leader first."),
        "The brokers of each partition; default: Kafka's choice.",
      ),
      config: mapOf({ type: "string" }, "Topic-level settings that are owned here."),
      deletionProtection: flag("Whether destroying the topic is refused while it is empty, too."),
    },
    {
      optional: ["placement", "unfinished", "changes"],
      outputs: {
        topicId: text("Kafka's id of the topic."),
        unfinished: listOf({ type: "string" }, "What moves that were cut off have left to do."),
        changes: listOf({ type: "string" }, "What the last edit does to its data, by class."),
      },
    },
  ),
  "pilab:kafka/topicSet:TopicSet": resource(
    "All topics of a stack: refuses, in a preview, to lose one that holds records.",
    {
      topics: mapOf({ type: "string" }, "Kafka's id of each topic, by name."),
      unprotected: listOf({ type: "string" }, "Names of those without deletionProtection."),
    },
    { optional: ["unprotected"] },
  ),
  "pilab:kafka/user:User": resource("A user who logs in by SCRAM.", {
    name: text("The user's name, without User:."),
    credentials: mapOf(type("ScramCredential"), "By mechanism, SCRAM-SHA-512 or SCRAM-SHA-256."),
  }),
  "pilab:kafka/acls:Acls": resource(
    "All rules of one principal.",
    {
      principal: text("As Kafka writes it, User:alice."),
      rules: listOf(type("AclRule"), "In any order."),
    },
    { outputs: { grants: mapOf({ type: "string" }, "allow or deny, by the rule in words.") } },
  ),
  "pilab:kafka/quota:Quota": resource("Limits of a user, a client or an address.", {
    entity: type("QuotaEntity"),
    limits: mapOf({ type: "number" }, "By Kafka's key; others are left alone."),
  }),
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
      birthControllers: listOf({ type: "string" }, "host:port of controllers that are no brokers."),
      birthMetadataVersion: text(
        "The metadata version of the cluster's birth; default: Kafka's newest.",
      ),
      configFile: text("Path of server.properties."),
      dataDir: text("Path of the log directory."),
      kafkaHome: text("Path of the Kafka distribution."),
      serviceUser: text("The user that Kafka runs as."),
    },
    { optional: ["birthControllers", "birthMetadataVersion"] },
  ),
  "pilab:kafka/rollout:Rollout": resource(
    "The cluster's processes, restarted one at a time.",
    {
      nodes: mapOf(type("RolloutNode"), "By logical host name."),
      formerNames,
      service: text("The systemd unit."),
      startTimeoutSeconds: whole("How long a node may take to start; default 120."),
      stopOnDelete: flag("Whether destroying stops the service."),
    },
    {
      optional: ["startTimeoutSeconds", "finalized", "unfinished", "formerNames"],
      outputs: {
        finalized: mapOf(whole("A level."), "Levels of features last seen finalized."),
        unfinished: mapOf(
          listOf({ type: "string" }, "In words."),
          "What a run that was cut off has left to do, by host.",
        ),
      },
    },
  ),
};
