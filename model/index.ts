export * from "./types";
export { parseLab } from "./parse";
export type { LabDraft } from "./schema";
export { ConfigError, describeProblem, type ConfigProblem } from "./errors";
export {
  bootstrapServers,
  brokers,
  clients,
  controllers,
  controllerServers,
  formerNames,
  isController,
  isKafkaHost,
  kafkaHosts,
  spares,
} from "./lab";
export {
  boardNames,
  boards,
  DEFAULT_IMAGE,
  DEFAULT_KAFKA_VERSION,
  kafkaVersions,
  NODE_VERSION,
  PI_ARCH,
  JMX_AGENT_VERSION,
  METRICS_PORT,
  switchModels,
} from "./catalogue";
export { memoryBudget } from "./budget";
export {
  pushes,
  type FileWant,
  type HostWants,
  type Push,
  type PushWants,
  type UnitWant,
} from "./host-wants";
export { SCRAM_MECHANISMS, SUPER_USER } from "./kafka/security";
export { DEFAULT_THROTTLE_MIB } from "./kafka/throttle";
export { alertingSecretProblems, type AlertingSecrets } from "./rules/alerting";
export { parsePasswords, passwordProblems, readPasswords, type Passwords } from "./rules/passwords";
export { databricksSecretProblems } from "./rules/databricks";
export { OWNED_BROKER_KEYS } from "./kafka/owned-keys";
export type * from "./data/types";
export type * from "./data/payload-configs";
export {
  hostPrograms,
  labPrograms,
  programNames,
  programPorts,
  telemetryTopic,
  type ProgramName,
} from "./data/programs";
export { filterFault, filtersOverlap, matchFilter, topicNameFault } from "./data/mqtt-filter";
export { bridgeUser, LOAD_TOPICS, LOAD_USER, mqttUsers, type MqttUser } from "./data/mqtt-users";
export {
  DASHBOARDS_ROLE,
  METABASE_ROLE,
  READERS_GROUP,
  STORE_OWNER,
  storeReaders,
  storeRoles,
} from "./data/store-roles";
export { SERVICE_USER_PREFIX, serviceUser, serviceUsers } from "./data/service-users";
