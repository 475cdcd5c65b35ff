export {
  hostCommand,
  hostFile,
  triggersOf,
  type Drifts,
  type HostCommandArgs,
} from "./host-command";
export type { HostConnection, ReachableHost } from "./reachable-host";
