import fc from "fast-check";

import type { ClusterView } from "../../../../provider/rollout/gates";
import {
  blockers,
  CAUGHT_UP_MS,
  irreplaceable,
  notBack,
  unready,
} from "../../../../provider/rollout/gates";

const options = { members: [1, 2, 3], caughtUpMs: CAUGHT_UP_MS };
const replica = (id: number, behindMs = 0, directoryId = `dir-${id}`) => ({
  id,
  directoryId,
  behindMs,
});
const identity = (nodeId: number, directoryId = `dir-${nodeId}`) => ({ nodeId, directoryId });
const healthy: ClusterView = {
  brokers: [1, 2, 3].map((id) => ({ id, fenced: false })),
  topics: [
    {
      topic: "red",
      partitions: [{ partition: 0, leader: 1, replicas: [1, 2, 3], isr: [1, 2, 3] }],
    },
  ],
  quorum: { leaderId: 1, voters: [1, 2, 3].map((id) => replica(id)), observers: [] },
};
const withIsr = (isr: number[], replicas = [1, 2, 3]): ClusterView => ({
  ...healthy,
  topics: [{ topic: "red", partitions: [{ partition: 0, leader: isr[0] ?? -1, replicas, isr }] }],
});

describe("before a restart", () => {
  test("a healthy cluster lets each broker go", () => {
    for (const id of options.members) expect(blockers(id, healthy, options)).toEqual([]);
  });

  test("another broker that is fenced, or unknown to the cluster", () => {
    const fenced = { ...healthy, brokers: [1, 2, 3].map((id) => ({ id, fenced: id === 2 })) };
    expect(blockers(1, fenced, options)).toEqual(["broker 2 does not serve"]);
    expect(blockers(2, fenced, options)).toEqual([]);
    const gone = { ...healthy, brokers: [1, 2].map((id) => ({ id, fenced: false })) };
    expect(blockers(1, gone, options)).toEqual(["broker 3 does not serve"]);
  });

  test("other replicas out of sync; its own do not count", () => {
    expect(blockers(1, withIsr([1, 2]), options)).toEqual([
      "other replicas are out of sync: red-0",
    ]);
    expect(blockers(3, withIsr([1, 2]), options)).toEqual([]);
    // One copy only: whoever asks for that accepts that it goes away.
    expect(blockers(1, withIsr([1], [1]), options)).toEqual([]);
  });

  test("a quorum that would lose its majority, or has no leader", () => {
    const voters = [1, 2, 3].map((id) => replica(id, id === 3 ? CAUGHT_UP_MS + 1 : 0));
    const thin = { ...healthy, quorum: { leaderId: 1, voters, observers: [] } };
    expect(blockers(2, thin, options)).toEqual([
      "without it 1 of 3 quorum voters are caught up, and 2 are needed",
    ]);
    expect(blockers(3, thin, options)).toEqual([]);
    const headless = { ...healthy, quorum: { leaderId: -1, voters, observers: [] } };
    expect(blockers(2, headless, options)).toEqual(["the quorum has no leader"]);
  });

  test("a voter alone may be restarted, and one that is no voter too", () => {
    const alone = { ...healthy, quorum: { leaderId: 1, voters: [replica(1)], observers: [] } };
    expect(blockers(1, alone, options)).toEqual([]);
    expect(blockers(2, alone, options)).toEqual([]);
  });

  test("a controller alone waits for the quorum, not for brokers and their partitions", () => {
    const voters = [7, 8, 9].map((id) => replica(id));
    const quorum = { leaderId: 7, voters, observers: [1, 2, 3].map((id) => replica(id)) };
    const ill = { ...withIsr([1]), brokers: [{ id: 1, fenced: true }], quorum };
    expect(blockers(8, ill, options)).toEqual([]);
    const slow = { ...quorum, voters: [replica(7), replica(8), replica(9, 9_999)] };
    expect(blockers(8, { ...ill, quorum: slow }, options)).toEqual([
      "without it 1 of 3 quorum voters are caught up, and 2 are needed",
    ]);
  });

  test("a broker that is no controller waits for its replicas, and for a quorum with a leader", () => {
    const voters = [7, 8, 9].map((id) => replica(id, id === 7 ? 0 : 9_999));
    const quorum = { leaderId: 7, voters, observers: [] };
    expect(blockers(1, { ...healthy, quorum }, options)).toEqual([]);
    expect(blockers(1, { ...withIsr([1, 2]), quorum }, options)).toEqual([
      "other replicas are out of sync: red-0",
    ]);
    expect(blockers(1, { ...healthy, quorum: { ...quorum, leaderId: -1 } }, options)).toEqual([
      "the quorum has no leader",
    ]);
  });

  test("the only controller has no empty disk to be given", () => {
    const only = { leaderId: 7, voters: [replica(7)], observers: [] };
    expect(irreplaceable(7, only)[0]).toMatch(/^it is the only controller/);
    expect(irreplaceable(1, only)).toEqual([]);
    expect(irreplaceable(1, healthy.quorum)).toEqual([]);
  });

  test("unready are fenced brokers, and voters that fall behind", () => {
    const voters = [replica(7), replica(8, CAUGHT_UP_MS + 1)];
    const view = {
      ...healthy,
      brokers: [1, 2].map((id) => ({ id, fenced: id === 2 })),
      quorum: { leaderId: 7, voters, observers: [] },
    };
    expect(unready(view, CAUGHT_UP_MS)).toEqual(new Set([2, 8]));
  });

  test("whatever the cluster: after a restart that passed the gate, all else is in sync and a majority votes", () => {
    const ids = fc.subarray([1, 2, 3]);
    fc.assert(
      fc.property(fc.constantFrom(1, 2, 3), ids, ids, ids, (node, fenced, isr, slow) => {
        const view: ClusterView = {
          ...withIsr(isr),
          brokers: [1, 2, 3].map((id) => ({ id, fenced: fenced.includes(id) })),
          quorum: {
            leaderId: 1,
            voters: [1, 2, 3].map((id) => replica(id, slow.includes(id) ? 9_999 : 0)),
            observers: [],
          },
        };
        if (blockers(node, view, options).length > 0) return;
        const others = [1, 2, 3].filter((id) => id !== node);
        expect(others.filter((id) => fenced.includes(id))).toEqual([]);
        expect(others.filter((id) => !isr.includes(id))).toEqual([]);
        expect(others.filter((id) => slow.includes(id))).toEqual([]);
      }),
    );
  });
});

describe("after a start", () => {
  test("back is: registered, unfenced, in sync, caught up", () => {
    expect(notBack(identity(1), healthy, options)).toEqual([]);
    const gone = { ...healthy, brokers: [] };
    expect(notBack(identity(1), gone, options)).toEqual(["it has not registered yet"]);
    const fenced = { ...healthy, brokers: [{ id: 1, fenced: true }] };
    expect(notBack(identity(1), fenced, options)).toEqual(["it is fenced: still loading its logs"]);
    const outOfSync = ["its replicas are out of sync: red-0"];
    expect(notBack(identity(3), withIsr([1, 2]), options)).toEqual(outOfSync);
    expect(notBack(identity(1), withIsr([1, 2]), options)).toEqual([]);
    const voters = [replica(1, Infinity)];
    const late = { ...healthy, quorum: { leaderId: 2, voters, observers: [] } };
    expect(notBack(identity(1), late, options)).toEqual([
      "its copy of the quorum's log has not caught up",
    ]);
  });

  test("a voter of the same id on a disk that is gone says nothing of the new process", () => {
    const voters = [replica(1), replica(2), replica(3, Infinity, "lost")];
    const view = { ...healthy, quorum: { leaderId: 1, voters, observers: [replica(3)] } };
    expect(notBack(identity(3), view, options)).toEqual([]);
    const alone = { ...healthy, quorum: { leaderId: 1, voters, observers: [] } };
    expect(notBack(identity(3), alone, options)).toEqual([
      "it does not follow the quorum's log yet",
    ]);
  });

  test("a controller that is no broker need not register as one", () => {
    const observers = [replica(9)];
    const view = { ...healthy, quorum: { ...healthy.quorum, observers } };
    expect(notBack(identity(9), view, options)).toEqual([]);
  });

  test("many partitions are summed up", () => {
    const partitions = Array.from({ length: 9 }, (_, partition) => ({
      partition,
      leader: 1,
      replicas: [1, 2],
      isr: [1],
    }));
    const view = { ...healthy, topics: [{ topic: "red", partitions }] };
    expect(notBack(identity(2), view, options)[0]).toMatch(
      /red-0, red-1, red-2, red-3, red-4, … \(9 in all\)/,
    );
  });
});
