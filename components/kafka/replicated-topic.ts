import * as pulumi from "@pulumi/pulumi";
import type { Topic as TopicModel } from "../../model";
import { type PilabProvider, Topic } from "../../provider/resources";
import type { KafkaCluster } from "./cluster";

export interface ReplicatedTopicArgs {
  readonly topic: TopicModel;
  readonly cluster: KafkaCluster;
  readonly provider: PilabProvider;
}

/** A topic with a copy of each partition on as many brokers as its replication factor says. */
export class ReplicatedTopic extends pulumi.ComponentResource {
  public readonly topicId: pulumi.Output<string>;

  constructor(name: string, args: ReplicatedTopicArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pilab:kafka:ReplicatedTopic", name, {}, opts);
    const { topic, cluster, provider } = args;
    const resource = new Topic(
      name,
      {
        name: topic.name,
        partitions: topic.partitions,
        replicationFactor: topic.replicationFactor,
        ...(topic.placement === undefined
          ? {}
          : { placement: topic.placement.map((nodeIds) => [...nodeIds]) }),
        config: topic.config,
        deletionProtection: topic.deletionProtection,
      },
      {
        parent: this,
        provider,
        dependsOn: [cluster.running],
        // With the whole cluster the topics go, unasked; one topic alone is guarded by the provider.
        deletedWith: cluster.running,
      },
    );
    this.topicId = resource.topicId;
    this.registerOutputs({ topicId: this.topicId });
  }
}
