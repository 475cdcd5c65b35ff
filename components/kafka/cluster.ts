import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { controllerServers, formerNames, type Lab } from "../../model";
import {
  ClusterConfig,
  MetadataVersion,
  NodeStorage,
  type PilabProvider,
  Rollout,
  type SwapGate,
} from "../../provider/resources";
import { birthVoters, kafkaBase64Id, kafkaPaths } from "../../render";
import type { KafkaNode } from "./node";

/**
 * How long a node may take from its start until it serves. A Pi 4 takes about half a minute with an
 * empty disk; replaying the log after a power cut is not counted, since the provider waits that out.
 */
const START_TIMEOUT_SECONDS = 180;

export interface KafkaClusterArgs {
  readonly lab: Lab;
  readonly nodes: readonly KafkaNode[];
  readonly provider: PilabProvider;
  /** Knows the machines that each node was on. */
  readonly gate: SwapGate;
  /**
   * What everything runs on, where the stack itself makes it: when that is torn down, nothing is
   * stopped or deleted one by one before it.
   */
  readonly ground: pulumi.Resource | undefined;
}

/** KRaft nodes with a dynamic quorum of their controllers: storage formatted once, then started and rolled. */
export class KafkaCluster extends pulumi.ComponentResource {
  /** Kafka's cluster id: 22 characters of URL-safe base64. */
  public readonly clusterId: pulumi.Output<string>;
  /** Depend on it to run after the cluster does. */
  public readonly running: Rollout;

  constructor(name: string, args: KafkaClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pilab:kafka:Cluster", name, {}, opts);
    const { lab, nodes, provider, gate } = args;
    const child = { parent: this };
    const live = {
      provider,
      ...(args.ground === undefined ? {} : { deletedWith: args.ground }),
    };
    const id = new random.RandomBytes(`${name}-cluster-id`, { length: 16 }, child);
    this.clusterId = pulumi.unsecret(id.base64.apply(kafkaBase64Id));

    const directoryIds = pulumi.all(
      Object.fromEntries(nodes.map((node) => [node.host.name, node.directoryId])),
    );
    const voters = directoryIds.apply((ids) => birthVoters(lab, ids));
    // A node that joins finds the others by their names, and they find it: all names files come first.
    const staged = nodes.flatMap((node) => node.staged);
    const { metadataVersion } = lab.cluster;
    const birthMetadataVersion =
      metadataVersion === undefined ? {} : { birthMetadataVersion: metadataVersion };
    // Where brokers are all there is, asking them is enough; a controller alone is none of them.
    const birthControllers = nodes.some(({ host }) => host.role === "controller")
      ? { birthControllers: controllerServers(lab) }
      : {};
    const storages = nodes.map(
      (node) =>
        new NodeStorage(
          `${node.host.name}-storage`,
          {
            host: node.host.name,
            connection: node.reachable.connection,
            nodeId: node.host.nodeId,
            clusterId: this.clusterId,
            directoryId: node.directoryId,
            birthVoters: voters,
            ...birthControllers,
            ...birthMetadataVersion,
            configFile: kafkaPaths.serverProperties,
            dataDir: kafkaPaths.data,
            kafkaHome: kafkaPaths.current,
            serviceUser: kafkaPaths.user,
          },
          {
            parent: node,
            ...live,
            dependsOn: staged,
            // What the cluster was born with: read by a blank disk only. A shared string that
            // changed with one node must not touch the others.
            ignoreChanges: ["birthVoters", "birthControllers", "birthMetadataVersion"],
          },
        ),
    );

    this.running = new Rollout(
      `${name}-rollout`,
      {
        service: kafkaPaths.service,
        nodes: Object.fromEntries(
          nodes.map((node, index) => [
            node.host.name,
            {
              ...node.rolloutNode,
              directoryId: storages[index]!.directoryId,
              former: gate.former.apply((former) => former?.[node.host.name]),
            },
          ]),
        ),
        formerNames: formerNames(lab),
        startTimeoutSeconds: START_TIMEOUT_SECONDS,
        stopOnDelete: true,
      },
      { ...child, ...live, dependsOn: storages },
    );
    new ClusterConfig(
      `${name}-config`,
      { minInsyncReplicas: lab.cluster.minInsyncReplicas },
      { ...child, ...live, dependsOn: [this.running] },
    );
    if (metadataVersion !== undefined) {
      new MetadataVersion(
        `${name}-metadata-version`,
        { metadataVersion },
        { ...child, ...live, dependsOn: [this.running] },
      );
    }
    this.registerOutputs({ clusterId: this.clusterId });
  }
}
