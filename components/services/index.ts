export { HostServices, programSums, type HostServicesArgs } from "./host-services";
export { MqttSecrets, serviceSecrets } from "./secrets";
