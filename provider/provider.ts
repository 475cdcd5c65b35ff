import type { Provider } from "../plugins/common/rpc";
import type { ConnectAdmin } from "./admin/port";
import { AclsHandler } from "./acls/handler";
import { ClusterAccess } from "./cluster";
import { checkProviderConfig } from "./cluster-settings";
import { ClusterConfigHandler } from "./cluster-config/handler";
import { HostStateHandler } from "./host-state/handler";
import { LeftMachinesHandler } from "./left-machines/handler";
import { MetadataVersionHandler } from "./metadata-version/handler";
import type { PackageCache } from "./packages/cache";
import { PackagesHandler } from "./packages/handler";
import { packageCache } from "./packages/kept";
import { NodeStorageHandler } from "./node-storage/handler";
import { PreflightHandler } from "./preflight/handler";
import { QuotaHandler } from "./quota/handler";
import { providerSchema } from "./schema";
import { RolloutHandler } from "./rollout/handler";
import { SwapGateHandler } from "./swap-gate/handler";
import type { OpenShell } from "./ssh/port";
import { TopicHandler } from "./topic/handler";
import { TopicSetHandler } from "./topic-set/handler";
import { UserHandler } from "./user/handler";
import { PROVIDER_VERSION } from "./version";

/** What the provider reaches the world through; tests put their own in its place. */
export interface Ports {
  readonly connectAdmin: ConnectAdmin;
  readonly openShell: OpenShell;
}

export interface PilabPlugin extends Provider {
  /** Ends all connections. */
  close(): Promise<void>;
}

export function pilabProvider(outside: Ports): PilabPlugin {
  const cluster = new ClusterAccess(outside.connectAdmin);
  // Whoever connects logs in: which listeners want it, controllers' included, is the cluster's to say.
  const ports: Ports = { ...outside, connectAdmin: cluster.connectAs };
  let packages: PackageCache | undefined;
  return {
    name: "pilab",
    version: PROVIDER_VERSION,
    getSchema: providerSchema,
    checkConfig: checkProviderConfig,
    configure: (config) => cluster.configure(config),
    beforeChange: () => cluster.noteChange(),
    resources: {
      "pilab:kafka/topic:Topic": new TopicHandler(cluster),
      "pilab:kafka/topicSet:TopicSet": new TopicSetHandler(cluster),
      "pilab:kafka/user:User": new UserHandler(cluster),
      "pilab:kafka/acls:Acls": new AclsHandler(cluster),
      "pilab:kafka/quota:Quota": new QuotaHandler(cluster),
      "pilab:kafka/clusterConfig:ClusterConfig": new ClusterConfigHandler(cluster),
      "pilab:kafka/metadataVersion:MetadataVersion": new MetadataVersionHandler(
        cluster,
        ports.connectAdmin,
      ),
      "pilab:kafka/nodeStorage:NodeStorage": new NodeStorageHandler(ports.openShell, cluster),
      "pilab:kafka/rollout:Rollout": new RolloutHandler(ports),
      "pilab:lab/preflight:Preflight": new PreflightHandler(ports, cluster),
      "pilab:lab/swapGate:SwapGate": new SwapGateHandler(ports),
      "pilab:lab/hostState:HostState": new HostStateHandler(ports.openShell),
      "pilab:lab/leftMachines:LeftMachines": new LeftMachinesHandler(ports.openShell),
      "pilab:lab/packages:Packages": new PackagesHandler(ports.openShell, () => {
        return (packages ??= packageCache());
      }),
    },
    close: async () => {
      await packages?.close();
      await cluster.close();
    },
  };
}
