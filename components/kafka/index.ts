export { Access, type AccessArgs } from "./access";
export { KafkaNode, type KafkaArchive, type KafkaNodeArgs } from "./node";
export { KafkaClient, type KafkaClientArgs } from "./client";
export { KafkaCluster, type KafkaClusterArgs } from "./cluster";
export { superUserPassword } from "./super-user";
export { ReplicatedTopic, type ReplicatedTopicArgs } from "./replicated-topic";
