import fc from "fast-check";

import { Secret, UNKNOWN } from "../../../../plugins/common/rpc";
import type { LiveTopic } from "../../../../provider/admin/port";
import type { TopicSpec } from "../../../../provider/topic/plan";
import {
  adoptionRefusals,
  checkTopic,
  diffTopic,
  notReady,
  observeTopic,
  planConfig,
  topicSpec,
} from "../../../../provider/topic/plan";

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

describe("check", () => {
  test("passes what is right, and what is not known yet", () => {
    expect(checkTopic(red)).toEqual([]);
    expect(checkTopic({ ...red, name: UNKNOWN, config: { "retention.ms": UNKNOWN } })).toEqual([]);
    expect(checkTopic({ ...red, config: UNKNOWN })).toEqual([]);
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
    [{ config: { "retention.ms": "soon" } }, 'config["retention.ms"]', /"soon" is no whole number/],
    [{ config: { "retention.ms": 5 } }, 'config["retention.ms"]', /no text: 5; write it in quotes/],
    [{ config: { "segment.bytes": "1024" } }, 'config["segment.bytes"]', /1048576 to/],
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
    ).toEqual({ detailedDiff: {}, refusals: [] });
    const news = { ...red, partitions: 3, config: { "retention.ms": "2000", "flush.ms": "1" } };
    expect(diffTopic(olds, news)).toEqual({
      detailedDiff: {
        partitions: { kind: "update" },
        'config["retention.ms"]': { kind: "update" },
        'config["segment.ms"]': { kind: "delete" },
        'config["flush.ms"]': { kind: "add" },
      },
      refusals: [],
    });
  });

  test("unknown counts as changed, and refuses nothing", () => {
    const news = { ...red, name: UNKNOWN, partitions: UNKNOWN, config: UNKNOWN };
    expect(diffTopic({ ...red, topicId: "id-1" }, news)).toEqual({
      detailedDiff: {
        name: { kind: "update-replace" },
        partitions: { kind: "update" },
        config: { kind: "update" },
      },
      refusals: [],
    });
  });

  test("all refusals come together", () => {
    const { refusals } = diffTopic(red, { ...red, partitions: 1, replicationFactor: 2 });
    expect(refusals).toEqual([
      expect.stringMatching(/^partitions: 2 cannot become 1/) as string,
      expect.stringMatching(/^replicationFactor: 3 cannot become 2/) as string,
    ]);
  });

  test("lowering partitions is refused whatever else changes; raising never is", () => {
    const count = fc.integer({ min: 1, max: 1000 });
    fc.assert(
      fc.property(count, count, (before, after) => {
        const { refusals } = diffTopic(
          { ...red, partitions: before },
          { ...red, partitions: after },
        );
        return refusals.length > 0 === after < before;
      }),
    );
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

test("a reassignment under way is borne: the replication factor stays as known", () => {
  const partitions = [
    { partition: 0, leader: 1, replicas: [1, 2, 3, 4], isr: [1, 2, 3] },
    { partition: 1, leader: 1, replicas: [1, 2, 3], isr: [1, 2, 3] },
  ];
  expect(observeTopic(red, live({ partitions })).replicationFactor).toBe(3);
  expect(adoptionRefusals(red, live({ partitions }))).toEqual([]);
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
