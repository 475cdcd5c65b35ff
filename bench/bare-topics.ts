import { setTimeout as sleep } from "node:timers/promises";
import type { Connection } from "@platformatic/kafka";
import type { DeclaredTopic } from "../test/support/topics/stack";

const LIMIT_MS = 120_000;
/** As often as the provider's own client asks. */
const ASK_EVERY_MS = 50;
/** Kafka's number of topics among the kinds of what has settings. */
const TOPIC = 2;

/** A client that does with one connection and as few requests as Kafka has for it what a stack of topics does. */
export class BareTopics {
  private constructor(private readonly connection: Connection) {}

  static async connect(server: string): Promise<BareTopics> {
    const { Connection } = await import("@platformatic/kafka");
    const connection = new Connection("bench", { requestTimeout: LIMIT_MS });
    const [host = "", port] = server.split(":");
    await connection.connect(host, Number(port));
    return new BareTopics(connection);
  }

  close(): Promise<void> {
    return this.connection.close();
  }

  /** Until each has all its replicas in sync. */
  async create(topics: readonly DeclaredTopic[]): Promise<{ readonly seconds: number }> {
    const { createTopicsV7 } = await import("@platformatic/kafka");
    const begin = performance.now();
    const requests = topics.map(({ name, partitions, replicationFactor, config }) => ({
      name,
      numPartitions: partitions,
      replicationFactor,
      assignments: [],
      configs: Object.entries(config).map(([key, value]) => ({ name: key, value })),
    }));
    await createTopicsV7.api.async(this.connection, requests, LIMIT_MS, false);
    const names = topics.map(({ name }) => name);
    for (const end = begin + LIMIT_MS; !(await this.areReady(names)); await sleep(ASK_EVERY_MS)) {
      if (performance.now() > end) throw new Error(`bare topics are not ready in ${LIMIT_MS} ms`);
    }
    return { seconds: (performance.now() - begin) / 1000 };
  }

  /** Partitions and settings of all of them. */
  async describe(topics: readonly DeclaredTopic[]): Promise<{ readonly seconds: number }> {
    const { describeConfigsV4, metadataV12 } = await import("@platformatic/kafka");
    const begin = performance.now();
    const names = topics.map(({ name }) => name);
    const resources = names.map((resourceName) => ({
      resourceType: TOPIC,
      resourceName,
      configurationKeys: null,
    }));
    const [metadata, configs] = await Promise.all([
      metadataV12.api.async(this.connection, names, false, false),
      describeConfigsV4.api.async(this.connection, resources as never, false, false),
    ]);
    const seconds = (performance.now() - begin) / 1000;
    const counts = [metadata.topics.length, configs.results.length];
    if (counts.every((count) => count === names.length)) return { seconds };
    throw new Error(`of ${names.length} topics the cluster described ${counts.join(" and ")}`);
  }

  /** Until no broker that answers knows them any more. */
  async delete(topics: readonly DeclaredTopic[]): Promise<{ readonly seconds: number }> {
    const { deleteTopicsV6 } = await import("@platformatic/kafka");
    const begin = performance.now();
    // By name: the id of no topic at all.
    const requests = topics.map(({ name }) => ({
      name,
      topicId: "00000000-0000-0000-0000-000000000000",
    }));
    await deleteTopicsV6.api.async(this.connection, requests, LIMIT_MS);
    return { seconds: (performance.now() - begin) / 1000 };
  }

  private async areReady(names: readonly string[]): Promise<boolean> {
    const { metadataV12 } = await import("@platformatic/kafka");
    const { topics } = await metadataV12.api.async(this.connection, [...names], false, false);
    return topics.every(
      ({ errorCode, partitions }) =>
        errorCode === 0 &&
        partitions.every(
          ({ leaderId, isrNodes, replicaNodes }) =>
            leaderId >= 0 && isrNodes.length === replicaNodes.length,
        ),
    );
  }
}
