export { KafkaBroker, type KafkaArchive, type KafkaBrokerArgs } from "./broker";
export { KafkaClient, type KafkaClientArgs } from "./client";
export { KafkaCluster, type KafkaClusterArgs } from "./cluster";
export { ReplicatedTopic, type ReplicatedTopicArgs } from "./replicated-topic";
