import fc from "fast-check";

import type { Quorum, QuorumReplica } from "../../../../provider/admin/port";
import { planVoters, unfinishedVotes, type VoterStep } from "../../../../provider/rollout/voters";

const LIMIT = 2_000;
const replica = (id: number, directoryId = `old-${id}`, behindMs = 0): QuorumReplica => ({
  id,
  directoryId,
  behindMs,
});
const wanted = (id: number, directoryId = `old-${id}`) => ({
  host: `broker-${id}`,
  voter: { id, directoryId, listener: "CONTROLLER", endpoint: `broker-${id}:9093` },
});
const all = [wanted(1), wanted(2, "new-2"), wanted(3)];
const dead = replica(2, "old-2", 99_999);

test("voters that are as wanted need no step; strangers are left alone", () => {
  const voters = [replica(1), replica(2), replica(3), replica(7, "stranger", 99_999)];
  const quorum = { leaderId: 1, voters, observers: [replica(8)] };
  expect(planVoters([wanted(1), wanted(2), wanted(3)], quorum, LIMIT)).toEqual({ kind: "done" });
});

test("the old voter leaves before the new one joins, once the new one has caught up", () => {
  const voters = [replica(1), dead, replica(3)];
  const late = { leaderId: 1, voters, observers: [replica(2, "new-2", 2_001)] };
  expect(planVoters(all, late, LIMIT)).toEqual({
    kind: "wait",
    reasons: ["broker-2: its copy of the quorum's log has not caught up"],
  });
  const ready = { ...late, observers: [replica(2, "new-2", 2_000)] };
  expect(planVoters(all, ready, LIMIT)).toEqual({ kind: "remove", host: "broker-2", voter: dead });
  const between = { ...ready, voters: [replica(1), replica(3)] };
  expect(planVoters(all, between, LIMIT)).toMatchObject({ kind: "add", host: "broker-2" });
});

test("nobody is removed while what remains would have no majority", () => {
  const voters = [replica(1), dead, replica(3, "old-3", 99_999)];
  const quorum = { leaderId: 1, voters, observers: [replica(2, "new-2")] };
  expect(planVoters(all, quorum, LIMIT)).toEqual({
    kind: "wait",
    reasons: ["broker-2: without voter 2 only 1 of 2 voters are caught up"],
  });
});

test("what is left of a change is told in words, and nothing where the voters are as wanted", () => {
  const voters = [replica(1), dead, replica(3), replica(7, "stranger")];
  const quorum = { leaderId: 1, voters, observers: [] };
  expect([...unfinishedVotes([wanted(1), wanted(2), wanted(3)], quorum)]).toEqual([]);
  expect([...unfinishedVotes(all, quorum)]).toEqual([
    ["broker-2", "voter 2 with directory old-2 is still to leave the quorum, and new-2 to join"],
  ]);
  const between = { ...quorum, voters: [replica(1), replica(3)] };
  expect([...unfinishedVotes(all, between)]).toEqual([
    ["broker-2", "node 2 is still to join the quorum's voters, with directory new-2"],
  ]);
});

/** What the leader makes of a step. */
function after(quorum: Quorum, step: VoterStep): Quorum {
  const { voters, observers } = quorum;
  const isSame = (one: QuorumReplica, other: { id: number; directoryId: string }): boolean =>
    one.id === other.id && one.directoryId === other.directoryId;
  if (step.kind === "remove") {
    return { ...quorum, voters: voters.filter((one) => !isSame(one, step.voter)) };
  }
  if (step.kind !== "add") return quorum;
  const { id, directoryId } = step.voter;
  if (voters.some((one) => one.id === id)) throw new Error("DUPLICATE_VOTER");
  return {
    ...quorum,
    voters: [...voters, replica(id, directoryId)],
    observers: observers.filter((one) => !isSame(one, step.voter)),
  };
}

test("whatever was swapped: the steps end at the wanted voters, and a majority is caught up after each", () => {
  const nodes = fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 7 });
  fc.assert(
    fc.property(nodes, fc.array(fc.boolean()), (ids, swapped) => {
      const isSwapped = (index: number): boolean => swapped[index] === true;
      const goal = ids.map((id, index) => wanted(id, isSwapped(index) ? `new-${id}` : `old-${id}`));
      let quorum: Quorum = {
        leaderId: ids[0]!,
        voters: ids.map((id, index) => replica(id, `old-${id}`, isSwapped(index) ? 99_999 : 0)),
        observers: ids.filter((_, index) => isSwapped(index)).map((id) => replica(id, `new-${id}`)),
      };
      const living = quorum.voters.filter(({ behindMs }) => behindMs === 0).length;
      // A quorum without a majority answers no change at all.
      fc.pre(living > ids.length / 2);
      for (let steps = 0; ; steps++) {
        const step = planVoters(goal, quorum, LIMIT);
        if (step.kind === "done") break;
        expect(step.kind).not.toBe("wait");
        expect(steps).toBeLessThanOrEqual(2 * ids.length);
        quorum = after(quorum, step);
        const caughtUp = quorum.voters.filter(({ behindMs }) => behindMs <= LIMIT).length;
        expect(caughtUp).toBeGreaterThan(quorum.voters.length / 2);
      }
      expect(quorum.voters.map(({ id, directoryId }) => `${id} ${directoryId}`).sort()).toEqual(
        goal.map(({ voter }) => `${voter.id} ${voter.directoryId}`).sort(),
      );
    }),
  );
});
