import fc from "fast-check";

import { UNKNOWN } from "../../../../plugins/common/rpc";
import type { Verdict } from "../../../../provider/topic/destruction";
import {
  changeOfSet,
  checkTopicSet,
  idleConsents,
  refusalText,
  warnings,
} from "../../../../provider/topic-set/plan";

const judged = (name: string, verdict: Verdict) => ({
  topic: { name, topicId: `id-${name}`, protected: true },
  verdict,
});
const refused = (name: string) =>
  judged(name, { kind: "refused", why: `${name} is full.`, empty: false });

test("what is no set of topics is refused at its property", () => {
  expect(checkTopicSet({ topics: { red: "X", blue: UNKNOWN } })).toEqual([]);
  expect(checkTopicSet({ topics: UNKNOWN, unprotected: UNKNOWN })).toEqual([]);
  expect(
    checkTopicSet({ topics: { red: 5 }, unprotected: [5] }).map(({ property }) => property),
  ).toEqual(["topics.red", "unprotected"]);
  expect(checkTopicSet({})).toHaveLength(1);
});

test("those leave that the state has and the program has not; the rest is none of its business", () => {
  const olds = { topics: { red: "X", blue: "Y", grey: "Z" }, unprotected: ["grey"] };
  expect(changeOfSet(olds, { topics: { blue: UNKNOWN, green: UNKNOWN } })).toEqual({
    leaving: [
      { name: "red", topicId: "X", protected: true },
      { name: "grey", topicId: "Z", protected: false },
    ],
    appearing: ["green"],
  });
  expect(changeOfSet(olds, { topics: UNKNOWN })).toEqual({ leaving: [], appearing: [] });
  expect(changeOfSet({}, { topics: { red: "X" } }).leaving).toEqual([]);
});

test("leaving and appearing are differences of sets", () => {
  const names = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d", "e"));
  const topics = (list: string[]) => ({
    topics: Object.fromEntries(list.map((one) => [one, "i"])),
  });
  fc.assert(
    fc.property(names, names, (before, after) => {
      const { leaving, appearing } = changeOfSet(topics(before), topics(after));
      expect(leaving.map(({ name }) => name)).toEqual(before.filter((one) => !after.includes(one)));
      expect(appearing).toEqual(after.filter((one) => !before.includes(one)));
    }),
  );
});

test("all that must stay stand in one error, and a rename is said to be none", () => {
  expect(refusalText([], ["new"])).toBeUndefined();
  expect(refusalText([refused("red"), refused("blue")], [])).toBe(
    "nothing was changed:\n  topics.red: red is full.\n  topics.blue: blue is full.",
  );
  expect(refusalText([refused("red")], ["crimson"])).toMatch(
    /crimson would be made in the same edit: .* a destroy and a create to Kafka, and the records of red do not move/,
  );
  // What holds none has none to move.
  const bare = judged("bare", { kind: "refused", why: "it is protected.", empty: true });
  expect(refusalText([refused("red"), bare], ["crimson"])).toMatch(
    /the records of red do not move/,
  );
  expect(refusalText([bare], ["crimson"])).not.toMatch(/crimson/);
});

test("what goes is told with its class, and what went is told to be gone", () => {
  const lines = warnings(
    [
      judged("red", { kind: "allowed", why: "it is empty", empty: true }),
      judged("blue", { kind: "nothing there" }),
    ],
    [],
  );
  expect(lines).toEqual([
    "destroys: topics.red: it is empty",
    "topics.blue: it is gone from the cluster already",
  ]);
});

test("a consent for nothing is told; one for a topic that stays or goes is not", () => {
  const olds = { topics: { red: "X" } };
  expect(idleConsents(new Set(["X"]), olds, { topics: {} })).toEqual([]);
  expect(idleConsents(new Set(["X"]), { topics: {} }, { topics: { red: "X" } })).toEqual([]);
  expect(idleConsents(new Set(["W", "X", "V"]), olds, olds)).toEqual([
    "deleteTopics has V, W, which are ids of no topic that the stack has: once what it was for is gone, remove it there",
  ]);
});
