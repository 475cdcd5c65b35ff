import type { AclOperation, AclResource, QuotaEntity, ScramMechanism } from "../types";

/** With whom nodes and stack log in: it may do everything, and only it logs in with PLAIN. */
export const SUPER_USER = "pi-lab";

/** The first is what a user has unless others are named. */
export const SCRAM_MECHANISMS: readonly ScramMechanism[] = ["SCRAM-SHA-512", "SCRAM-SHA-256"];

/** Kafka's own name of the cluster among the resources of its rules. */
export const CLUSTER_RESOURCE = "kafka-cluster";

/**
 * What can be done with each kind of resource. Read from Kafka's own jars, 4.1.1 to 4.4.0
 * (`AclEntry.supportedOperations`).
 */
export const ACL_OPERATIONS: Readonly<Record<AclResource, readonly AclOperation[]>> = {
  topic: [
    ...(["read", "write", "describe", "create", "delete", "alter"] as const),
    ...(["describeConfigs", "alterConfigs", "all"] as const),
  ],
  group: ["read", "describe", "delete", "describeConfigs", "alterConfigs", "all"],
  transactionalId: ["write", "describe", "twoPhaseCommit", "all"],
  cluster: [
    ...(["describe", "create", "alter", "describeConfigs", "alterConfigs"] as const),
    ...(["idempotentWrite", "clusterAction", "all"] as const),
  ],
};

/** The limits that each kind of client can have, with their units. */
export const QUOTA_LIMITS: Readonly<Record<string, readonly (keyof QuotaEntity)[]>> = {
  /** Bytes a second, by broker. */
  producer_byte_rate: ["user", "clientId"],
  consumer_byte_rate: ["user", "clientId"],
  /** Percent of one of a broker's request threads. */
  request_percentage: ["user", "clientId"],
  /** Partitions made or removed a second. */
  controller_mutation_rate: ["user", "clientId"],
  /** Connections a second. */
  connection_creation_rate: ["ip"],
};
