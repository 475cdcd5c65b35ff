/**
 * The lab as plain, readonly, validated data. `parseLab` (./parse) is the only way to make one:
 * whoever holds a `Lab` need not check anything again.
 */

import type { DataPlane } from "./data/types";

declare const brand: unique symbol;
type Branded<T, B extends string> = T & { readonly [brand]: B };

/**
 * a-z, 0-9 and inner hyphens, a letter first, at most 40 characters: a DNS label that no tool takes
 * for an address. The logical name of a host; resources are named after it.
 */
export type HostName = Branded<string, "HostName">;
/** The name of a machine in the list of machines, spares included. Same alphabet as a host name. */
export type MachineName = Branded<string, "MachineName">;
/** A Kafka topic name: letters, digits, `.`, `_`, `-`; at most 249 characters. */
export type TopicName = Branded<string, "TopicName">;
/** An IPv4 address in dotted form, inside the switch's subnet. */
export type Address = Branded<string, "Address">;
/** `ssh-ed25519 AAAA…`: type and base64 key, no comment. The identity of a machine. */
export type HostKey = Branded<string, "HostKey">;

/** Boards whose memory we know; see ./catalogue for the figures. */
export type BoardName =
  "pi-4b-2gb" | "pi-4b-4gb" | "pi-4b-8gb" | "pi-5-2gb" | "pi-5-4gb" | "pi-5-8gb" | "pi-5-16gb";

/** Versions of Apache Kafka that the lab can run; see ./catalogue for why not older ones. */
export type KafkaVersion = "4.1.1" | "4.1.2" | "4.2.0" | "4.3.0" | "4.4.0";

/** One piece of hardware (or one container that stands for it), whether or not a host plays on it. */
export interface Machine {
  readonly name: MachineName;
  readonly board: BoardName;
  readonly address: Address;
  /**
   * Pinned SSH host key. Undefined on a virtual lab, where it is made with the machine, and on a
   * real spare until a host plays on it.
   */
  readonly hostKey: HostKey | undefined;
}

interface HostBase {
  readonly name: HostName;
  /** Names that this host had in former `up`s, the one that its resources may still have among them. */
  readonly formerNames: readonly HostName[];
  readonly machine: Machine;
  /** The switch port that this host is plugged into, from 1. */
  readonly port: number;
}

/** What a Kafka process is to its cluster: one that keeps and serves records, one that votes in the quorum, or both. */
export type ProcessRole = "broker" | "controller";

interface KafkaHostBase extends HostBase {
  /** Kafka `node.id`, 1 or more; unique among brokers and controllers together. */
  readonly nodeId: number;
  /**
   * Which disk of its machine holds its data, counted from 1: raised where a disk was replaced and the
   * machine kept its host key. Default 1.
   */
  readonly disk: number;
  /** JVM heap (`-Xms` and `-Xmx`), MiB. */
  readonly heapMib: number;
  /** Kafka settings of this host alone, over the cluster's. */
  readonly settings: Readonly<Record<string, string>>;
}

/** A KRaft node that serves clients. */
export interface BrokerHost extends KafkaHostBase {
  readonly role: "broker";
  /** Kafka's `process.roles`. Default: combined, broker and controller in one process. */
  readonly processRoles: readonly ["broker", "controller"] | readonly ["broker"];
}

/** A KRaft node that votes in the quorum and does nothing else. */
export interface ControllerHost extends KafkaHostBase {
  readonly role: "controller";
  readonly processRoles: readonly ["controller"];
}

/** A host on which Kafka runs. */
export type KafkaHost = BrokerHost | ControllerHost;

/** A client of the ring: it sends alerts on its topic and receives those of the others. */
export interface ClientHost extends HostBase {
  readonly role: "client";
  /** The topic on which this client produces. */
  readonly topic: TopicName;
}

/** Any other machine on the switch. */
export interface OtherHost extends HostBase {
  readonly role: "host";
}

export type Host = KafkaHost | ClientHost | OtherHost;

export type Role = Host["role"];

export interface Switch {
  /** Model as in the catalogue, e.g. `SW-008`; any text where the configuration gives the ports. */
  readonly model: string;
  /** How many ports it has. */
  readonly ports: number;
  /** IPv4 subnet in CIDR form, e.g. `10.0.42.0/24`. */
  readonly subnet: string;
  /**
   * The subnet's way out, which no machine may have: on a virtual lab the controlling machine's
   * address on the lab's network, on a real one that of the router or of the controlling machine.
   * Default: the last address, since the first ones are the brokers'.
   */
  readonly gateway: Address;
}

export interface SshAccess {
  readonly user: string;
  /** TCP port of sshd on every host. Default 22. */
  readonly port: number;
  /** A private key's file on the controlling machine; undefined: the SSH agent (`SSH_AUTH_SOCK`) is asked. */
  readonly privateKeyPath: string | undefined;
}

export type FailoverProfile = "standard" | "fast-failover";

/**
 * How clients and nodes prove who they are. `scram`: clients log in with SCRAM, the nodes and the stack
 * itself with the super user's password. ACLs hold then, and what none of them allows is refused.
 */
export type Authentication = "scram";

export interface Cluster {
  /** Default 4.1.1. */
  readonly kafkaVersion: KafkaVersion;
  /**
   * The metadata version to finalize, by Kafka's full name, e.g. `4.1-IV1`. Undefined: it is left as it
   * is, and a new cluster begins with the newest that its Kafka knows.
   */
  readonly metadataVersion: string | undefined;
  /** Copies of each partition. Default 3. */
  readonly replicationFactor: number;
  /** How many in-sync copies a write with `acks=all` needs. Default 2. */
  readonly minInsyncReplicas: number;
  /** Default `standard`: Kafka's own timeouts. `fast-failover`: those of the exhibit, about a second. */
  readonly profile: FailoverProfile;
  /** Client listener's TCP port. Default 9092. */
  readonly clientPort: number;
  /** Controller listener's TCP port. Default 9093. */
  readonly controllerPort: number;
  /** Undefined: nobody logs in, and everybody may do everything. */
  readonly authentication: Authentication | undefined;
  /** What a broker copies a second when replicas move, MiB. Default 10. */
  readonly reassignmentThrottleMib: number;
  /** Whether each node tells its figures in Prometheus' form, on port 7071. Default false. */
  readonly metrics: boolean;
  /** Whether previews ask the cluster what a change would do to its data. Default true. */
  readonly liveChecks: boolean;
  /** Settings for all brokers and controllers, verbatim Kafka keys; owned keys are refused by validation. */
  readonly settings: Readonly<Record<string, string>>;
}

export interface Topic {
  readonly name: TopicName;
  readonly partitions: number;
  readonly replicationFactor: number;
  /** Node ids of the brokers that hold each partition, its preferred leader first. Undefined: Kafka's choice. */
  readonly placement: readonly (readonly number[])[] | undefined;
  /** Topic-level Kafka settings that the lab owns, verbatim keys. */
  readonly config: Readonly<Record<string, string>>;
  /** While true, deleting the topic is refused. Default true. */
  readonly deletionProtection: boolean;
}

/** Who may log in. The super user, with whom nodes and stack log in, is none of these. */
export interface User {
  /** Letters, digits, `.`, `_` and `-`; at most 64 characters. */
  readonly name: string;
  /** `random`: made by the stack, and told by its output `passwords`. `config`: from the key `passwords`. */
  readonly password: "random" | "config";
  /**
   * Which random password it is, by the mechanism that takes it: another number is another password. Default
   * 1 with SCRAM-SHA-512 alone. Empty where passwords come from the configuration.
   */
  readonly passwordVersions: Readonly<Partial<Record<ScramMechanism, number>>>;
}

export type ScramMechanism = "SCRAM-SHA-256" | "SCRAM-SHA-512";

/** What rules can be about. The lab's own are about the first four. */
export type AclResource =
  "topic" | "group" | "transactionalId" | "cluster" | "delegationToken" | "user";

export type AclOperation =
  | "all"
  | "alter"
  | "alterConfigs"
  | "clusterAction"
  | "create"
  | "createTokens"
  | "delete"
  | "describe"
  | "describeConfigs"
  | "describeTokens"
  | "idempotentWrite"
  | "read"
  | "twoPhaseCommit"
  | "write";

/** One rule for one user: what that one may do, or may not. */
export interface AclRule {
  readonly resource: AclResource;
  /** Name of the resource; `*` is every one; the beginning of names where the pattern is `prefixed`. */
  readonly name: string;
  readonly pattern: "literal" | "prefixed";
  readonly operation: AclOperation;
  readonly permission: "allow" | "deny";
  /** Address that the client connects from; `*` is any. */
  readonly host: string;
}

export interface UserAcls {
  /** A user of the lab, or `*` for all who log in. */
  readonly user: string;
  readonly rules: readonly AclRule[];
}

/** Whom a quota limits: what is undefined does not matter, `default` stands for all without a quota of their own. */
export interface QuotaEntity {
  readonly user: string | undefined;
  readonly clientId: string | undefined;
  readonly ip: string | undefined;
}

export interface Quota extends QuotaEntity {
  /** By Kafka's own names, e.g. `producer_byte_rate`. */
  readonly limits: Readonly<Record<string, number>>;
}

/** How the hosts' clocks are kept: the servers that chrony follows, and which host serves the lab. */
export interface Clock {
  /** Host that serves time to the others (`local stratum 8`), since a lab may have no internet. */
  readonly server: HostName | undefined;
  /** Upstream NTP servers or pools of the serving host (of every host where none serves). */
  readonly upstream: readonly string[];
}

/** Where the machines come from: real Pis that exist, or containers that the stack makes. */
export type Substrate =
  | { readonly kind: "physical" }
  | {
      readonly kind: "virtual";
      /** Docker image of a virtual Pi. */
      readonly image: string;
      /** Whether the containers reach more than each other and the controlling machine. */
      readonly internet: boolean;
    };

/**
 * Where hosts get Debian packages from: each from the internet by itself, or through the controlling machine,
 * which keeps what it has fetched, so that hosts need no internet.
 */
export type PackageSource = "internet" | "controller";

export interface Lab {
  /** Names the lab's containers, network and cluster; unique on one machine. */
  readonly name: string;
  readonly timezone: string;
  readonly clock: Clock;
  readonly substrate: Substrate;
  readonly packagesFrom: PackageSource;
  /** Mirrors that packages may come from through the controlling machine, `host` or `host:port`; none: any. */
  readonly packageMirrors: readonly string[];
  readonly switch: Switch;
  readonly ssh: SshAccess;
  readonly machines: readonly Machine[];
  readonly hosts: readonly Host[];
  readonly cluster: Cluster;
  readonly topics: readonly Topic[];
  /** Ids of topics that may be destroyed with their records: 22 characters of URL-safe base64. */
  readonly deleteTopics: readonly string[];
  readonly users: readonly User[];
  readonly acls: readonly UserAcls[];
  readonly quotas: readonly Quota[];
  readonly data: DataPlane;
}
