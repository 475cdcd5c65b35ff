import fc from "fast-check";

import type { PartitionState, Reassignment } from "../../../../provider/admin/port";
import type { BrokerLoad, ReplicaFacts } from "../../../../provider/topic/assignment";
import {
  brokerLoads,
  notYet,
  planMoves,
  settledReplicas,
} from "../../../../provider/topic/assignment";

const broker = (id: number, replicas = 0, changes: Partial<BrokerLoad> = {}): BrokerLoad => ({
  id,
  fenced: false,
  replicas,
  leaders: 0,
  ...changes,
});
const partition = (
  number: number,
  replicas: readonly number[],
  changes: Partial<PartitionState> = {},
): PartitionState => ({
  partition: number,
  leader: replicas[0] ?? -1,
  replicas,
  isr: replicas,
  ...changes,
});
const facts = (changes: Partial<ReplicaFacts>): ReplicaFacts => ({
  topic: "red",
  partitions: [partition(0, [1, 2])],
  reassignments: [],
  brokers: [1, 2, 3, 4].map((id) => broker(id)),
  minInsyncReplicas: 1,
  ...changes,
});
const factor = (replicationFactor: number) => ({ replicationFactor });
const targets = (...args: Parameters<typeof planMoves>): (readonly number[])[] =>
  planMoves(...args).moves.map(({ to }) => to);

describe("raising", () => {
  test("adds the brokers that have the fewest replicas, then the fewest leaders", () => {
    const brokers = [broker(1, 9), broker(2, 9), broker(3, 5), broker(4, 5, { leaders: -1 })];
    expect(targets(factor(3), facts({ brokers }))).toEqual([[1, 2, 4]]);
    expect(targets(factor(4), facts({ brokers }))).toEqual([[1, 2, 4, 3]]);
  });

  test("counts what it has given, and keeps the order of what is there", () => {
    const partitions = [0, 1, 2, 3].map((number) => partition(number, [2, 1]));
    expect(targets(factor(3), facts({ partitions }))).toEqual([
      [2, 1, 3],
      [2, 1, 4],
      [2, 1, 3],
      [2, 1, 4],
    ]);
  });

  test("is refused where too few brokers serve, or one that has a replica does not", () => {
    const brokers = [broker(1), broker(2), broker(3, 0, { fenced: true })];
    expect(planMoves(factor(3), facts({ brokers })).refusals).toEqual([
      "replicationFactor: 3 replicas need as many brokers, and 2 serve: 1, 2. " +
        "Declare at most 2, or start more brokers.",
    ]);
    const partitions = [partition(0, [1, 3]), partition(1, [1, 9])];
    expect(
      planMoves(factor(3), facts({ brokers: [...brokers, broker(4)], partitions })).refusals,
    ).toEqual([
      "replicationFactor: broker 3, which has a replica of partition 0, is fenced: it does not serve. " +
        "Start it first.",
      "replicationFactor: there is no broker 9, which has a replica of partition 1, in the cluster, " +
        "which has 1, 2, 3, 4. Start it, or declare a placement without it.",
    ]);
  });
});

describe("lowering", () => {
  const three = (changes: Partial<PartitionState>) => [partition(0, [1, 2, 3], changes)];

  test("drops what is out of sync first, then the most loaded, never the leader", () => {
    const brokers = [broker(1, 9), broker(2, 5), broker(3, 7)];
    const lowered = (changes: Partial<PartitionState>) =>
      targets(factor(2), facts({ brokers, partitions: three(changes) }));
    expect(lowered({})).toEqual([[1, 2]]);
    expect(lowered({ isr: [1, 3] })).toEqual([[1, 3]]);
    // The preferred leader goes: the one that leads comes first.
    expect(lowered({ leader: 3 })).toEqual([[3, 2]]);
    // It stays: so does the order, and with it who is to lead.
    expect(lowered({ leader: 2, isr: [1, 2] })).toEqual([[1, 2]]);
  });

  test("below min ISR is refused, raising to less than it is not", () => {
    const { refusals } = planMoves(
      factor(1),
      facts({ partitions: three({}), minInsyncReplicas: 2 }),
    );
    expect(refusals).toEqual([
      expect.stringMatching(
        /^replicationFactor: 1 is below.*min\.insync\.replicas of 2.*Declare at least 2/,
      ),
    ]);
    const raised = facts({ partitions: [partition(0, [1])], minInsyncReplicas: 3 });
    expect(planMoves(factor(2), raised).refusals).toEqual([]);
  });
});

describe("a placement", () => {
  const want = (...placement: number[][]) => ({
    replicationFactor: placement[0]!.length,
    placement,
  });

  test("is taken literally, also where it is another order alone", () => {
    const partitions = [partition(0, [1, 2]), partition(1, [2, 1])];
    expect(planMoves(want([1, 2], [1, 2]), facts({ partitions })).moves).toEqual([
      { partition: 1, leader: 2, from: [2, 1], to: [1, 2] },
    ]);
  });

  test("with brokers that are not there, or fenced, is refused at its partition", () => {
    const brokers = [broker(1), broker(2), broker(3, 0, { fenced: true })];
    const partitions = [partition(0, [1, 2]), partition(1, [2, 1])];
    expect(planMoves(want([1, 3], [1, 7]), facts({ brokers, partitions })).refusals).toEqual([
      "placement[0]: broker 3 is fenced: it does not serve. Start it first, or name another one.",
      "placement[1]: there is no broker 7 in the cluster, which has 1, 2, 3. Name one of them.",
    ]);
  });
});

describe("moves under way", () => {
  const running: Reassignment = {
    topic: "red",
    partition: 0,
    replicas: [1, 3, 2],
    adding: [3],
    removing: [2],
  };
  const moving = (changes: Partial<ReplicaFacts> = {}) =>
    facts({ partitions: [partition(0, [1, 3, 2])], reassignments: [running], ...changes });

  test("are waited for where they lead to what is wanted", () => {
    expect(planMoves({ replicationFactor: 2, placement: [[1, 3]] }, moving())).toEqual({
      moves: [],
      underWay: [{ partition: 0, leader: 1, from: [1, 2], to: [1, 3] }],
      takeBack: [],
      refusals: [],
    });
    // Without a placement the number counts.
    expect(planMoves(factor(2), moving()).underWay).toHaveLength(1);
    expect(settledReplicas([partition(0, [1, 3, 2])], [running])).toEqual([[1, 3]]);
  });

  test("are taken back where they lead elsewhere, and planned from where they came", () => {
    expect(planMoves({ replicationFactor: 2, placement: [[1, 2]] }, moving())).toEqual({
      moves: [],
      underWay: [],
      takeBack: [0],
      refusals: [],
    });
    expect(planMoves(factor(3), moving())).toMatchObject({
      moves: [{ from: [1, 2], to: [1, 2, 3] }],
      takeBack: [0],
    });
  });
});

test("the same facts in another order give the same plan", () => {
  const ids = [1, 2, 3, 4, 5];
  const anyPartition = fc
    .record({
      replicas: fc.shuffledSubarray(ids, { minLength: 1, maxLength: 4 }),
      inSync: fc.integer({ min: 1, max: 4 }),
    })
    .map(({ replicas, inSync }) => ({ replicas, isr: replicas.slice(0, inSync) }));
  const loads = fc.array(fc.nat(9), { minLength: 5, maxLength: 5 });
  fc.assert(
    fc.property(
      fc.array(anyPartition, { minLength: 1, maxLength: 8 }),
      loads,
      fc.integer({ min: 1, max: 5 }),
      (states, replicas, wanted) => {
        const partitions = states.map((state, i) => partition(i, state.replicas, state));
        const brokers = ids.map((id, i) => broker(id, replicas[i]));
        const plan = planMoves(factor(wanted), facts({ partitions, brokers }));
        const reversed = facts({
          partitions: [...partitions].reverse(),
          brokers: [...brokers].reverse(),
        });
        expect(planMoves(factor(wanted), reversed)).toEqual(plan);
        for (const { leader, from, to } of plan.moves) {
          expect(new Set(to).size).toBe(wanted);
          expect(to).toContain(leader);
          // What stays keeps its order but for the leader, and nothing that fits is given up.
          expect(to.filter((id) => from.includes(id))).toHaveLength(Math.min(wanted, from.length));
          expect(to[0] === from[0] || to[0] === leader).toBe(true);
        }
      },
    ),
  );
});

test("brokers' loads count replicas and leaders of all topics", () => {
  const topics = [
    { topic: "red", partitions: [partition(0, [1, 2]), partition(1, [2, 1])] },
    { topic: "green", partitions: [partition(0, [2])] },
  ];
  const brokers = [2, 1, 3].map((id) => ({ id, fenced: id === 3 }));
  expect(brokerLoads(brokers, topics)).toEqual([
    { id: 1, fenced: false, replicas: 2, leaders: 1 },
    { id: 2, fenced: false, replicas: 3, leaders: 2 },
    { id: 3, fenced: true, replicas: 0, leaders: 0 },
  ]);
});

describe("a partition does not begin its move", () => {
  const brokers = [1, 2, 3, 4].map((id) => ({ id, fenced: id === 4 }));
  const move = (from: readonly number[], to: readonly number[]) => ({
    partition: 0,
    leader: 1,
    from,
    to,
  });

  test("while it has no leader, or a broker of its target does not serve", () => {
    expect(notYet(move([1, 2], [1, 3]), undefined, brokers, 1)).toMatch(
      /partition 0 has no leader/,
    );
    const leaderless = partition(0, [1, 2], { leader: -1 });
    expect(notYet(move([1, 2], [1, 3]), leaderless, brokers, 1)).toMatch(/has no leader/);
    expect(notYet(move([1, 2], [1, 4]), partition(0, [1, 2]), brokers, 1)).toBe(
      "broker 4 does not serve (partition 0)",
    );
    expect(notYet(move([1, 2], [1, 3]), partition(0, [1, 2]), brokers, 2)).toBeUndefined();
  });

  test("while too few replicas would be in sync at its end, unless it gets no worse", () => {
    const behind = partition(0, [1, 2, 3], { isr: [1, 3] });
    expect(notYet(move([1, 2, 3], [1, 2]), behind, brokers, 2)).toBe(
      "partition 0 would have 1 replicas in sync, and min.insync.replicas is 2",
    );
    expect(notYet(move([1, 2, 3], [1, 3]), behind, brokers, 2)).toBeUndefined();
    expect(notYet(move([1], [3]), partition(0, [1]), brokers, 2)).toBeUndefined();
  });
});
