import fc from "fast-check";

import type { LiveTopic } from "../../../../provider/admin/port";
import { KafkaError } from "../../../../provider/admin/port";
import type { Stake } from "../../../../provider/topic/destruction";
import { judgeDestruction, stakeOf, stakeText } from "../../../../provider/topic/destruction";

const there = (changes: object = {}): Stake => ({
  kind: "there",
  topicId: "X",
  partitions: 3,
  records: 12_345n,
  bytes: 3_355_443,
  compacted: false,
  ...changes,
});
const red = { name: "red", topicId: "X", protected: false };
const NOBODY = new Set<string>();

test("a topic that holds records goes by consent to its id alone", () => {
  expect(judgeDestruction(red, there(), NOBODY)).toEqual({
    kind: "refused",
    empty: false,
    why:
      "destroying it (id X) would lose 12,345 records, 3.2 MiB in 3 partitions. To do so add X to " +
      "`deleteTopics` (the provider's deletionConsents); else put it back.",
  });
  expect(judgeDestruction(red, there(), new Set(["Y"]))).toMatchObject({ kind: "refused" });
  expect(judgeDestruction({ ...red, protected: true }, there(), new Set(["X"]))).toEqual({
    kind: "allowed",
    empty: false,
    why: "its 12,345 records, 3.2 MiB in 3 partitions are lost; its id X has consent",
  });
});

test("an empty one goes unless it is protected; what is gone needs nobody's leave", () => {
  const empty = there({ records: 0n });
  expect(judgeDestruction(red, empty, NOBODY)).toEqual({
    kind: "allowed",
    why: "it is empty",
    empty: true,
  });
  expect(judgeDestruction({ ...red, protected: true }, empty, NOBODY)).toMatchObject({
    kind: "refused",
    why: expect.stringMatching(
      /^it is empty \(id X\), and its deletionProtection is on\. To do so set its .* or add X to/,
    ) as string,
  });
  expect(judgeDestruction(red, { kind: "gone" }, NOBODY)).toEqual({ kind: "nothing there" });
});

test("one that was made again is another one, whatever was consented to", () => {
  const verdict = judgeDestruction(red, there({ topicId: "Y" }), new Set(["X", "Y"]));
  expect(verdict).toMatchObject({
    kind: "refused",
    why: expect.stringMatching(
      /another one than the stack knows.*is Y, not X.*pulumi refresh/,
    ) as string,
  });
});

test("what was not counted is refused without consent, and says why", () => {
  const unseen = { unknown: "no broker answers" };
  expect(judgeDestruction(red, unseen, NOBODY)).toEqual({
    kind: "refused",
    empty: false,
    why:
      "what destroying it (id X) would lose was not counted, since no broker answers. To do so all the same " +
      "add X to `deleteTopics` (the provider's deletionConsents); else put it back, or try again when the cluster answers.",
  });
  expect(judgeDestruction(red, unseen, new Set(["X"]))).toMatchObject({ kind: "allowed" });
});

test("what was not counted, but seen, is judged by the id that it has by now", () => {
  const unseen = { unknown: "partition 0 has no leader", topicId: "Y" };
  expect(judgeDestruction(red, unseen, new Set(["X", "Y"]))).toMatchObject({
    kind: "refused",
    why: expect.stringMatching(/its id is Y, not X, and it holds what was not counted/) as string,
  });
  const old = { ...red, topicId: "" };
  expect(judgeDestruction(old, unseen, NOBODY)).toMatchObject({ kind: "refused" });
  expect(judgeDestruction(old, unseen, new Set(["Y"]))).toMatchObject({ kind: "allowed" });
});

test("without ids, no protection is what counts, and it is said", () => {
  const old = { ...red, topicId: "" };
  const stake = there({ topicId: "" });
  expect(judgeDestruction(old, stake, NOBODY)).toMatchObject({
    kind: "allowed",
    why: expect.stringMatching(
      /deletionProtection is off, which counts since its brokers know no/,
    ) as string,
  });
  expect(judgeDestruction({ ...old, protected: true }, stake, new Set([""]))).toMatchObject({
    kind: "refused",
    why: expect.stringMatching(
      /would lose 12,345.*To do so set its deletionProtection to false/,
    ) as string,
  });
  // Brokers that were raised since have given it an id, by which it is judged.
  expect(judgeDestruction(old, there(), NOBODY)).toMatchObject({ kind: "refused" });
  expect(judgeDestruction(old, there(), new Set(["X"]))).toMatchObject({ kind: "allowed" });
});

test("records never go without consent or, where there are no ids, without protection off", () => {
  const id = fc.constantFrom("", "X", "Y");
  fc.assert(
    fc.property(
      id,
      id,
      fc.boolean(),
      fc.bigInt({ min: 0n, max: 3n }),
      fc.subarray(["X", "Y"]),
      fc.boolean(),
      (known, live, guarded, records, consents, counted) => {
        const stake = counted
          ? there({ topicId: live, records })
          : { unknown: "partition 0 has no leader", topicId: live };
        const state = { name: "red", topicId: known, protected: guarded };
        const { kind } = judgeDestruction(state, stake, new Set(consents));
        if (kind !== "allowed") return;
        expect(known === "" || known === live).toBe(true);
        const consented = live !== "" && consents.includes(live);
        expect(consented || (!guarded && ((counted && records === 0n) || live === ""))).toBe(true);
      },
    ),
  );
});

describe("what is at stake", () => {
  const live: LiveTopic = {
    topic: "red",
    topicId: "X",
    partitions: [0, 1].map((partition) => ({
      partition,
      leader: 1,
      replicas: [1, 2],
      isr: [1, 2],
    })),
    config: { "cleanup.policy": "compact,delete" },
    minInsyncReplicas: 1,
  };
  const admin = (
    replicaSizes: () => Promise<ReadonlyMap<number, ReadonlyMap<string, number>>>,
  ) => ({
    describeTopic: (name: string) => Promise.resolve(name === "red" ? live : undefined),
    offsets: (_topic: string, _partitions: readonly number[], at: unknown) =>
      Promise.resolve(
        new Map([
          [0, at === "latest" ? 9n : 4n],
          [1, 7n],
        ]),
      ),
    replicaSizes,
  });

  test("is counted between the ends of the log, one replica of each partition", async () => {
    const sizes = new Map([
      [
        1,
        new Map([
          ["red-0", 100],
          ["red-1", 20],
        ]),
      ],
      [2, new Map([["red-0", 90]])],
    ]);
    const stake = await stakeOf(
      admin(() => Promise.resolve(sizes)),
      "red",
    );
    expect(stake).toEqual(there({ partitions: 2, records: 5n, bytes: 120, compacted: true }));
    expect(stakeText(stake)).toBe("up to 5 records, 120 B in 2 partitions");
  });

  test("leaves the bytes out where no broker tells them, and nothing else", async () => {
    const refused = () => Promise.reject(new KafkaError("refused", "no"));
    const stake = await stakeOf(admin(refused), "red");
    expect(stakeText(stake)).toBe("up to 5 records in 2 partitions");
    const bug = () => Promise.reject(new Error("a bug"));
    await expect(stakeOf(admin(bug), "red")).rejects.toThrow("a bug");
    expect(await stakeOf(admin(refused), "blue")).toEqual({ kind: "gone" });
  });
});
