/** The cluster that the provider is configured for, its topics and its settings. */
import * as pulumi from "@pulumi/pulumi";

import { versioned } from "./versioned";

export interface PilabProviderArgs {
  /** Comma-separated `host:port` of the brokers' client listeners. */
  readonly bootstrapServers: pulumi.Input<string>;
  /** How to log in at them, SASL over a plain connection. Default: no login. */
  readonly sasl?: pulumi.Input<SaslLogin> | undefined;
  /** Whether previews ask the cluster what a change would do to its data. Default: true. */
  readonly liveChecks?: pulumi.Input<boolean> | undefined;
  /** Ids of the topics that may be destroyed with their records. Default: none. */
  readonly deletionConsents?: pulumi.Input<readonly string[]> | undefined;
  /** What one broker may copy a second, in and out, when replicas move, bytes. Default: 10 MiB. */
  readonly reassignmentThrottle?: pulumi.Input<number> | undefined;
}

export interface SaslLogin {
  readonly mechanism: "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512";
  readonly username: string;
  readonly password: string;
}

/** The provider, configured for one cluster. */
export class PilabProvider extends pulumi.ProviderResource {
  constructor(name: string, args: PilabProviderArgs, opts?: pulumi.ResourceOptions) {
    // The engine takes a provider's own properties as text alone: all that is none is sent as JSON.
    const json = (value: pulumi.Input<unknown>): pulumi.Output<string | undefined> =>
      (pulumi.output(value) as pulumi.Output<unknown>).apply((known) =>
        known === undefined ? undefined : JSON.stringify(known),
      );
    const props = {
      bootstrapServers: args.bootstrapServers,
      sasl: args.sasl === undefined ? undefined : pulumi.secret(json(args.sasl)),
      liveChecks: json(args.liveChecks),
      deletionConsents: json(args.deletionConsents),
      reassignmentThrottle: json(args.reassignmentThrottle),
    };
    super("pilab", name, props, versioned(opts));
  }
}

export interface TopicArgs {
  /** The topic's name in Kafka. Another name is another topic: the records do not move. */
  readonly name: pulumi.Input<string>;
  /** How many partitions; they can be raised, never lowered. */
  readonly partitions: pulumi.Input<number>;
  /** Replicas of each partition. Another factor is reached by a throttled reassignment. */
  readonly replicationFactor: pulumi.Input<number>;
  /**
   * Node ids of each partition's brokers, the preferred leader first: `partitions` lists of
   * `replicationFactor` different ids. Default: which brokers have the replicas is left to Kafka.
   */
  readonly placement?: pulumi.Input<number[][]> | undefined;
  /** The settings that this program owns, verbatim topic-level keys. Others' are left alone. */
  readonly config: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** While true, whatever would destroy the topic is refused without a consent to its id. Records need that in any case. */
  readonly deletionProtection: pulumi.Input<boolean>;
}

/** A Kafka topic. */
export class Topic extends pulumi.CustomResource {
  static readonly type = "pilab:kafka/topic:Topic";

  /** The topic's name in Kafka. */
  declare readonly name: pulumi.Output<string>;
  /** Kafka's id of this very topic, URL-safe base64: made again by hand, it is another one. */
  declare readonly topicId: pulumi.Output<string>;
  declare readonly partitions: pulumi.Output<number>;
  declare readonly replicationFactor: pulumi.Output<number>;
  declare readonly config: pulumi.Output<Record<string, string>>;
  declare readonly deletionProtection: pulumi.Output<boolean>;
  declare readonly placement: pulumi.Output<number[][] | undefined>;
  /** What moves of replicas that were cut off have left to do, in words; absent when nothing is. */
  declare readonly unfinished: pulumi.Output<string[] | undefined>;
  /** What the last edit does to its data, a line each, its class first: `safe: …`, `remaps keys: …`; absent before the first one. */
  declare readonly changes: pulumi.Output<string[] | undefined>;

  constructor(name: string, args: TopicArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = { topicId: undefined, unfinished: undefined, changes: undefined };
    super(Topic.type, name, { ...args, ...outputs }, versioned(opts));
  }

  /** An existing topic, by its name in Kafka: read at each run, and left as it is. */
  static get(
    name: string,
    id: pulumi.Input<pulumi.ID>,
    opts?: pulumi.CustomResourceOptions,
  ): Topic {
    // An output comes of each property that is named here, whatever it is given.
    const read: Record<keyof TopicArgs, undefined> = {
      name: undefined,
      partitions: undefined,
      replicationFactor: undefined,
      placement: undefined,
      config: undefined,
      deletionProtection: undefined,
    };
    return new Topic(name, read as unknown as TopicArgs, { ...opts, id });
  }
}

export interface TopicSetArgs {
  /** Kafka's id of each topic, as `Topic` tells it, by the topic's name. */
  readonly topics: Readonly<Record<string, pulumi.Input<string>>>;
  /** Names of those whose `deletionProtection` is off: they may go unasked while they are empty. Default: none. */
  readonly unprotected?: readonly string[];
}

/**
 * All topics of a stack, one resource for a cluster. A topic that leaves the set is refused in the preview unless
 * it is empty and unprotected, or the provider's `deletionConsents` have its id.
 */
export class TopicSet extends pulumi.CustomResource {
  static readonly type = "pilab:kafka/topicSet:TopicSet";

  declare readonly topics: pulumi.Output<Record<string, string>>;

  constructor(name: string, args: TopicSetArgs, opts?: pulumi.CustomResourceOptions) {
    super(TopicSet.type, name, { ...args }, versioned(opts));
  }
}

export interface ClusterConfigArgs {
  /** Cluster-level `min.insync.replicas`. */
  readonly minInsyncReplicas: pulumi.Input<number>;
}

/** Settings that Kafka keeps at the cluster's level, written only where they differ. */
export class ClusterConfig extends pulumi.CustomResource {
  static readonly type = "pilab:kafka/clusterConfig:ClusterConfig";

  declare readonly minInsyncReplicas: pulumi.Output<number>;

  constructor(name: string, args: ClusterConfigArgs, opts?: pulumi.CustomResourceOptions) {
    super(ClusterConfig.type, name, { ...args }, versioned(opts));
  }

  /** The settings as they are; `id` is `cluster`. */
  static get(
    name: string,
    id: pulumi.Input<pulumi.ID>,
    opts?: pulumi.CustomResourceOptions,
  ): ClusterConfig {
    const read: Record<keyof ClusterConfigArgs, undefined> = { minInsyncReplicas: undefined };
    return new ClusterConfig(name, read as unknown as ClusterConfigArgs, { ...opts, id });
  }
}

export interface MetadataVersionArgs {
  /** The metadata version to finalize, by Kafka's full name, e.g. `4.1-IV1`. */
  readonly metadataVersion: pulumi.Input<string>;
}

/** The cluster's finalized metadata version: raised, never lowered, and left as it is when forgotten. */
export class MetadataVersion extends pulumi.CustomResource {
  static readonly type = "pilab:kafka/metadataVersion:MetadataVersion";

  declare readonly metadataVersion: pulumi.Output<string>;
  /** That there is no way back, in words; for previews. */
  declare readonly oneWay: pulumi.Output<string>;

  constructor(name: string, args: MetadataVersionArgs, opts?: pulumi.CustomResourceOptions) {
    super(MetadataVersion.type, name, { ...args, oneWay: undefined }, versioned(opts));
  }

  /** The finalized one; `id` is `cluster`. */
  static get(
    name: string,
    id: pulumi.Input<pulumi.ID>,
    opts?: pulumi.CustomResourceOptions,
  ): MetadataVersion {
    const read: Record<keyof MetadataVersionArgs, undefined> = { metadataVersion: undefined };
    return new MetadataVersion(name, read as unknown as MetadataVersionArgs, { ...opts, id });
  }
}
