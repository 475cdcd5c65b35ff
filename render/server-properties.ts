import { CLUSTER_LEVEL_SETTINGS } from "../model/kafka/cluster-level";
import { SUPER_USER } from "../model/kafka/security";
import { controllers, isController, kafkaHosts } from "../model/lab";
import type { Authentication, FailoverProfile, KafkaHost, Lab } from "../model/types";
import { kafkaPaths } from "./kafka-paths";
import { nodeName } from "./node-name";

/** Kafka's settings of one process: verbatim keys. */
export type Properties = Readonly<Record<string, string>>;

/**
 * The effective static settings of one node, `min.insync.replicas` included.
 *
 * Precedence: defaults < profile < `cluster.settings` < the host's `settings`. Identity, listeners
 * and replication come from the model and stand above all; validation refuses them in `settings`.
 */
export function serverProperties(lab: Lab, node: KafkaHost): Properties {
  return {
    ...DEFAULTS,
    ...profileSettings(lab.cluster.profile),
    ...lab.cluster.settings,
    ...node.settings,
    // Controllers go by it too: they place the partitions of new topics.
    ...replication(lab),
    ...identity(lab, node),
    ...listeners(lab, node),
    ...security(lab.cluster.authentication),
  };
}

/** What a node must have been started with: `serverProperties` without cluster-level keys. */
export function rolloutProperties(lab: Lab, node: KafkaHost): Properties {
  return Object.fromEntries(
    Object.entries(serverProperties(lab, node)).filter(
      ([key]) => !CLUSTER_LEVEL_SETTINGS.includes(key),
    ),
  );
}

/** `server.properties` of one node: sorted keys, one a line. */
export function renderServerProperties(lab: Lab, node: KafkaHost): string {
  const lines = Object.entries(serverProperties(lab, node))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${escapeKey(key)}=${escapeValue(value)}`);
  return [
    `# Kafka ${lab.cluster.kafkaVersion} on ${node.name}. Written by pi-lab: edit the stack's configuration, not this file.`,
    ...lines,
    "",
  ].join("\n");
}

/**
 * Voters of the cluster's birth for `kafka-storage.sh format --initial-controllers`:
 * `ID@NODE_NAME:PORT:DIRECTORY_ID,…` by node id. `directoryIds` is keyed by host name; each is 16 random
 * bytes in Kafka's form (22 characters, URL-safe base64).
 */
export function birthVoters(lab: Lab, directoryIds: Readonly<Record<string, string>>): string {
  return byId(controllers(lab))
    .map(({ name, nodeId }) => {
      const directoryId = directoryIds[name];
      if (directoryId === undefined) throw new Error(`no directory id for ${name}`);
      return `${nodeId}@${nodeName(nodeId)}:${lab.cluster.controllerPort}:${directoryId}`;
    })
    .join(",");
}

/** All Kafka nodes of the lab, in the order of their node ids. */
export function kafkaHostsById(lab: Lab): readonly KafkaHost[] {
  return byId(kafkaHosts(lab));
}

const byId = (nodes: readonly KafkaHost[]): readonly KafkaHost[] =>
  [...nodes].sort((a, b) => a.nodeId - b.nodeId);

/**
 * The short connection timeouts are what lets survivors follow a host name to a new address within
 * seconds: with Kafka's own (10 s, 30 s, 30 s) that took 33 s, and quorum queries hung for 61 s.
 */
const DEFAULTS: Properties = {
  "auto.create.topics.enable": "false",
  "controller.socket.timeout.ms": "5000",
  "socket.connection.setup.timeout.max.ms": "5000",
  "socket.connection.setup.timeout.ms": "2000",
  "unclean.leader.election.enable": "false",
};

/**
 * The exhibit's sub-second failover. The controller quorum's fetch and request timeouts must stay
 * above Kafka's fixed fetch wait of 500 ms: at 500 ms, with one node down, the controllers re-elect
 * every 1.6 s; at 1000 ms their epoch is steady.
 */
const FAST_FAILOVER: Properties = {
  "broker.heartbeat.interval.ms": "250",
  "broker.session.timeout.ms": "500",
  "controller.quorum.election.timeout.ms": "500",
  "controller.quorum.fetch.timeout.ms": "1000",
  "controller.quorum.request.timeout.ms": "1000",
  "replica.lag.time.max.ms": "500",
};

function profileSettings(profile: FailoverProfile): Properties {
  switch (profile) {
    case "standard":
      return {};
    case "fast-failover":
      return FAST_FAILOVER;
    default:
      return profile satisfies never;
  }
}

function replication(lab: Lab): Properties {
  const factor = String(lab.cluster.replicationFactor);
  const minIsr = String(lab.cluster.minInsyncReplicas);
  return {
    "default.replication.factor": factor,
    "min.insync.replicas": minIsr,
    "offsets.topic.replication.factor": factor,
    "share.coordinator.state.topic.min.isr": minIsr,
    "share.coordinator.state.topic.replication.factor": factor,
    "transaction.state.log.min.isr": minIsr,
    "transaction.state.log.replication.factor": factor,
  };
}

/** Every node finds the quorum by the controllers' node names, so that an address can move without a change of files. */
function identity(lab: Lab, node: KafkaHost): Properties {
  const { controllerPort } = lab.cluster;
  return {
    "controller.listener.names": "CONTROLLER",
    "controller.quorum.bootstrap.servers": byId(controllers(lab))
      .map(({ nodeId }) => `${nodeName(nodeId)}:${controllerPort}`)
      .join(","),
    "inter.broker.listener.name": protocol(lab.cluster.authentication),
    "log.dirs": kafkaPaths.data,
    "node.id": String(node.nodeId),
    "process.roles": node.processRoles.join(","),
  };
}

/**
 * One listener for each role of the process: Kafka refuses a controller's on a node that is none, and
 * clients' on a controller alone.
 *
 * `advertised.listeners` has the CONTROLLER listener too: without it a node overwrites its voter's
 * endpoint with its address. Clients are told an address, since they need not know our names.
 */
function listeners(lab: Lab, node: KafkaHost): Properties {
  const { clientPort, controllerPort } = lab.cluster;
  const { address } = node.machine;
  const forClients = `${protocol(lab.cluster.authentication)}://${address}:${clientPort}`;
  const bound = [
    ...(node.role === "broker" ? [forClients] : []),
    ...(isController(node) ? [`CONTROLLER://${address}:${controllerPort}`] : []),
  ];
  const advertised = [
    ...(node.role === "broker" ? [forClients] : []),
    ...(isController(node) ? [`CONTROLLER://${nodeName(node.nodeId)}:${controllerPort}`] : []),
  ];
  return { "advertised.listeners": advertised.join(","), listeners: bound.join(",") };
}

/** Kafka's name of the protocol, which the clients' listener bears as its own. */
function protocol(authentication: Authentication | undefined): "PLAINTEXT" | "SASL_PLAINTEXT" {
  return authentication === undefined ? "PLAINTEXT" : "SASL_PLAINTEXT";
}

/**
 * Who must log in, and who may do what. Nodes log in at each other with PLAIN: the quorum must stand
 * before it can know SCRAM credentials, which it keeps itself. The passwords are in the JAAS file.
 */
function security(authentication: Authentication | undefined): Properties {
  const clients = protocol(authentication);
  const map = { "listener.security.protocol.map": `CONTROLLER:${clients},${clients}:${clients}` };
  switch (authentication) {
    case undefined:
      return map;
    case "scram":
      return {
        ...map,
        "allow.everyone.if.no.acl.found": "false",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
        "sasl.mechanism.controller.protocol": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "super.users": `User:${SUPER_USER}`,
      };
    default:
      return authentication satisfies never;
  }
}

/** Java's properties format: separators in a key and a value's leading blank need a backslash. */
function escapeKey(key: string): string {
  return escapeCommon(key).replace(/[ =:]/g, "\\$&").replace(/^[#!]/, "\\$&");
}

function escapeValue(value: string): string {
  return escapeCommon(value).replace(/^ /, "\\ ");
}

/** The file is read as Latin-1, hence `\uXXXX` for what lies beyond ASCII. */
function escapeCommon(text: string): string {
  return text
    .replace(/\\/g, "\\\\")
    .replace(/\n/g, "\\n")
    .replace(/\r/g, "\\r")
    .replace(/\t/g, "\\t")
    .replace(/\f/g, "\\f")
    .replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
