/** The Pulumi program of a stack that has topics alone: makes what the file TOPIC_PROGRAM says. */
import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { ClusterConfig, MetadataVersion, Topic, TopicSet } from "../../../provider/resources";
import type { TopicProgram } from "./stack";

const {
  topics = {},
  guard,
  got = {},
  gotCluster = false,
} = JSON.parse(readFileSync(process.env["TOPIC_PROGRAM"]!, "utf8")) as TopicProgram;

const made = Object.entries(topics).map(
  ([name, args]) => [args.name, new Topic(name, args).topicId] as const,
);
if (guard !== undefined) {
  const free = Object.values(topics).filter(({ deletionProtection }) => !deletionProtection);
  new TopicSet(guard, {
    topics: Object.fromEntries(made),
    unprotected: free.map(({ name }) => name),
  });
}

/** What `Topic.get` found, by the name of the resource. */
export const found = pulumi.output(
  Object.fromEntries(
    Object.entries(got).map(([name, id]) => {
      const topic = Topic.get(name, id);
      const { topicId, partitions, replicationFactor, config } = topic;
      return [name, { name: topic.name, topicId, partitions, replicationFactor, config }];
    }),
  ),
);

export const cluster = gotCluster
  ? {
      minInsyncReplicas: ClusterConfig.get("settings", "cluster").minInsyncReplicas,
      metadataVersion: MetadataVersion.get("metadata", "cluster").metadataVersion,
    }
  : {};
