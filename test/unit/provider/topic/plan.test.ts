import fc from "fast-check";

import type { PropertyMap } from "../../../../plugins/common/rpc";
import { Secret, UNKNOWN } from "../../../../plugins/common/rpc";
import type { LiveTopic } from "../../../../provider/admin/port";
import { planConfig } from "../../../../provider/topic/config-change";
import type { TopicSpec } from "../../../../provider/topic/plan";
import {
  adoptionRefusals,
  changesStateAlone,
  checkTopic,
  concernsReplicas,
  diffTopic,
  notReady,
  observeTopic,
  topicSpec,
} from "../../../../provider/topic/plan";
import { looksUnsettled, unfinishedReplicas } from "../../../../provider/topic/replica-state";

const red = {
  name: "red",
  partitions: 2,
  replicationFactor: 3,
  config: { "retention.ms": "1000" },
  deletionProtection: true,
};
const live = (changes: Partial<LiveTopic> = {}): LiveTopic => ({
  topic: "red",
  topicId: "id-1",
  partitions: [0, 1].map((partition) => ({
    partition,
    leader: 1,
    replicas: [1, 2, 3],
    isr: [1, 2, 3],
  })),
  config: { "retention.ms": "1000" },
  minInsyncReplicas: 2,
  ...changes,
});

const placed = (...placement: number[][]) => ({ placement });

describe("check", () => {
  test("passes what is right, and what is not known yet", () => {
    expect(checkTopic(red)).toEqual([]);
    expect(checkTopic({ ...red, name: UNKNOWN, config: { "retention.ms": UNKNOWN } })).toEqual([]);
    expect(checkTopic({ ...red, config: UNKNOWN })).toEqual([]);
    expect(checkTopic({ ...red, ...placed([1, 2, 3], [3, 1, 2]) })).toEqual([]);
    expect(checkTopic({ ...red, placement: [[1, UNKNOWN, 3], UNKNOWN] })).toEqual([]);
    expect(checkTopic({ ...red, config: { "retention.ms": new Secret("5") } })).toEqual([]);
  });

  test.each([
    [{ name: "a/b" }, "name", /letters, digits/],
    [{ name: "__mine" }, "name", /Kafka's own/],
    [{ name: undefined }, "name", /is missing/],
    [{ partitions: 0 }, "partitions", /0 is no whole number from 1/],
    [{ partitions: 1.5 }, "partitions", /1\.5 is no whole number/],
    [{ replicationFactor: "3" }, "replicationFactor", /"3" is no whole number/],
    [{ deletionProtection: "yes" }, "deletionProtection", /neither true nor false/],
    [{ config: [] }, "config", /no map/],
    [
      { config: { "retention.mss": "5" } },
      'config["retention.mss"]',
      /Did you mean retention\.ms\?/,
    ],
    [
      { config: { "retention.ms": "soon" } },
      'config["retention.ms"]',
      /"soon" is not what Kafka takes\. Give a whole number/,
    ],
    [{ config: { "retention.ms": 5 } }, 'config["retention.ms"]', /no text: 5; write it in quotes/],
    [{ config: { "segment.bytes": "13" } }, 'config["segment.bytes"]', /at least 14/],
    [{ placement: 3 }, "placement", /no list; write the brokers' node ids/],
    [{ placement: [[1, 2, 3]] }, "placement[1]", /is missing: there are 2 partitions/],
    [placed([1, 2, 3], [1, 2, 3], [1, 2, 3]), "placement[2]", /too much.*from 0 to 1/],
    [placed([1, 2, 3], [1, 2]), "placement[1]", /names 2 brokers, and replicationFactor is 3/],
    [placed([1, 2, 2], [1, 2, 3]), "placement[0]", /names broker 2 twice/],
    [placed([1, 2, 3], [1, 2, -3]), "placement[1]", /has -3, which is no node id/],
    [{ placement: [[1, 2, 3], "1,2"] }, "placement[1]", /is no list: "1,2"/],
    [
      { config: { "leader.replication.throttled.replicas": "*" } },
      'config["leader.replication.throttled.replicas"]',
      /belongs to partition reassignments/,
    ],
  ])("%j is refused at its property", (changes, property, reason) => {
    const failures = checkTopic({ ...red, ...changes });
    expect(failures).toEqual([{ property, reason: expect.stringMatching(reason) as string }]);
  });
});

describe("diff", () => {
  test("names each setting, and nothing where Kafka would see the same", () => {
    const olds = { ...red, topicId: "id-1", config: { "retention.ms": "1000", "segment.ms": "5" } };
    expect(
      diffTopic(olds, { ...red, config: { "retention.ms": "1000", "segment.ms": "05" } }),
    ).toEqual({});
    const news = { ...red, partitions: 3, config: { "retention.ms": "2000", "flush.ms": "1" } };
    expect(diffTopic(olds, news)).toEqual({
      partitions: { kind: "update" },
      'config["retention.ms"]': { kind: "update" },
      'config["segment.ms"]': { kind: "delete" },
      'config["flush.ms"]': { kind: "add" },
    });
  });

  test("unknown counts as changed", () => {
    const news = { ...red, name: UNKNOWN, partitions: UNKNOWN, config: UNKNOWN };
    expect(diffTopic({ ...red, topicId: "id-1" }, news)).toEqual({
      name: { kind: "update-replace" },
      partitions: { kind: "update" },
      config: { kind: "update" },
    });
  });

  test("another replication factor is a change in place", () => {
    expect(diffTopic(red, { ...red, replicationFactor: 2 })).toEqual({
      replicationFactor: { kind: "update" },
    });
  });

  test("a placement is compared by partition, and what is unfinished is to be removed", () => {
    const whole = (...places: number[][]) => ({ ...red, ...placed(...places) });
    const kinds = (olds: PropertyMap, news: PropertyMap) =>
      Object.entries(diffTopic(olds, news)).map(([path, { kind }]) => [path, kind]);
    const olds = whole([1, 2, 3], [2, 3, 1]);
    expect(kinds(olds, whole([1, 2, 3], [2, 3, 1]))).toEqual([]);
    // Another order is another preferred leader.
    expect(kinds(olds, whole([1, 2, 3], [3, 2, 1]))).toEqual([["placement[1]", "update"]]);
    const raised = { ...whole([1, 2, 3], [2, 3, 1], [3, 1, 2]), partitions: 3 };
    expect(kinds(olds, raised)).toEqual([
      ["partitions", "update"],
      ["placement[2]", "add"],
    ]);
    expect(kinds(red, olds)).toEqual([["placement", "add"]]);
    expect(kinds(olds, red)).toEqual([["placement", "delete"]]);
    expect(kinds(olds, { ...red, placement: UNKNOWN })).toEqual([["placement", "update"]]);
    expect(kinds({ ...olds, unfinished: ["x"] }, olds)).toEqual([["unfinished", "delete"]]);
  });

  test("tells what concerns replicas, and what the state alone", () => {
    const placed = { ...red, placement: [[1, 2, 3]] };
    const judged = (olds: PropertyMap, news: PropertyMap) => [
      concernsReplicas(olds, news),
      changesStateAlone(olds, news),
    ];
    expect(judged(red, { ...red, replicationFactor: 2 })).toEqual([true, false]);
    expect(judged(red, placed)).toEqual([true, false]);
    expect(judged({ ...red, unfinished: ["x"] }, red)).toEqual([true, false]);
    // Nothing that calls for it: a failure does.
    expect(judged(red, red)).toEqual([true, false]);
    expect(judged(red, { ...red, config: {} })).toEqual([false, false]);
    expect(judged(red, { ...red, deletionProtection: false })).toEqual([false, true]);
    expect(judged(placed, { ...red, deletionProtection: false })).toEqual([false, true]);
    expect(judged(placed, { ...red, partitions: 3 })).toEqual([false, false]);
  });
});

describe("plan of settings", () => {
  const key = fc.constantFrom(
    "retention.ms",
    "segment.ms",
    "flush.ms",
    "max.message.bytes",
    "index.interval.bytes",
  );
  const config = fc.dictionary(key, fc.integer({ min: 1, max: 9 }).map(String));

  test("reaches what is wanted, touches only owned keys, and is empty the second time", () => {
    fc.assert(
      fc.property(config, config, config, (former, want, others) => {
        const before = { ...others, ...former };
        const { set, remove } = planConfig(Object.keys(former), want, before);
        const after: Record<string, string> = { ...before, ...set };
        for (const gone of remove) delete after[gone];
        expect(after).toMatchObject(want);
        const owned = new Set([...Object.keys(former), ...Object.keys(want)]);
        for (const [name, value] of Object.entries(before)) {
          if (!owned.has(name)) expect(after[name]).toBe(value);
        }
        for (const name of Object.keys(former))
          if (!(name in want)) expect(after).not.toHaveProperty([name]);
        expect(planConfig(Object.keys(want), want, after)).toEqual({ set: {}, remove: [] });
      }),
    );
  });
});

test("adoption asks for the same partitions and replicas", () => {
  expect(adoptionRefusals(red, live())).toEqual([]);
  expect(adoptionRefusals({ ...red, partitions: 1, replicationFactor: 2 }, live())).toEqual([
    "partitions: it has 2, not 1",
    "replicationFactor: it has 3, not 2",
  ]);
});

describe("a reassignment under way", () => {
  const partitions = [0, 1].map((partition) => ({
    partition,
    leader: 1,
    replicas: partition === 0 ? [1, 2, 4, 3] : [1, 2, 3],
    isr: [1, 2, 3],
  }));
  const reassignments = [
    { topic: "red", partition: 0, replicas: [1, 2, 4, 3], adding: [4], removing: [3] },
  ];
  const moving = live({ partitions });

  test("is borne: a partition is where it leads", () => {
    const placement = [
      [1, 2, 4],
      [1, 2, 3],
    ];
    expect(looksUnsettled(red, moving)).toBe(true);
    expect(looksUnsettled(red, live())).toBe(false);
    expect(observeTopic({ ...red, placement: [] }, moving, reassignments)).toMatchObject({
      replicationFactor: 3,
      placement,
    });
    expect(observeTopic(red, moving, reassignments)).not.toHaveProperty("placement");
    expect(adoptionRefusals(red, moving, reassignments)).toEqual([]);
    expect(unfinishedReplicas(moving, reassignments)).toEqual([]);
  });

  test("that has left something behind is unfinished", () => {
    expect(unfinishedReplicas(moving, [])).toEqual([
      "replicas differ between partitions: 4 in 1, 3 in 1 of them",
    ]);
    // Which of the two it is to be, nobody has said: the state keeps what it knew.
    expect(observeTopic(red, moving).replicationFactor).toBe(3);
    const key = "leader.replication.throttled.replicas";
    const throttled = live({ config: { [key]: "0:1" } });
    expect(looksUnsettled(red, throttled)).toBe(true);
    expect(unfinishedReplicas(throttled, reassignments)).toEqual([]);
    expect(unfinishedReplicas(throttled, [])).toEqual([
      expect.stringMatching(/throttled though none moves: leader\.rep/) as string,
    ]);
    expect(unfinishedReplicas(live({ config: { [key]: "*" } }), [])).toEqual([]);
  });
});

test("what is seen has owned settings alone, in the known notation", () => {
  const known: TopicSpec = {
    ...red,
    config: { "min.cleanable.dirty.ratio": "0.50", "flush.ms": "1" },
  };
  const config = { "min.cleanable.dirty.ratio": "0.5", "segment.ms": "7" };
  expect(observeTopic(known, live({ config })).config).toEqual({
    "min.cleanable.dirty.ratio": "0.50",
  });
});

test("not ready: partitions that lack, leaders that lack, replicas that lag", () => {
  const [first, second] = live().partitions;
  if (first === undefined || second === undefined) throw new Error("two partitions");
  expect(notReady(live(), red)).toBeUndefined();
  expect(notReady(live({ partitions: [first] }), red)).toBe("1 of 2 partitions are there");
  const leaderless = { ...second, leader: -1 };
  expect(notReady(live({ partitions: [first, leaderless] }), red)).toBe("no leader of partition 1");
  const short = { ...first, isr: [1, 2] };
  expect(notReady(live({ partitions: [short, second] }), red)).toMatch(
    /out of sync in partition 0/,
  );
});

test("a spec is read through secrets", () => {
  const config = new Secret({ "retention.ms": "1000" });
  expect(topicSpec({ ...red, config, topicId: "x" })).toEqual(red);
});
