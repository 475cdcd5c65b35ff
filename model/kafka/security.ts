import type { AclOperation, AclResource, QuotaEntity, ScramMechanism } from "../types";

/** With whom nodes and stack log in: it may do everything, and only it logs in with PLAIN. */
export const SUPER_USER = "pi-lab";

/** The first is what a user has unless others are named. */
export const SCRAM_MECHANISMS = [
  "SCRAM-SHA-512",
  "SCRAM-SHA-256",
] as const satisfies readonly ScramMechanism[];

/** Kafka's own name of the cluster among the resources of its rules. */
export const CLUSTER_RESOURCE = "kafka-cluster";

/**
 * What can be done with each kind of resource; a rule with another operation would never match. Read from Kafka's own jars, 4.1.1 to 4.4.0
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
  delegationToken: ["describe", "all"],
  user: ["createTokens", "describeTokens", "all"],
};

export interface QuotaLimit {
  readonly whole: boolean;
  readonly max: number;
  /** Of whom it can be: addresses count connections, users and clients all else. */
  readonly of: readonly (keyof QuotaEntity)[];
}

const CLIENTS: QuotaLimit["of"] = ["user", "clientId"];
/** Kafka's own bound is 2^63 - 1; a number here is exact up to 2^53. */
const BYTES: QuotaLimit = { whole: true, max: Number.MAX_SAFE_INTEGER, of: CLIENTS };
const SHARE: QuotaLimit = { whole: false, max: Number.MAX_VALUE, of: CLIENTS };

/** The limits that there are (Kafka's `QuotaConfig`), all above 0. */
export const QUOTA_LIMITS: Readonly<Record<string, QuotaLimit>> = {
  /** Bytes a second, by broker. */
  producer_byte_rate: BYTES,
  consumer_byte_rate: BYTES,
  /** Percent of one of a broker's request threads. */
  request_percentage: SHARE,
  /** Partitions made or removed a second. */
  controller_mutation_rate: SHARE,
  /** Connections a second. */
  connection_creation_rate: { whole: true, max: 2 ** 31 - 1, of: ["ip"] },
};
