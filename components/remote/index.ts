export { hostCommand, hostFile, type HostCommandArgs } from "./host-command";
export type { HostConnection, ReachableHost } from "./reachable-host";
