/**
 * Broker settings that the lab makes from its configuration, each with what governs it. They are
 * refused under `settings`: two places for one value would contradict each other.
 */
export const OWNED_BROKER_KEYS: Readonly<Record<string, string>> = {
  "process.roles": "hosts.*.role (and hosts.*.processRoles of brokers)",
  "node.id": "hosts.*.nodeId",
  "broker.id": "hosts.*.nodeId",
  "controller.quorum.voters": "the hosts that are controllers",
  "controller.quorum.bootstrap.servers": "the hosts that are controllers",
  "controller.quorum.auto.join.enable": "the hosts that are controllers",
  listeners: "cluster.clientPort and cluster.controllerPort",
  "advertised.listeners": "cluster.clientPort and the machines' addresses",
  "listener.security.protocol.map": "cluster.clientPort and cluster.controllerPort",
  "inter.broker.listener.name": "cluster.clientPort",
  "security.inter.broker.protocol": "cluster.clientPort",
  "controller.listener.names": "cluster.controllerPort",
  "log.dir": "the lab's own layout (/var/lib/kafka/data)",
  "log.dirs": "the lab's own layout (/var/lib/kafka/data)",
  "metadata.log.dir": "the lab's own layout (/var/lib/kafka/data)",
  "default.replication.factor": "cluster.replicationFactor",
  "offsets.topic.replication.factor": "cluster.replicationFactor",
  "transaction.state.log.replication.factor": "cluster.replicationFactor",
  "share.coordinator.state.topic.replication.factor": "cluster.replicationFactor",
  "min.insync.replicas": "cluster.minInsyncReplicas",
  "transaction.state.log.min.isr": "cluster.minInsyncReplicas",
  "share.coordinator.state.topic.min.isr": "cluster.minInsyncReplicas",
  "unclean.leader.election.enable": "the lab's promise to lose nothing: it stays off",
};
