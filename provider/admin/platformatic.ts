import { Brokers } from "./brokers";
import * as configs from "./configs";
import { askAlone } from "./connection";
import * as features from "./features";
import { assertOk } from "./kafka-link";
import * as logDirs from "./log-dirs";
import type {
  AdminOptions,
  Features,
  KafkaAdmin,
  LiveTopic,
  LogPosition,
  NewTopic,
  NewVoter,
  Quorum,
  QuorumReplica,
  Reassignment,
  RecordSample,
  RegisteredBroker,
  RunTimeSettings,
  TopicPartitions,
} from "./port";
import { addVoter, describeQuorum, removeVoter } from "./quorum";
import * as moves from "./reassignment";
import * as records from "./records";
import * as registry from "./registry";
import { apiVersions } from "./requests/api-versions";
import { PlatformaticSecurity } from "./security";
import { Topics } from "./topics";

/** The admin port on @platformatic/kafka's low-level requests. Connects at the first request. */
export class PlatformaticAdmin implements KafkaAdmin {
  readonly security: PlatformaticSecurity;
  private readonly brokers: Brokers;
  private readonly topics: Topics;

  constructor(
    bootstrapServers: readonly string[],
    private readonly options: AdminOptions,
  ) {
    this.brokers = new Brokers(bootstrapServers, options);
    this.topics = new Topics(this.brokers);
    this.security = new PlatformaticSecurity(this.brokers);
  }

  describeTopic(name: string, keys?: readonly string[]): Promise<LiveTopic | undefined> {
    return this.topics.describe(name, keys);
  }

  describeTopics(
    keys: readonly string[],
    most: number,
  ): Promise<ReadonlyMap<string, LiveTopic> | undefined> {
    return this.topics.describeMany(keys, most);
  }

  topicIds(names: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return this.topics.ids(names);
  }

  topicDefault(topic: string, key: string): Promise<string | undefined> {
    return configs.topicDefault(this.brokers, topic, key);
  }

  listPartitions(): Promise<readonly TopicPartitions[]> {
    return this.topics.listPartitions();
  }

  createTopic(topic: NewTopic): Promise<void> {
    return this.topics.create(topic);
  }

  raisePartitions(
    name: string,
    count: number,
    placement?: readonly (readonly number[])[],
  ): Promise<void> {
    return this.topics.raisePartitions(name, count, placement);
  }

  alterTopicConfig(
    name: string,
    set: Readonly<Record<string, string>>,
    remove: readonly string[],
  ): Promise<void> {
    return this.topics.alterConfig(name, set, remove);
  }

  deleteTopic(topic: Pick<LiveTopic, "topic" | "topicId">): Promise<void> {
    return this.topics.delete(topic);
  }

  listReassignments(topics?: readonly string[]): Promise<readonly Reassignment[]> {
    return moves.listReassignments(this.brokers, topics);
  }

  reassign(topic: string, targets: ReadonlyMap<number, readonly number[] | null>): Promise<void> {
    return moves.reassign(this.brokers, topic, targets);
  }

  replicationThrottles(): Promise<ReadonlyMap<number, number>> {
    return configs.replicationThrottles(this.brokers);
  }

  throttleReplication(
    brokers: readonly number[],
    bytesPerSecond: number | undefined,
  ): Promise<void> {
    return configs.throttleReplication(this.brokers, brokers, bytesPerSecond);
  }

  electPreferredLeaders(topic: string, partitions: readonly number[]): Promise<void> {
    return moves.electPreferredLeaders(this.brokers, topic, partitions);
  }

  offsets(
    topic: string,
    partitions: readonly number[],
    at: LogPosition,
  ): Promise<ReadonlyMap<number, bigint>> {
    return records.offsets(this.brokers, topic, partitions, at);
  }

  sampleRecords(topic: string, partition: number, limit: number): Promise<RecordSample> {
    return records.sampleRecords(this.brokers, topic, partition, limit);
  }

  replicaSizes(
    topics?: readonly string[],
  ): Promise<ReadonlyMap<number, ReadonlyMap<string, number>>> {
    return logDirs.replicaSizes(this.brokers, topics);
  }

  logSizes(): Promise<ReadonlyMap<string, number>> {
    return logDirs.logSizes(this.brokers.any);
  }

  clusterSetting(key: string): Promise<string | undefined> {
    return configs.clusterSetting(this.brokers, key);
  }

  setClusterSetting(key: string, value: string): Promise<void> {
    return configs.setClusterSetting(this.brokers, key, value);
  }

  runTimeSettings(nodeId: number): Promise<RunTimeSettings> {
    return configs.runTimeSettings(this.brokers.any, nodeId);
  }

  alterRunTimeSettings(
    nodeId: number,
    set: Readonly<Record<string, string>>,
    remove: readonly string[],
    { validateOnly }: { readonly validateOnly: boolean },
  ): Promise<void> {
    return configs.alterRunTimeSettings(this.brokers.any, nodeId, set, remove, validateOnly);
  }

  describeFeatures(): Promise<Features> {
    return features.describeFeatures(this.brokers);
  }

  raiseFeature(feature: string, level: number): Promise<void> {
    return features.raiseFeature(this.brokers, feature, level);
  }

  kafkaRelease(): Promise<string | undefined> {
    return features.kafkaRelease(this.brokers);
  }

  listBrokers(): Promise<readonly RegisteredBroker[]> {
    return registry.listBrokers(this.brokers);
  }

  clusterId(): Promise<string> {
    return registry.clusterId(this.brokers);
  }

  async ping(server: string): Promise<void> {
    const api = await apiVersions(3);
    await askAlone(server, this.options, async (link) => {
      const { errorCode } = await link.ask(api);
      await assertOk("tell its versions", server, errorCode, null);
    });
  }

  describeQuorum(controllers: readonly string[]): Promise<Quorum> {
    return describeQuorum(controllers, this.options);
  }

  addVoter(leader: string, voter: NewVoter): Promise<void> {
    return addVoter(leader, voter, this.options);
  }

  removeVoter(leader: string, voter: Pick<QuorumReplica, "id" | "directoryId">): Promise<void> {
    return removeVoter(leader, voter, this.options);
  }

  async close(): Promise<void> {
    this.topics.close();
    await this.brokers.close();
  }
}
