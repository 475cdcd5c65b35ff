export { HostServices, programSums, type HostServicesArgs } from "./host-services";
export { DashboardsSecrets, MqttSecrets, serviceSecrets, StoreSecrets } from "./secrets";
