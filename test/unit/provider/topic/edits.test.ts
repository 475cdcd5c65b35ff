import fc from "fast-check";

import { Secret, UNKNOWN } from "../../../../plugins/common/rpc";
import { cutsOf, editsOf } from "../../../../provider/topic/edits";

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
