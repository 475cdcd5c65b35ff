/**
 * Broker settings that Kafka keeps at the cluster's level once it has been formatted: what a broker's
 * file says of them counts once, at the first format, and is no reason to restart it.
 */
export const CLUSTER_LEVEL_SETTINGS: readonly string[] = ["min.insync.replicas"];
