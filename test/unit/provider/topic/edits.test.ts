import fc from "fast-check";

import { Secret, UNKNOWN } from "../../../../plugins/common/rpc";
import {
  cutsOf,
  editsBeyond,
  editsFrom,
  editsOf,
  shrinkFault,
} from "../../../../provider/topic/edits";

const red = {
  name: "red",
  partitions: 2,
  replicationFactor: 3,
  config: { "retention.ms": "1000" },
  deletionProtection: true,
};

test("an edit is told by what differs to Kafka, and a new topic has none", () => {
  expect(editsOf({}, red)).toEqual([]);
  expect(editsOf({ ...red, changes: ["safe: x"] }, red)).toEqual([]);
  expect(editsOf(red, { ...red, config: { "retention.ms": "01000" } })).toEqual([]);
  const news = {
    ...red,
    name: "blue",
    partitions: 3,
    replicationFactor: 2,
    placement: [[1, 2]],
    config: { "segment.ms": "5" },
    deletionProtection: false,
  };
  expect(editsOf(red, news)).toEqual([
    { kind: "name", from: "red", to: "blue" },
    { kind: "partitions", from: 2, to: 3 },
    { kind: "replicas", what: "replication factor 3 => 2, another placement" },
    { kind: "config", key: "retention.ms", from: "1000", to: undefined, secret: false },
    { kind: "config", key: "segment.ms", from: undefined, to: "5", secret: false },
    { kind: "state", what: "deletionProtection true => false" },
  ]);
});

test("a placement that is no longer declared moves nothing", () => {
  expect(editsOf({ ...red, placement: [[1], [2]] }, red)).toEqual([
    { kind: "state", what: "placement is no longer declared" },
  ]);
});

test("what is not known yet is an edit of its own; a secret says that it is one", () => {
  const news = { ...red, partitions: UNKNOWN, config: { "retention.ms": UNKNOWN } };
  expect(editsOf(red, news)).toEqual([
    { kind: "unknown", property: "partitions" },
    { kind: "unknown", property: "retention.ms" },
  ]);
  const placement = [[1, UNKNOWN], [2]];
  expect(editsOf(red, { ...red, placement })).toEqual([{ kind: "unknown", property: "placement" }]);
  expect(editsOf(red, { ...red, config: { "retention.ms": new Secret("5") } })).toEqual([
    { kind: "config", key: "retention.ms", from: "1000", to: "5", secret: true },
  ]);
});

const cuts = (before: Record<string, string>, after: Record<string, string>) => [
  ...cutsOf(editsOf({ ...red, config: before }, { ...red, config: after }), after),
];

test.each([
  [{ "retention.ms": "9" }, { "retention.ms": "5" }, { kind: "time", retentionMs: 5 }],
  [{}, { "retention.ms": "5" }, { kind: "time", retentionMs: 5 }],
  [{ "retention.ms": "-1" }, { "retention.ms": "5" }, { kind: "time", retentionMs: 5 }],
  [{ "retention.ms": "5" }, {}, { kind: "default" }],
  [{ "retention.bytes": "9" }, { "retention.bytes": "0" }, { kind: "size", retentionBytes: 0 }],
])("%j => %j is a cut", (before, after, cut) => {
  expect(cuts(before, after)).toEqual([[Object.keys({ ...before, ...after })[0], [cut]]]);
});

test("a policy that begins to delete cuts by all limits there are", () => {
  const after = { "cleanup.policy": "compact, delete", "retention.bytes": "7" };
  expect(cuts({ "cleanup.policy": "compact", "retention.bytes": "7" }, after)).toEqual([
    [
      "cleanup.policy",
      [
        { kind: "time", retentionMs: 604_800_000 },
        { kind: "size", retentionBytes: 7 },
      ],
    ],
  ]);
  const unlimited = { "cleanup.policy": "delete", "retention.ms": "-1" };
  expect(cuts({ "cleanup.policy": "compact", "retention.ms": "-1" }, unlimited)).toEqual([]);
});

test("a limit that is raised, lifted, or of a log that is only compacted cuts nothing", () => {
  const limit = fc.integer({ min: -1, max: 1_000 });
  const key = fc.constantFrom("retention.ms", "retention.bytes");
  fc.assert(
    fc.property(key, limit, limit, fc.boolean(), (name, a, b, compacted) => {
      const policy = { "cleanup.policy": compacted ? "compact" : "delete" };
      const found = cuts({ ...policy, [name]: String(a) }, { ...policy, [name]: String(b) });
      const isShorter = b >= 0 && (a < 0 || b < a);
      expect(found.length > 0).toBe(isShorter && !compacted);
    }),
  );
});

test("fewer partitions are refused whatever else changes; more never are", () => {
  const count = fc.integer({ min: 1, max: 1000 });
  fc.assert(
    fc.property(count, count, (before, after) => {
      const news = { ...red, partitions: after, deletionProtection: false };
      const fault = shrinkFault(editsOf({ ...red, partitions: before }, news));
      return (fault !== undefined) === after < before;
    }),
  );
  // Another name is another topic, by another rule.
  expect(shrinkFault(editsOf(red, { ...red, name: "blue", partitions: 1 }))).toBeUndefined();
});

describe("by what the cluster has", () => {
  const live = (config: Record<string, string>, partitions = 2) => ({
    topic: "red",
    topicId: "id",
    partitions: Array.from({ length: partitions }, (_, partition) => ({
      partition,
      leader: 1,
      replicas: [1, 2, 3],
      isr: [1, 2, 3],
    })),
    config,
    minInsyncReplicas: 2,
  });
  const longer = { ...red, config: { "retention.ms": "9000" } };

  test("an edit begins from there; one that others have made already says so", () => {
    expect(editsFrom(red, live({ "retention.ms": "20000" }), longer)).toEqual([
      { kind: "config", key: "retention.ms", from: "20000", to: "9000", secret: false },
    ]);
    expect(
      editsFrom(red, live({ "retention.ms": "9000" }, 3), { ...longer, partitions: 3 }),
    ).toEqual([
      { kind: "state", what: "2 => 3 partitions; the cluster has it so already" },
      { kind: "state", what: "retention.ms 1000 => 9000; the cluster has it so already" },
    ]);
  });

  test("an owned setting that others have changed is set back; theirs is left alone", () => {
    const news = { ...red, deletionProtection: false };
    expect(editsFrom(red, live({ "retention.ms": "20000", "segment.ms": "5" }), news)).toEqual([
      { kind: "config", key: "retention.ms", from: "20000", to: "1000", secret: false },
      { kind: "state", what: "deletionProtection true => false" },
    ]);
  });

  test("a value that is secret in the state is so in the edit", () => {
    const secret = { ...red, config: { "retention.ms": new Secret("1000") } };
    const [edit] = editsFrom(secret, live({ "retention.ms": "20000" }), longer);
    expect(edit).toMatchObject({ from: "20000", secret: true });
  });

  test("more partitions than are wanted are no more to be had", () => {
    const news = { ...red, config: {} };
    expect(shrinkFault(editsFrom(red, live({}, 4), news))).toMatch(/^4 cannot become 2: .*Keep 4;/);
  });
});

test("what a state has beyond the last inputs is told by what it is about", () => {
  const outputs = { ...red, partitions: 3, config: { "retention.ms": "9000" } };
  const told = editsOf(red, { ...red, config: {} });
  expect(editsBeyond(editsOf(outputs, { ...red, config: {} }), told)).toEqual([
    { kind: "partitions", from: 3, to: 2 },
  ]);
});
