import { askAlone, Connection, serverLimitMs } from "./connection";
import { assertOk, fromKafkaId, type KafkaLink, loadClient, toKafkaId } from "./kafka-link";
import type {
  AdminOptions,
  Features,
  KafkaAdmin,
  LiveTopic,
  NewTopic,
  NewVoter,
  PartitionState,
  Quorum,
  QuorumReplica,
  RegisteredBroker,
  RunTimeSettings,
  TopicPartitions,
} from "./port";
import { KafkaError } from "./port";
import { addVoter, describeQuorum, removeVoter } from "./quorum";
import { apiVersionsWithFeatures, describeClusterV2, type DescribeClusterV2 } from "./requests";

/** Kafka's own numbers. */
const RESOURCE = { topic: 2, broker: 4 } as const;
const SOURCE_TOPIC = 1;
const SOURCE_BROKER = 2;
const SOURCE_ALL_BROKERS = 3;
const UPGRADE = 1;
const OPERATION = { set: 0, remove: 1 } as const;
const UNKNOWN_TOPIC = 3;
/** Resource name of the cluster-wide default among the broker resources. */
const CLUSTER_WIDE = "";

/** The admin port on @platformatic/kafka's low-level requests. Connects at the first request. */
export class PlatformaticAdmin implements KafkaAdmin {
  private readonly connection: Connection;

  constructor(
    bootstrapServers: readonly string[],
    private readonly options: AdminOptions,
  ) {
    this.connection = new Connection(bootstrapServers, options);
  }

  async describeTopic(name: string): Promise<LiveTopic | undefined> {
    const { metadataV12, describeConfigsV4 } = await loadClient();
    const resource = { resourceType: RESOURCE.topic, resourceName: name, configurationKeys: null };
    return this.connection.read(`describe topic ${name}`, async (link, doing) => {
      const [metadata, configs] = await Promise.all([
        link.ask(metadataV12.api, [name], false, false),
        // The types ask for a list of keys; null means all of them.
        link.ask(describeConfigsV4.api, [resource as never], false, false),
      ]);
      const topic = metadata.topics[0];
      const result = configs.results[0];
      if (topic === undefined || result === undefined) {
        throw new KafkaError("refused", `${link.server} gave an empty answer to ${doing}`);
      }
      if (topic.errorCode === UNKNOWN_TOPIC || result.errorCode === UNKNOWN_TOPIC) return undefined;
      await assertOk(doing, link.server, topic.errorCode, null);
      await assertOk(doing, link.server, result.errorCode, result.errorMessage);
      return {
        topic: name,
        topicId: toKafkaId(topic.topicId),
        partitions: partitionStates(topic.partitions),
        config: Object.fromEntries(
          result.configs
            .filter((entry) => entry.configSource === SOURCE_TOPIC)
            .map((entry) => [entry.name, entry.value ?? ""]),
        ),
      };
    });
  }

  async listPartitions(): Promise<readonly TopicPartitions[]> {
    const { metadataV12 } = await loadClient();
    return this.connection.read("list all partitions", async (link, doing) => {
      const { topics } = await link.ask(metadataV12.api, null, false, false);
      return Promise.all(
        topics.map(async (topic) => {
          await assertOk(doing, link.server, topic.errorCode, null);
          return { topic: topic.name ?? "", partitions: partitionStates(topic.partitions) };
        }),
      );
    });
  }

  async createTopic(topic: NewTopic): Promise<void> {
    const { createTopicsV7 } = await loadClient();
    const request = {
      name: topic.name,
      numPartitions: topic.partitions,
      replicationFactor: topic.replicationFactor,
      assignments: [],
      configs: Object.entries(topic.config).map(([name, value]) => ({ name, value })),
    };
    await this.connection.write(`create topic ${topic.name}`, async (link, doing) => {
      const limit = serverLimitMs(this.options);
      const { topics } = await link.ask(createTopicsV7.api, [request], limit, false);
      await assertAll(doing, link, topics);
    });
  }

  async raisePartitions(name: string, count: number): Promise<void> {
    const { createPartitionsV3 } = await loadClient();
    await this.connection.write(
      `raise topic ${name} to ${count} partitions`,
      async (link, doing) => {
        // Null: the controller places the new partitions. An empty list would mean "none of them".
        const request = { name, count, assignments: null as never };
        const limit = serverLimitMs(this.options);
        const { results } = await link.ask(createPartitionsV3.api, [request], limit, false);
        await assertAll(doing, link, results);
      },
    );
  }

  async alterTopicConfig(
    name: string,
    set: Readonly<Record<string, string>>,
    remove: readonly string[],
  ): Promise<void> {
    await this.alter(`change the settings of topic ${name}`, RESOURCE.topic, name, set, remove);
  }

  async deleteTopic({ topicId }: Pick<LiveTopic, "topic" | "topicId">): Promise<void> {
    const { deleteTopicsV6 } = await loadClient();
    await this.connection.write(`delete the topic with id ${topicId}`, async (link, doing) => {
      // By id alone: a topic of the same name that was made meanwhile stays.
      const request = { name: null as never, topicId: fromKafkaId(topicId) };
      const { responses } = await link.ask(
        deleteTopicsV6.api,
        [request],
        serverLimitMs(this.options),
      );
      await assertAll(doing, link, responses);
    });
  }

  listReassignments(): Promise<never> {
    return Promise.reject(new Error("listReassignments: not there yet"));
  }

  reassign(): Promise<never> {
    return Promise.reject(new Error("reassign: not there yet"));
  }

  replicationThrottles(): Promise<never> {
    return Promise.reject(new Error("replicationThrottles: not there yet"));
  }

  throttleReplication(): Promise<never> {
    return Promise.reject(new Error("throttleReplication: not there yet"));
  }

  electPreferredLeaders(): Promise<never> {
    return Promise.reject(new Error("electPreferredLeaders: not there yet"));
  }

  offsets(): Promise<never> {
    return Promise.reject(new Error("offsets: not there yet"));
  }

  sampleRecords(): Promise<never> {
    return Promise.reject(new Error("sampleRecords: not there yet"));
  }

  replicaSizes(): Promise<never> {
    return Promise.reject(new Error("replicaSizes: not there yet"));
  }

  async clusterSetting(key: string): Promise<string | undefined> {
    const { describeConfigsV4 } = await loadClient();
    const resource = {
      resourceType: RESOURCE.broker,
      resourceName: CLUSTER_WIDE,
      configurationKeys: [key],
    };
    return this.connection.read(`read the cluster-level ${key}`, async (link, doing) => {
      const { results } = await link.ask(describeConfigsV4.api, [resource], false, false);
      await assertAll(doing, link, results);
      return results[0]?.configs.find((entry) => entry.name === key)?.value ?? undefined;
    });
  }

  async setClusterSetting(key: string, value: string): Promise<void> {
    const doing = `set the cluster-level ${key} to ${value}`;
    await this.alter(doing, RESOURCE.broker, CLUSTER_WIDE, { [key]: value }, []);
  }

  async describeFeatures(): Promise<Features> {
    const api = await apiVersionsWithFeatures();
    return this.connection.read("tell its features", async (link, doing) => {
      const { errorCode, supported, finalized } = await link.ask(api);
      await assertOk(doing, link.server, errorCode, null);
      return {
        supported: Object.fromEntries(supported.map(({ name, min, max }) => [name, [min, max]])),
        finalized: Object.fromEntries(finalized.map(({ name, level }) => [name, level])),
      };
    });
  }

  async raiseFeature(feature: string, level: number): Promise<void> {
    const { updateFeaturesV1 } = await loadClient();
    await this.connection.write(`raise ${feature} to level ${level}`, async (link, doing) => {
      const update = { feature, maxVersionLevel: level, upgradeType: UPGRADE };
      const answer = await link.ask(
        updateFeaturesV1.api,
        serverLimitMs(this.options),
        [update],
        false,
      );
      // The feature's own words first: the answer's are "failed" and no more.
      await assertAll(doing, link, answer.results);
      await assertAll(doing, link, [answer]);
    });
  }

  async runTimeSettings(nodeId: number): Promise<RunTimeSettings> {
    const { describeConfigsV4 } = await loadClient();
    const resource = {
      resourceType: RESOURCE.broker,
      resourceName: String(nodeId),
      configurationKeys: null,
    };
    return this.connection.read(`read the settings of broker ${nodeId}`, async (link, doing) => {
      // The types ask for a list of keys; null means all of them.
      const { results } = await link.ask(describeConfigsV4.api, [resource as never], false, false);
      await assertAll(doing, link, results);
      const from = (source: number): Record<string, string> =>
        Object.fromEntries(
          (results[0]?.configs ?? [])
            .filter((entry) => entry.configSource === source)
            .map((entry) => [entry.name, entry.value ?? ""]),
        );
      return { own: from(SOURCE_BROKER), defaults: from(SOURCE_ALL_BROKERS) };
    });
  }

  async alterRunTimeSettings(
    nodeId: number,
    set: Readonly<Record<string, string>>,
    remove: readonly string[],
    options: { readonly validateOnly: boolean },
  ): Promise<void> {
    const doing = `change settings of broker ${nodeId} while it runs`;
    await this.alter(doing, RESOURCE.broker, String(nodeId), set, remove, options.validateOnly);
  }

  async listBrokers(): Promise<readonly RegisteredBroker[]> {
    const { brokers } = await this.describeCluster("list the brokers");
    return brokers.map(({ brokerId, isFenced }) => ({ id: brokerId, fenced: isFenced }));
  }

  async clusterId(): Promise<string> {
    return (await this.describeCluster("tell the cluster's id")).clusterId;
  }

  async ping(server: string): Promise<void> {
    const { apiVersionsV3 } = await loadClient();
    await askAlone(server, this.options, async (link) => {
      const { errorCode } = await link.ask(apiVersionsV3.api, "pi-lab", "1");
      await assertOk("tell its versions", server, errorCode, null);
    });
  }

  async logSizes(): Promise<ReadonlyMap<string, number>> {
    const { describeLogDirsV4 } = await loadClient();
    return this.connection.read("tell the sizes of its logs", async (link, doing) => {
      // The types ask for a list of topics; null means all of them.
      const { results, errorCode } = await link.ask(describeLogDirsV4.api, null as never);
      await assertOk(doing, link.server, errorCode, null);
      const partitions = results.flatMap(({ topics }) =>
        topics.flatMap(({ name, partitions }) =>
          partitions
            .filter(({ isFutureKey }) => !isFutureKey)
            .map((one): [string, number] => [
              `${name}-${one.partitionIndex}`,
              Number(one.partitionSize),
            ]),
        ),
      );
      return new Map(partitions);
    });
  }

  addVoter(leader: string, voter: NewVoter): Promise<void> {
    return addVoter(leader, voter, this.options);
  }

  removeVoter(leader: string, voter: Pick<QuorumReplica, "id" | "directoryId">): Promise<void> {
    return removeVoter(leader, voter, this.options);
  }

  describeQuorum(controllers: readonly string[]): Promise<Quorum> {
    return describeQuorum(controllers, this.options);
  }

  close(): Promise<void> {
    return this.connection.close();
  }

  private async describeCluster(what: string): Promise<DescribeClusterV2> {
    const describeCluster = await describeClusterV2();
    return this.connection.read(what, async (link, doing) => {
      const answer = await link.ask(describeCluster);
      await assertOk(doing, link.server, answer.errorCode, answer.errorMessage);
      return answer;
    });
  }

  private async alter(
    doing: string,
    resourceType: 2 | 4,
    resourceName: string,
    set: Readonly<Record<string, string>>,
    remove: readonly string[],
    validateOnly = false,
  ): Promise<void> {
    const { incrementalAlterConfigsV1 } = await loadClient();
    const configs = [
      ...Object.entries(set).map(([name, value]) => ({
        name,
        configOperation: OPERATION.set,
        value,
      })),
      ...remove.map((name) => ({ name, configOperation: OPERATION.remove, value: null })),
    ];
    await this.connection.write(doing, async (link) => {
      const request = { resourceType, resourceName, configs };
      const { responses } = await link.ask(incrementalAlterConfigsV1.api, [request], validateOnly);
      await assertAll(doing, link, responses);
    });
  }
}

interface Item {
  readonly errorCode: number;
  readonly errorMessage?: string | null | undefined;
}

async function assertAll(doing: string, link: KafkaLink, items: readonly Item[]): Promise<void> {
  for (const item of items) await assertOk(doing, link.server, item.errorCode, item.errorMessage);
}

function partitionStates(
  partitions: readonly {
    partitionIndex: number;
    leaderId: number;
    replicaNodes: number[];
    isrNodes: number[];
  }[],
): PartitionState[] {
  return partitions
    .map((partition) => ({
      partition: partition.partitionIndex,
      leader: partition.leaderId,
      replicas: partition.replicaNodes,
      isr: partition.isrNodes,
    }))
    .sort((a, b) => a.partition - b.partition);
}
