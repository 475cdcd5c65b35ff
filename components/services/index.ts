export { HostServices, programSums, type HostServicesArgs } from "./host-services";
export { MqttSecrets, serviceSecrets, StoreSecrets } from "./secrets";
