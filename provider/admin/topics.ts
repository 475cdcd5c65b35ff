/** Topics and their settings. What is asked in one moment goes out as one request. */
import { Batcher } from "./batcher";
import { type Brokers, hasZooKeeper } from "./brokers";
import { loadClient } from "./client";
import {
  askConfigs,
  askToAlter,
  RESOURCE,
  type ConfigChange,
  type ConfigQuestion,
  type DescribedConfigs,
} from "./configs";
import { serverLimitMs } from "./connection";
import { assertOk, faultOf, fromKafkaId, type KafkaLink, toKafkaId } from "./kafka-link";
import { KafkaError, type LiveTopic, type NewTopic, type TopicPartitions } from "./port";
import { askMetadata, type TopicMetadata } from "./requests/metadata";
import { createTopicsV5, deleteTopicsV4, type NamedResult } from "./requests/topics";

type Doomed = Pick<LiveTopic, "topic" | "topicId">;

const UNKNOWN_TOPIC = 3;
const MIN_ISR = "min.insync.replicas";

/** Long enough for what the engine asks at once, short enough for nobody to notice. */
const WAIT_MS = 5;
/**
 * A refresh asks for a few at a time and waits for them: each wait counts a hundred times in one of a
 * thousand topics. Those that come while an answer is under way go out together after it.
 */
const LOOK_WAIT_MS = 0;
/** Topics in a question. */
const DESCRIBED = 500;
/** Topics in a request that changes them, and partitions in one that makes them: a small controller takes its time. */
const CHANGED = 100;
const MADE = 1_000;

export class Topics {
  private readonly describing = new Batcher<ConfigQuestion, LiveTopic | undefined>(
    (questions) => this.describeAll(questions),
    { waitMs: LOOK_WAIT_MS, maxWeight: DESCRIBED, keyOf: ({ name }) => name },
  );
  private readonly creating = new Batcher<NewTopic, void>((topics) => this.createAll(topics), {
    waitMs: WAIT_MS,
    maxWeight: MADE,
    weigh: ({ partitions, placement }) => Math.max(MADE / CHANGED, placement?.length ?? partitions),
    keyOf: ({ name }) => name,
  });
  private readonly altering = new Batcher<ConfigChange, void>((changes) => this.alterAll(changes), {
    waitMs: WAIT_MS,
    maxWeight: CHANGED,
    keyOf: ({ name }) => name,
  });
  private readonly deleting = new Batcher<Doomed, void>((topics) => this.deleteAll(topics), {
    waitMs: WAIT_MS,
    maxWeight: CHANGED,
    keyOf: ({ topic }) => topic,
  });

  constructor(private readonly brokers: Brokers) {}

  describe(name: string, keys?: readonly string[]): Promise<LiveTopic | undefined> {
    return this.describing.ask({ name, keys: keys ?? null });
  }

  /** See `TopicAdmin.describeTopics`. */
  describeMany(
    keys: readonly string[],
    most: number,
  ): Promise<ReadonlyMap<string, LiveTopic> | undefined> {
    return this.brokers.any.read("describe all topics", async (link) => {
      const { topics } = await askMetadata(link, null);
      if (topics.length > most) return undefined;
      const questions = topics.map(({ topic }) => ({ name: topic, keys: withMinIsr(keys) }));
      const portions = Array.from({ length: Math.ceil(questions.length / DESCRIBED) }, (_, i) =>
        askConfigs(link, RESOURCE.topic, questions.slice(i * DESCRIBED, (i + 1) * DESCRIBED)),
      );
      const settings = new Map((await Promise.all(portions)).flat().map((one) => [one.name, one]));
      const found = topics.flatMap((topic): [string, LiveTopic][] => {
        const config = settings.get(topic.topic);
        if (topic.errorCode !== 0 || config?.errorCode !== 0) return [];
        return [[topic.topic, liveTopic(topic, config)]];
      });
      return new Map(found);
    });
  }

  create(topic: NewTopic): Promise<void> {
    return this.creating.ask(topic);
  }

  alterConfig(
    name: string,
    set: Readonly<Record<string, string>>,
    remove: readonly string[],
  ): Promise<void> {
    return this.altering.ask({ type: RESOURCE.topic, name, set, remove });
  }

  delete(topic: Doomed): Promise<void> {
    return this.deleting.ask(topic);
  }

  async ids(names: readonly string[]): Promise<ReadonlyMap<string, string>> {
    if (names.length === 0) return new Map();
    const doing = `tell the ids of ${topicsText(names)}`;
    return this.brokers.any.read(doing, async (link) => {
      const { topics } = await askMetadata(link, names);
      const there = topics.filter(({ errorCode }) => errorCode !== UNKNOWN_TOPIC);
      for (const { topic, errorCode } of there) {
        await assertOk(`describe topic ${topic}`, link.server, errorCode, null);
      }
      return new Map(there.map(({ topic, topicId }) => [topic, topicId]));
    });
  }

  listPartitions(): Promise<readonly TopicPartitions[]> {
    return this.brokers.any.read("list all partitions", async (link, doing) => {
      const { topics } = await askMetadata(link, null);
      for (const { errorCode } of topics) await assertOk(doing, link.server, errorCode, null);
      return topics.map(({ topic, partitions }) => ({ topic, partitions }));
    });
  }

  async raisePartitions(
    name: string,
    count: number,
    placement?: readonly (readonly number[])[],
  ): Promise<void> {
    const { createPartitionsV2 } = await loadClient();
    const doing = `raise topic ${name} to ${count} partitions`;
    await this.brokers.change(doing, async (link) => {
      // Null: the controller places the new partitions. An empty list would mean "none of them".
      const assignments = placement?.map((brokerIds) => ({ brokerIds: [...brokerIds] })) ?? null;
      const request = { name, count, assignments };
      const { results } = await link.ask(createPartitionsV2.api, [request], this.limitMs, false);
      for (const { errorCode, errorMessage } of results) {
        await assertOk(doing, link.server, errorCode, errorMessage);
      }
    });
  }

  close(): void {
    const reason = new KafkaError(
      "unreachable",
      "the connection was closed before anything was asked",
    );
    for (const batcher of [this.describing, this.creating, this.altering, this.deleting]) {
      batcher.close(reason);
    }
  }

  private get limitMs(): number {
    return serverLimitMs(this.brokers.options);
  }

  private describeAll(
    questions: readonly ConfigQuestion[],
  ): Promise<(LiveTopic | undefined | Error)[]> {
    const names = questions.map(({ name }) => name);
    const wanted = questions.map(({ name, keys }) => ({
      name,
      keys: keys && withMinIsr(keys),
    }));
    return this.brokers.any.read(`describe ${topicsText(names)}`, async (link) => {
      const [metadata, configs] = await Promise.all([
        askMetadata(link, names),
        askConfigs(link, RESOURCE.topic, wanted),
      ]);
      const topics = new Map(metadata.topics.map((one) => [one.topic, one]));
      const settings = new Map(configs.map((one) => [one.name, one]));
      return Promise.all(
        names.map(async (name): Promise<LiveTopic | undefined | Error> => {
          const doing = `describe topic ${name}`;
          const topic = topics.get(name);
          const config = settings.get(name);
          if (topic === undefined || config === undefined) return emptyAnswer(link, doing);
          if (topic.errorCode === UNKNOWN_TOPIC || config.errorCode === UNKNOWN_TOPIC) {
            return undefined;
          }
          return (
            (await faultOf(doing, link.server, topic.errorCode, null)) ??
            (await faultOf(doing, link.server, config.errorCode, config.errorMessage)) ??
            liveTopic(topic, config)
          );
        }),
      );
    });
  }

  private async createAll(topics: readonly NewTopic[]): Promise<(void | Error)[]> {
    const api = await createTopicsV5();
    const names = topics.map(({ name }) => name);
    return this.brokers.change(`create ${topicsText(names)}`, async (link) => {
      const faults = await placementFaults(link, topics);
      const good = topics.filter(({ name }) => !faults.has(name));
      const results = good.length === 0 ? [] : await link.ask(api, good, this.limitMs);
      const outcomes = await resultsOf(link, names, results, (name) => `create topic ${name}`);
      return outcomes.map((outcome, index) => faults.get(names[index] ?? "") ?? outcome);
    });
  }

  private async alterAll(changes: readonly ConfigChange[]): Promise<(void | Error)[]> {
    const names = changes.map(({ name }) => name);
    return this.brokers.any.write(`change the settings of ${topicsText(names)}`, async (link) => {
      const results = await askToAlter(link, changes);
      return resultsOf(link, names, results, (name) => `change the settings of topic ${name}`);
    });
  }

  private async deleteAll(topics: readonly Doomed[]): Promise<(void | Error)[]> {
    const named = topics.filter(({ topicId }) => topicId === "").map(({ topic }) => topic);
    const ids = topics.map(({ topicId }) => topicId).filter((id) => id !== "");
    const [byName, byId] = await Promise.all([this.deleteNamed(named), this.deleteIds(ids)]);
    return topics.map(({ topic, topicId }) =>
      topicId === "" ? byName.get(topic) : byId.get(topicId),
    );
  }

  private async deleteNamed(names: readonly string[]): Promise<Map<string, void | Error>> {
    if (names.length === 0) return new Map();
    const api = await deleteTopicsV4();
    return this.brokers.change(`delete ${topicsText(names)}`, async (link) => {
      const results = await link.ask(api, names, this.limitMs);
      const found = await resultsOf(link, names, results, (name) => `delete topic ${name}`);
      return new Map(names.map((name, index) => [name, found[index]]));
    });
  }

  /** By id alone: a topic of the same name that was made meanwhile stays. */
  private async deleteIds(ids: readonly string[]): Promise<Map<string, void | Error>> {
    if (ids.length === 0) return new Map();
    const { deleteTopicsV6 } = await loadClient();
    const what = (id: string): string => `delete the topic with id ${id}`;
    const doing = ids.length === 1 ? what(ids[0] ?? "") : `delete ${ids.length} topics`;
    return this.brokers.change(doing, async (link) => {
      const topics = ids.map((id) => ({ name: null as never, topicId: fromKafkaId(id) }));
      const { responses } = await link.ask(deleteTopicsV6.api, topics, this.limitMs);
      const results = responses.map((one) => ({ ...one, name: toKafkaId(one.topicId) }));
      const found = await resultsOf(link, ids, results, what);
      return new Map(ids.map((id, index) => [id, found[index]]));
    });
  }
}

const withMinIsr = (keys: readonly string[]): readonly string[] => [...new Set([...keys, MIN_ISR])];

const liveTopic = (
  { topic, topicId, partitions }: TopicMetadata,
  config: DescribedConfigs,
): LiveTopic => ({
  topic,
  topicId,
  partitions,
  config: config.from("topic"),
  minInsyncReplicas: Number(config.inForce(MIN_ISR) ?? 1),
});

/** With ZooKeeper a topic may be placed on brokers that do not exist: nobody would ever lead it. */
async function placementFaults(
  link: KafkaLink,
  topics: readonly NewTopic[],
): Promise<ReadonlyMap<string, KafkaError>> {
  const placed = topics.filter(({ placement }) => placement !== undefined);
  if (placed.length === 0 || !(await hasZooKeeper(link))) return new Map();
  const { brokers } = await askMetadata(link, []);
  const faults = placed.flatMap(({ name, placement = [] }): [string, KafkaError][] => {
    const missing = placement.flat().find((id) => !brokers.has(id));
    if (missing === undefined) return [];
    const up = [...brokers.keys()].sort((a, b) => a - b).join(", ");
    const words = `cannot create topic ${name}: its placement names broker ${missing}; the brokers that are up are ${up}.`;
    return [[name, new KafkaError("refused", words, "INVALID_REPLICA_ASSIGNMENT")]];
  });
  return new Map(faults);
}

/** Each name's outcome, in their order. */
async function resultsOf(
  link: KafkaLink,
  names: readonly string[],
  results: readonly NamedResult[],
  doing: (name: string) => string,
): Promise<(void | Error)[]> {
  const byName = new Map(results.map((one) => [one.name, one]));
  return Promise.all(
    names.map(async (name) => {
      const found = byName.get(name);
      if (found === undefined) return emptyAnswer(link, doing(name));
      return faultOf(doing(name), link.server, found.errorCode, found.errorMessage);
    }),
  );
}

const emptyAnswer = ({ server }: KafkaLink, doing: string): KafkaError =>
  new KafkaError("refused", `${server} gave an empty answer to ${doing}`);

/** `topic red`, or `3 topics (blue, green, red)`. */
function topicsText(names: readonly string[]): string {
  if (names.length === 1) return `topic ${names[0]}`;
  const shown = names.slice(0, 3).join(", ");
  return `${names.length} topics (${shown}${names.length > 3 ? ", …" : ""})`;
}
