import fc from "fast-check";

import type { Findings, Keys, Loss } from "../../../../provider/topic/changes";
import { changeLines, changesDiff, classify, isSerious } from "../../../../provider/topic/changes";
import type { Edit } from "../../../../provider/topic/edits";

const NONE: Findings = { losses: new Map() };
const line = (edit: Edit, findings: Partial<Findings> = {}): string[] =>
  classify([edit], { ...NONE, ...findings }).flatMap(changeLines);
const config = (key: string, from?: string, to?: string): Edit => ({
  kind: "config",
  key,
  from,
  to,
  secret: false,
});
const keys = (changes: Partial<Keys> = {}) => ({
  found: { records: 100n, keyed: 0, unkeyed: 0, ...changes },
});
const more: Edit = { kind: "partitions", from: 3, to: 6 };

describe("more partitions", () => {
  test("are safe without keys, remap what has some, and may do so where nobody was asked", () => {
    expect(line(more, { keys: keys({ records: 0n }) })).toEqual([
      "safe: 3 => 6 partitions; it is empty",
    ]);
    expect(line(more, { keys: keys({ unkeyed: 1 }) })).toEqual([
      "safe: 3 => 6 partitions; none of 1 sampled record has a key",
    ]);
    expect(line(more, { keys: keys({ keyed: 2, unkeyed: 3 }) })).toEqual([
      "remaps keys: 3 => 6 partitions; keys were found in 2 of 5 sampled records: new records of a key " +
        "may go to another partition than its old ones, so that their order is lost across the change",
    ]);
    expect(line(more, { keys: { leftOut: "no broker answers" } })).toEqual([
      "may remap keys: 3 => 6 partitions; whether its records have keys was not asked, since no broker answers",
    ]);
  });

  test("never are called safe once a key was seen", () => {
    fc.assert(
      fc.property(fc.nat(500), fc.nat(500), (keyed, unkeyed) => {
        const [said = ""] = line(more, { keys: keys({ keyed, unkeyed }) });
        return said.startsWith("remaps keys: ") === keyed > 0;
      }),
    );
  });
});

describe("a setting", () => {
  const cut = config("retention.ms", "604800000", "86400000");
  const loss = (changes: Partial<Loss> = {}) => ({
    losses: new Map([
      [
        "retention.ms",
        {
          found: { records: 12_345n, bytes: 3_355_443, segments: 3, exact: true, ...changes },
        },
      ],
    ]),
  });

  test("is safe where it loses nothing", () => {
    expect(line(cut)).toEqual(["safe: retention.ms 604800000 => 86400000"]);
    expect(line(cut, loss({ records: 0n }))).toEqual([
      "safe: retention.ms 604800000 => 86400000; it deletes nothing now",
    ]);
    expect(line(config("segment.ms", "5"))).toEqual([
      "safe: segment.ms 5 => (the brokers' default)",
    ]);
  });

  test("that cuts tells records, bytes and segments", () => {
    expect(line(cut, loss())).toEqual([
      "destroys: retention.ms 604800000 => 86400000; 12,345 records, about 3.2 MiB in about 3 segments, " +
        "are beyond that now. Kafka deletes whole segments, each once all its records are",
    ]);
    expect(line(cut, loss({ records: 1n, segments: 1, exact: false }))[0]).toMatch(
      /; about 1 record, about 3\.2 MiB in about 1 segment, is beyond/,
    );
    expect(
      line(cut, { losses: new Map([["retention.ms", { leftOut: "no answer came" }]]) }),
    ).toEqual([
      "may destroy: retention.ms 604800000 => 86400000; what it deletes was not counted, since no answer came",
    ]);
  });

  test("that is secret stays so", () => {
    const secret: Edit = { kind: "config", key: "retention.ms", from: "1", to: "2", secret: true };
    expect(line(secret)).toEqual(["safe: retention.ms, whose values are secret"]);
  });

  const byDefault = (key: string, found: string | undefined) => ({
    defaults: new Map([[key, { found }]]),
  });
  const unasked = (key: string) => ({
    defaults: new Map([[key, { leftOut: "no broker answers" }]]),
  });

  test("leaders that lack records may lose them, once that is allowed", () => {
    const key = "unclean.leader.election.enable";
    for (const from of [undefined, "false"]) {
      expect(line(config(key, from, "true"))[0]).toMatch(
        /^may destroy: unclean.* => true; where no/,
      );
    }
    expect(line(config(key, "TRUE", "true"))[0]).toMatch(/^safe: /);
    expect(line(config(key, "true", "false"))[0]).toMatch(/^safe: /);
    expect(line(config(key, "true"), byDefault(key, "false"))[0]).toMatch(/^safe: /);
    expect(line(config(key, undefined, "true"), byDefault(key, "true"))[0]).toMatch(/^safe: /);
  });

  test("leaders that lack records: a false that goes leaves what the brokers say", () => {
    const key = "unclean.leader.election.enable";
    const goes = config(key, "false");
    expect(line(goes, byDefault(key, "false"))).toEqual([
      "safe: unclean.leader.election.enable false => (the brokers' default)",
    ]);
    expect(line(goes, byDefault(key, "true"))).toEqual([
      "may destroy: unclean.leader.election.enable false => (the brokers' default); where no replica in sync " +
        "is left, one that is behind leads, at once, and what it lacks is lost",
    ]);
    expect(line(goes, unasked(key))).toEqual([
      "may destroy: unclean.leader.election.enable false => (the brokers' default); where no replica in sync " +
        "is left, one that is behind leads, at once, and what it lacks is lost, if they have it so: their " +
        "default was not asked, since no broker answers",
    ]);
  });

  const MIN_ISR = "min.insync.replicas";

  test("min.insync.replicas blocks writes above what is in sync, and nowhere else", () => {
    const thinnest = { found: { partition: 4, inSync: 2 } };
    expect(line(config(MIN_ISR, "1", "2"), { thinnest })).toEqual([
      "safe: min.insync.replicas 1 => 2",
    ]);
    const goes = { thinnest, ...byDefault(MIN_ISR, "3") };
    expect(line(config(MIN_ISR, "1"), goes)[0]).toMatch(/^blocks writes: /);
    const unseen = { thinnest: { leftOut: "no broker answers" } };
    expect(line(config(MIN_ISR, "1", "2"), unseen)).toEqual([
      "may block writes: min.insync.replicas 1 => 2; how many replicas are in sync was not asked, since no broker answers",
    ]);
    expect(line(config(MIN_ISR, "1", "3"), { thinnest })).toEqual([
      "blocks writes: min.insync.replicas 1 => 3; partition 4 has 2 replicas in sync: writes with " +
        "acks=all are refused until there are enough",
    ]);
  });

  test("a lower min.insync.replicas weakens what is written, by the brokers' default too", () => {
    expect(line(config(MIN_ISR, "3", "2"))).toEqual([
      "weakens writes: min.insync.replicas 3 => 2; writes with acks=all are taken with 2 replicas in sync, " +
        "where 3 were needed: what so few have is lost with them",
    ]);
    expect(line(config(MIN_ISR, "2"), byDefault(MIN_ISR, "1"))).toEqual([
      "weakens writes: min.insync.replicas 2 => (the brokers' default); writes with acks=all are taken with " +
        "1 replica in sync, where 2 were needed: what so few have is lost with them",
    ]);
    expect(line(config(MIN_ISR, undefined, "1"), byDefault(MIN_ISR, "2"))[0]).toMatch(
      /^weakens writes: .*with 1 replica in sync, where 2 were/,
    );
    expect(line(config(MIN_ISR, "2"), byDefault(MIN_ISR, "2"))[0]).toMatch(/^safe: /);
    expect(line(config(MIN_ISR, undefined, "2"), byDefault(MIN_ISR, "1"))[0]).toMatch(/^safe: /);
    const secret: Edit = { kind: "config", key: MIN_ISR, from: "7", to: "4", secret: true };
    const [said = ""] = line(secret);
    expect(said).toMatch(/^weakens writes: .*with fewer replicas in sync than before: /);
    expect(said).not.toMatch(/[47]/);
  });

  test("a min.insync.replicas whose other end nobody told may do either", () => {
    const silent = { thinnest: { leftOut: "no broker answers" }, ...unasked(MIN_ISR) };
    expect(line(config(MIN_ISR, "2"), silent)).toEqual([
      "may block writes: min.insync.replicas 2 => (the brokers' default); how many replicas are in sync was not " +
        "asked, since no broker answers",
      "may weaken writes: min.insync.replicas 2 => (the brokers' default); whether fewer replicas suffice than " +
        "before was not asked, since no broker answers",
    ]);
    // No topic has less than one.
    expect(line(config(MIN_ISR, "1"), silent).join()).not.toMatch(/weaken/);
    expect(line(config(MIN_ISR, undefined, "3"), silent)[1]).toMatch(/^may weaken writes: /);
    const half = { thinnest: { found: { partition: 0, inSync: 1 } }, ...unasked(MIN_ISR) };
    expect(line(config(MIN_ISR, "1"), half)).toEqual([
      "may block writes: min.insync.replicas 1 => (the brokers' default); how many replicas a write then needs " +
        "was not asked, since no broker answers",
    ]);
    // Replicas move in the same edit: how many are in sync is theirs to say.
    expect(line(config(MIN_ISR, "2"), unasked(MIN_ISR))).toEqual([
      expect.stringMatching(/^may weaken writes: /),
    ]);
  });

  test("min.insync.replicas: fewer than before are never called safe", () => {
    const level = fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined });
    fc.assert(
      fc.property(level, level, fc.integer({ min: 1, max: 4 }), (from, to, others) => {
        fc.pre(from !== to);
        const edit = config(MIN_ISR, from?.toString(), to?.toString());
        const [said = ""] = line(edit, {
          ...byDefault(MIN_ISR, String(others)),
          thinnest: { found: { partition: 0, inSync: 4 } },
        });
        return said.startsWith("weakens writes: ") === (to ?? others) < (from ?? others);
      }),
    );
  });

  test("compaction keeps the newest of each key, and nothing without one", () => {
    const compact = config("cleanup.policy", "delete", "compact,delete");
    expect(line(compact, { keys: keys({ records: 0n }) })[0]).toMatch(/^safe: .*it is empty$/);
    expect(line(compact, { keys: keys({ keyed: 5 }) })[0]).toMatch(
      /^destroys: .*of each key only the newest record is kept$/,
    );
    expect(line(compact, { keys: keys({ keyed: 5, unkeyed: 1 }) })[0]).toMatch(
      /^destroys: .*1 of 6 sampled records have none: brokers refuse/,
    );
    expect(line(compact, { keys: { leftOut: "no broker answers" } })[0]).toMatch(/^may destroy: /);
    expect(line(config("cleanup.policy", "compact", "compact,delete"))[0]).toMatch(/^safe: /);
  });
});

test("replicas: what it comes to, then each partition", () => {
  const edit: Edit = { kind: "replicas", what: "replication factor 2 => 3" };
  const found = {
    cost: "in all: 5 MiB to copy",
    copies: true,
    byPartition: ["partition 0: 1 => 2"],
  };
  expect(line(edit, { moves: { found } })).toEqual([
    "moves data: replication factor 2 => 3; in all: 5 MiB to copy",
    "moves data: partition 0: 1 => 2",
  ]);
  const idle = { cost: "in all: nothing to copy", copies: false, byPartition: [] };
  expect(line(edit, { moves: { found: idle } })).toEqual([
    "safe: replication factor 2 => 3; in all: nothing to copy",
  ]);
  expect(line(edit)).toEqual(["moves data: replication factor 2 => 3; how much was not asked"]);
});

test("a rename is said to be a destroy and a create", () => {
  const edit: Edit = { kind: "name", from: "red", to: "blue" };
  const stake = {
    kind: "there",
    topicId: "x",
    partitions: 2,
    records: 12n,
    bytes: undefined,
    compacted: false,
  } as const;
  expect(line(edit, { stake: { found: stake } })).toEqual([
    "destroys: name red => blue: a rename is a destroy and a create. blue is made empty, and red is destroyed with its 12 records in 2 partitions",
  ]);
  expect(line(edit)[0]).toMatch(/^destroys: .*what it holds was not asked$/);
});

test("only what is safe or not known yet is no warning", () => {
  const classes = [
    "safe",
    "not known yet",
    "moves data",
    "blocks writes",
    "may remap keys",
  ] as const;
  const serious = ["remaps keys", "may destroy", "destroys"] as const;
  expect([...classes, ...serious].filter((is) => isSerious({ is, what: "" }))).toEqual([
    ...classes.slice(2),
    ...serious,
  ]);
});

test("every edit has a line, whatever was found", () => {
  const answer = <T>(found: fc.Arbitrary<T>) =>
    fc.option(
      fc.oneof(
        found.map((one) => ({ found: one })),
        fc.constant({ leftOut: "x" }),
      ),
      {
        nil: undefined,
      },
    );
  const edit = fc.oneof(
    fc.record({
      kind: fc.constant("partitions" as const),
      from: fc.integer({ min: 1, max: 9 }),
      to: fc.integer({ min: 1, max: 9 }),
    }),
    fc.record({
      kind: fc.constant("config" as const),
      key: fc.constantFrom("retention.ms", "cleanup.policy", "min.insync.replicas", "flush.ms"),
      from: fc.constantFrom(undefined, "1", "compact"),
      to: fc.constantFrom(undefined, "2", "delete"),
      secret: fc.boolean(),
    }),
    fc.record({ kind: fc.constant("unknown" as const), property: fc.string() }),
    fc.record({ kind: fc.constant("state" as const), what: fc.string() }),
  );
  const sampled = fc.record({
    records: fc.bigInt({ min: 0n }),
    keyed: fc.nat(),
    unkeyed: fc.nat(),
  });
  fc.assert(
    fc.property(fc.array(edit), answer(sampled), (edits, found) => {
      const changes = classify(edits, found === undefined ? NONE : { ...NONE, keys: found });
      expect(changes).toHaveLength(edits.length);
      for (const change of changes) {
        expect(changeLines(change)[0]).toBe(`${change.is}: ${change.what}`);
      }
    }),
  );
});

test("the lines show where they are others than before", () => {
  expect(changesDiff({ changes: ["safe: a"] }, { changes: ["safe: a"] })).toEqual({});
  expect(changesDiff({}, {})).toEqual({});
  const shown = { changes: { kind: "add", inputDiff: true } };
  expect(changesDiff({}, { changes: ["safe: a"] })).toEqual(shown);
  expect(changesDiff({ changes: ["safe: a"] }, { changes: ["safe: b"] })).toEqual(shown);
});
