import * as fc from "fast-check";
import type { CallContext, PropertyMap } from "../../../../plugins/common/rpc";
import type { KafkaAdmin, LiveTopic } from "../../../../provider/admin/port";
import { KafkaError } from "../../../../provider/admin/port";
import { ClusterAccess } from "../../../../provider/cluster";
import { TopicHandler } from "../../../../provider/topic/handler";
import { FRESH_MS, MOST, SINGLY, TopicsLook } from "../../../../provider/topic/topics-look";
import { adminWith } from "../../../support/kafka/admin-with";

const KEYS = ["retention.ms"];

const liveTopic = (topic: string, changes: Partial<LiveTopic> = {}): LiveTopic => ({
  topic,
  topicId: `id of ${topic}`,
  partitions: [{ partition: 0, leader: 1, replicas: [1, 2], isr: [1, 2] }],
  config: {},
  minInsyncReplicas: 1,
  ...changes,
});

const only = (keys: readonly string[] | undefined, live: LiveTopic): LiveTopic => ({
  ...live,
  config: Object.fromEntries(
    Object.entries(live.config).filter(([key]) => keys === undefined || keys.includes(key)),
  ),
});

/** A cluster of these topics, with how often each question was asked. */
function clusterOf(topics: readonly LiveTopic[]) {
  const asked = { one: 0, all: 0 };
  const byName = new Map(topics.map((live) => [live.topic, live]));
  const admin = adminWith({
    describeTopic: (name, keys) => {
      asked.one++;
      const live = byName.get(name);
      return Promise.resolve(live && only(keys, live));
    },
    describeTopics: (keys, most) => {
      asked.all++;
      if (byName.size > most) return Promise.resolve(undefined);
      return Promise.resolve(
        new Map([...byName].map(([name, live]) => [name, only(keys, live)] as const)),
      );
    },
    listReassignments: () => Promise.resolve([]),
  });
  return { admin, asked, byName };
}

/** A look at this cluster, with a clock of its own. */
function lookAt(admin: KafkaAdmin) {
  const clock = { nowMs: 0 };
  const cluster = { mayDiffer: false, admin: () => admin };
  return { look: new TopicsLook(cluster, () => clock.nowMs), clock, cluster };
}

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `topic-${i}`);
const many = (count: number): LiveTopic[] => names(count).map((name) => liveTopic(name));

/** How many of these topics it tells of. */
async function told(look: TopicsLook, topics: readonly string[], keys = KEYS): Promise<number> {
  let count = 0;
  for (const name of topics) if ((await look.topic(name, keys)) !== undefined) count++;
  return count;
}

test("a few topics are asked for alone; those after them are told from one look at all", async () => {
  const { admin, asked } = clusterOf(many(1_000));
  const { look } = lookAt(admin);
  expect(await told(look, names(SINGLY))).toBe(0);
  expect(asked.all).toBe(0);
  expect(await told(look, names(1_000))).toBe(1_000);
  expect(asked.all).toBe(1);
});

test("reads of one moment wait for one look", async () => {
  const { admin, asked } = clusterOf(many(100));
  const { look } = lookAt(admin);
  const seen = await Promise.all(names(100).map((name) => look.topic(name, KEYS)));
  expect(seen.map((live) => live?.topic)).toEqual([
    ...Array<undefined>(SINGLY).fill(undefined),
    ...names(100).slice(SINGLY),
  ]);
  expect(asked.all).toBe(1);
});

test("a look that is too old tells nothing, and another follows", async () => {
  const { admin, asked } = clusterOf(many(100));
  const { look, clock } = lookAt(admin);
  await told(look, names(SINGLY + 1));
  clock.nowMs = FRESH_MS - 1;
  expect(await told(look, names(5))).toBe(5);
  clock.nowMs = FRESH_MS;
  expect(await told(look, names(SINGLY))).toBe(0);
  expect(await told(look, names(5))).toBe(5);
  expect(asked.all).toBe(2);
});

test("settings that a look did not ask for are asked for alone, until the next look has them", async () => {
  const { admin, asked } = clusterOf(
    names(100).map((name) => liveTopic(name, { config: { "segment.ms": "5" } })),
  );
  const { look } = lookAt(admin);
  await told(look, names(SINGLY + 1));
  expect(await told(look, names(SINGLY), ["segment.ms"])).toBe(0);
  const live = await look.topic("topic-1", ["segment.ms"]);
  expect(live?.config).toEqual({ "segment.ms": "5" });
  expect(await told(look, names(10))).toBe(10);
  expect(asked.all).toBe(2);
});

test("once this process changes something nothing is told from a look, one under way included", async () => {
  const { admin, asked } = clusterOf(many(100));
  const { look, cluster } = lookAt(admin);
  await told(look, names(SINGLY));
  const underWay = look.topic("topic-1", KEYS);
  cluster.mayDiffer = true;
  expect(await underWay).toBeUndefined();
  expect(await told(look, names(100))).toBe(0);
  expect(asked.all).toBe(1);
});

test.each([
  ["is refused", () => Promise.reject(new KafkaError("refused", "no leave"))],
  ["finds nobody", () => Promise.reject(new KafkaError("unreachable", "ECONNREFUSED"))],
  ["finds more topics than it is worth", () => Promise.resolve(undefined)],
])("a look that %s is the last one", async (_, describeTopics) => {
  let asked = 0;
  const admin = adminWith({ describeTopics: () => (asked++, describeTopics()) });
  const { look } = lookAt(admin);
  expect(await told(look, names(100))).toBe(0);
  expect(asked).toBe(1);
});

test("a topic that a look does not tell of is asked for alone, and costs no further look", async () => {
  const { admin, asked } = clusterOf(many(50));
  const { look } = lookAt(admin);
  await told(look, names(SINGLY + 1));
  expect(await told(look, names(100))).toBe(50);
  expect(asked.all).toBe(1);
});

const mute = () => undefined;

function contextTo(warnings: string[]): CallContext {
  const warn = (line: string): void => void warnings.push(line);
  return {
    signal: new AbortController().signal,
    log: { debug: mute, info: mute, warn, error: mute, status: mute },
  };
}

const stateOf = (name: string, config: Record<string, string>): PropertyMap => ({
  name,
  topicId: `id of ${name}`,
  partitions: 1,
  replicationFactor: 2,
  config,
  deletionProtection: true,
});

/** What a refresh brings of all these, and how the cluster was asked for it. */
async function refresh(states: readonly PropertyMap[], live: readonly LiveTopic[], look: boolean) {
  const { admin, asked } = clusterOf(live);
  const cluster = new ClusterAccess(() => admin);
  cluster.configure({ bootstrapServers: "one:9092" });
  if (!look) cluster.noteChange();
  const handler = new TopicHandler(cluster);
  const warnings: string[] = [];
  const read = [];
  for (const outputs of states) {
    const id = outputs["name"] as string;
    const target = { urn: "urn", name: id, type: "pilab:kafka/topic:Topic" };
    read.push(await handler.read({ ...target, id, outputs, inputs: outputs }, contextTo(warnings)));
  }
  return { read, warnings, asked };
}

const values = fc.constantFrom("1", "2");
const known = fc.dictionary(fc.constantFrom("retention.ms", "segment.ms"), values);
const partitions = (replicas: readonly number[][], isr: readonly number[][]) =>
  fc.array(
    fc.record({
      leader: fc.constantFrom(-1, 1),
      replicas: fc.constantFrom(...replicas),
      isr: fc.constantFrom(...isr),
    }),
    { minLength: 1, maxLength: 3 },
  );
const settled = partitions(
  [
    [1, 2],
    [2, 1],
  ],
  [[1, 2]],
);
const moving = partitions(
  [
    [1, 2],
    [1, 2, 3],
  ],
  [[1, 2], [1]],
);
const throttled = fc.constant({ "leader.replication.throttled.replicas": "0:1" });
/** Most of them as a look can tell of them: the others are asked for alone anyway. */
const drifted = fc.record({
  there: fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, fc.constant(false)),
  topicId: fc.constantFrom(undefined, "another"),
  config: fc.oneof({ weight: 9, arbitrary: known }, throttled),
  partitions: fc.oneof({ weight: 9, arbitrary: settled }, moving),
  known,
});

test("a refresh brings the same from a look as from asking for each topic alone", async () => {
  const property = fc.asyncProperty(
    fc.array(drifted, { minLength: SINGLY + 1, maxLength: 60 }),
    async (topics) => {
      // The first ones have none: the look goes by the settings of those that were asked for before it.
      const states = topics.map(({ known }, i) => stateOf(`topic-${i}`, i < SINGLY ? {} : known));
      const live = topics.flatMap(({ there, topicId, config, partitions }, i) => {
        const parts = partitions.map((one, number) => ({ partition: number, ...one }));
        const own = topicId === undefined ? {} : { topicId };
        return there ? [liveTopic(`topic-${i}`, { config, partitions: parts, ...own })] : [];
      });
      const alone = await refresh(states, live, false);
      const looked = await refresh(states, live, true);
      expect(looked.read).toEqual(alone.read);
      expect(looked.warnings).toEqual(alone.warnings);
      expect([alone.asked.all, looked.asked.all > 0]).toEqual([0, true]);
    },
  );
  await fc.assert(property, { numRuns: 50 });
});

test("a thousand topics that are as they were are a look and a few questions; those that are gone or move are asked for", async () => {
  const unsettled = { partition: 0, leader: 1, replicas: [1, 2], isr: [1] };
  const live = [
    ...many(998),
    liveTopic("topic-998", { partitions: [unsettled] }),
    // topic-999 is gone.
  ];
  const states = names(1_000).map((name) => stateOf(name, {}));
  const { read, asked } = await refresh(states, live, true);
  // The one out of sync once more, after the moves were asked for.
  expect(asked).toEqual({ one: SINGLY + 3, all: 1 });
  expect(read.map(({ id }) => id)).toEqual([...names(999), ""]);
});

test("of a cluster with too many topics each is asked for alone", async () => {
  const states = names(100).map((name) => stateOf(name, {}));
  const { asked } = await refresh(states, many(MOST + 1), true);
  expect(asked).toEqual({ one: 100, all: 1 });
});
