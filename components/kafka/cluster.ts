import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { Lab } from "../../model";
import {
  ClusterConfig,
  MetadataVersion,
  NodeStorage,
  type PilabProvider,
  Rollout,
  type SwapGate,
} from "../../provider/resources";
import { birthVoters, kafkaBase64Id, kafkaPaths } from "../../render";
import type { KafkaBroker } from "./broker";

/**
 * How long a broker may take from its start until it serves. A Pi 4 takes about half a minute with an
 * empty disk; replaying the log after a power cut is not counted, since the provider waits that out.
 */
const START_TIMEOUT_SECONDS = 180;

export interface KafkaClusterArgs {
  readonly lab: Lab;
  readonly brokers: readonly KafkaBroker[];
  readonly provider: PilabProvider;
  /** Knows the machines that each node was on. */
  readonly gate: SwapGate;
  /**
   * What everything runs on, where the stack itself makes it: when that is torn down, nothing is
   * stopped or deleted one by one before it.
   */
  readonly ground: pulumi.Resource | undefined;
}

/** Three combined KRaft nodes with a dynamic quorum: storage formatted once, then started and rolled. */
export class KafkaCluster extends pulumi.ComponentResource {
  /** Kafka's cluster id: 22 characters of URL-safe base64. */
  public readonly clusterId: pulumi.Output<string>;
  /** Depend on it to run after the brokers do. */
  public readonly running: Rollout;

  constructor(name: string, args: KafkaClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pilab:kafka:Cluster", name, {}, opts);
    const { lab, brokers, provider, gate } = args;
    const child = { parent: this };
    const live = {
      provider,
      ...(args.ground === undefined ? {} : { deletedWith: args.ground }),
    };
    const id = new random.RandomBytes(`${name}-cluster-id`, { length: 16 }, child);
    this.clusterId = pulumi.unsecret(id.base64.apply(kafkaBase64Id));

    const directoryIds = pulumi.all(
      Object.fromEntries(brokers.map((broker) => [broker.host.name, broker.directoryId])),
    );
    const voters = directoryIds.apply((ids) => birthVoters(lab, ids));
    // A node that joins finds the others by their names, and they find it: all names files come first.
    const staged = brokers.flatMap((broker) => broker.staged);
    const { metadataVersion } = lab.cluster;
    const birthMetadataVersion =
      metadataVersion === undefined ? {} : { birthMetadataVersion: metadataVersion };
    const storages = brokers.map(
      (broker) =>
        new NodeStorage(
          `${broker.host.name}-storage`,
          {
            host: broker.host.name,
            connection: broker.reachable.connection,
            nodeId: broker.host.nodeId,
            clusterId: this.clusterId,
            directoryId: broker.directoryId,
            birthVoters: voters,
            ...birthMetadataVersion,
            configFile: kafkaPaths.serverProperties,
            dataDir: kafkaPaths.data,
            kafkaHome: kafkaPaths.current,
            serviceUser: kafkaPaths.user,
          },
          {
            parent: broker,
            ...live,
            dependsOn: staged,
            // What the cluster was born with: read by a blank disk only. A shared string that
            // changed with one node must not touch the others.
            ignoreChanges: ["birthVoters", "birthMetadataVersion"],
          },
        ),
    );

    this.running = new Rollout(
      `${name}-rollout`,
      {
        service: kafkaPaths.service,
        nodes: Object.fromEntries(
          brokers.map((broker, index) => [
            broker.host.name,
            {
              ...broker.rolloutNode,
              directoryId: storages[index]!.directoryId,
              former: gate.former.apply((former) => former?.[broker.host.name]),
            },
          ]),
        ),
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
