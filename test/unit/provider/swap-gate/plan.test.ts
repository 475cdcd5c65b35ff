import type { QuorumReplica } from "../../../../provider/admin/port";
import type { GateHost, LiveCluster, Swap, SwapFacts } from "../../../../provider/swap-gate/plan";
import {
  plannedSwaps,
  readdressed,
  swapRefusals,
  swapSteps,
} from "../../../../provider/swap-gate/plan";
import { gateBroker, gateLogin } from "../../../support/gate-hosts";

const client: GateHost = { ...gateBroker(4), host: "client-1", kafka: undefined };
const lab = [gateBroker(1), gateBroker(2), gateBroker(3), client];

const CLUSTER = "BBBBBBBBBBBBBBBBBBBBBB";
const replica = (id: number, behindMs = 0): QuorumReplica => ({
  id,
  directoryId: `dir-${id}`,
  behindMs,
});
const alive = (voters = [1, 2, 3].map((id) => replica(id)), fenced: number[] = []) =>
  ({
    kind: "view",
    clusterId: CLUSTER,
    view: {
      brokers: [1, 2, 3].map((id) => ({ id, fenced: fenced.includes(id) })),
      topics: [
        {
          topic: "red",
          partitions: [{ partition: 0, leader: 1, replicas: [1, 2, 3], isr: [1, 3] }],
        },
      ],
      quorum: { leaderId: 1, voters, observers: [] },
    },
  }) as const satisfies LiveCluster;
const gone: SwapFacts = { former: "silent", serving: [], disk: { kind: "blank" } };

const swapOf = (id: number, machine: number): Swap => ({
  before: gateBroker(id),
  after: gateBroker(id, machine),
});
function refusals(
  swaps: readonly Swap[],
  live: LiveCluster = alive(),
  facts: Partial<SwapFacts> = {},
): string[] {
  const all = lab.map((one) => swaps.find(({ after }) => after.host === one.host)?.after ?? one);
  const seen = new Map(swaps.map(({ after }) => [after.host, { ...gone, ...facts }]));
  return swapRefusals(swaps, all, seen, live);
}

describe("what is a swap", () => {
  test("another disk, or one that is not known yet; an address alone is none", () => {
    expect(plannedSwaps(lab, lab)).toEqual([]);
    const moved = [gateBroker(1), gateBroker(2, 7), gateBroker(3), client];
    expect(plannedSwaps(lab, moved)).toEqual([swapOf(2, 7)]);
    const made = { ...gateBroker(2, 7), disk: undefined, login: undefined };
    expect(plannedSwaps(lab, [made])).toEqual([{ before: gateBroker(2), after: made }]);
    const readdressedOnly = { ...gateBroker(2), login: gateLogin(9) };
    expect(plannedSwaps(lab, [readdressedOnly])).toEqual([]);
    // A host that was not there before is not swapped.
    expect(plannedSwaps([gateBroker(1)], lab)).toEqual([]);
  });

  test("addresses that change, but for machines that the stack makes anew with them", () => {
    const listeners = ["10.0.42.9:9092", "10.0.42.9:9093"];
    const moved = { ...gateBroker(2), kafka: { nodeId: 2, broker: true, listeners } };
    expect(readdressed(lab, [gateBroker(1), moved, gateBroker(3), client])).toEqual(["broker-2"]);
    expect(readdressed(lab, [{ ...moved, made: true }])).toEqual([]);
    // Nobody looks for a controller at a broker that is none.
    const alone = (listener: string) =>
      ({ ...gateBroker(2), kafka: { nodeId: 2, broker: true, listeners: [listener] } }) as const;
    expect(readdressed([alone("10.0.42.2:9092")], [alone("10.0.42.9:9092")])).toEqual([]);
  });
});

describe("a controller alone", () => {
  const controller = (id: number, machine = id): GateHost => ({
    ...gateBroker(id, machine),
    host: `controller-${id}`,
    kafka: { nodeId: id, broker: false, listeners: [`10.0.42.${machine}:9093`] },
  });
  const swap: Swap = { before: controller(7), after: controller(7, 9) };
  const facts = new Map([["controller-7", gone]]);
  const of = (voters: QuorumReplica[], fenced: number[] = []) =>
    swapRefusals([swap], [...lab, controller(7, 9), controller(8)], facts, alive(voters, fenced));

  test("goes by the quorum: a broker that is down keeps it from nothing", () => {
    const voters = [replica(7, 99_999), replica(8), replica(9)];
    expect(of(voters, [2])).toEqual([]);
    expect(of([replica(7), replica(8, 9_999), replica(9)]).join()).toMatch(
      /^controller-7: without it 1 of 3 quorum voters are caught up, and 2 are needed/,
    );
  });

  test("is not given an empty disk while it is the only one", () => {
    expect(of([replica(7)])).toEqual([
      expect.stringMatching(/^controller-7: it is the only controller: .* would be lost\. Put its/),
    ]);
  });

  test("has no replicas to fill", () => {
    const steps = swapSteps(swap, gone, alive([7, 8, 9].map((id) => replica(id))));
    expect(steps[0]).toMatch(/^safe to begin: voters 8 .*, 9 .*; it keeps no partitions$/);
    expect(steps).toContain("started; it catches up");
    expect(steps.at(-1)).toBe("voter 7 joins with its new directory");
  });
});

describe("refused", () => {
  test("not, where the others can do without it; its own broken state is no reason", () => {
    const dead = alive([replica(1), replica(2, 99_999), replica(3)], [2]);
    expect(refusals([swapOf(2, 7)], dead)).toEqual([]);
  });

  test("while another broker, its replicas or its vote would be missed", () => {
    const reasons = refusals(
      [swapOf(3, 7)],
      alive([replica(1), replica(2, 9_999), replica(3)], [2]),
    );
    expect(reasons.join("\n")).toMatch(/broker-3: broker 2 does not serve\. Wait until/);
    expect(reasons.join("\n")).toMatch(/broker-3: other replicas are out of sync: red-0/);
    expect(reasons.join("\n")).toMatch(/without it 1 of 3 quorum voters are caught up, and 2/);
  });

  test("two at once that would leave no majority; two of five may go, one after the other", () => {
    const dead = alive(undefined, []);
    expect(refusals([swapOf(2, 7), swapOf(3, 8)], dead)[0]).toMatch(
      /^broker-2 and broker-3: swapped at once they would leave 1 of 3 quorum voters, and 2 are needed/,
    );
    const five = alive([1, 2, 3, 4, 5].map((id) => replica(id)));
    expect(refusals([swapOf(2, 7), swapOf(3, 8)], five).join()).not.toMatch(/swapped at once/);
  });

  test("when nobody says whether the cluster can do without it; not when no cluster was ever born", () => {
    const silent: LiveCluster = { kind: "unreachable", why: "nobody answers" };
    const disk = { kind: "formatted", identity: { nodeId: 2, clusterId: CLUSTER } } as const;
    expect(refusals([swapOf(2, 7)], silent, { disk })).toEqual([
      expect.stringMatching(/broker-2: .*does not say.*nobody answers/),
    ]);
    expect(refusals([swapOf(2, 7)], { kind: "unborn" })).toEqual([]);
  });

  test("while the former machine lets nobody in, or serves on behind a dead sshd", () => {
    const locked = refusals([swapOf(2, 7)], alive(), { former: { error: "auth refused" } });
    expect(locked).toContainEqual(expect.stringMatching(/pi-2 \(10\.0\.42\.2\) answers, but lets/));
    const serving = refusals([swapOf(2, 7)], alive(), { serving: ["10.0.42.2:9092"] });
    expect(serving).toContainEqual(
      expect.stringMatching(/Kafka still answers at 10\.0\.42\.2:9092/),
    );
  });

  test("a new machine that is off, or holds another node or another cluster", () => {
    const on = (disk: SwapFacts["disk"]) => refusals([swapOf(2, 7)], alive(), { disk }).join("\n");
    expect(on({ kind: "silent" })).toMatch(/pi-7 \(10\.0\.42\.7\) does not answer on SSH/);
    expect(on({ kind: "error", message: "wrong host key" })).toMatch(/pi-7 .*: wrong host key/);
    const formatted = (nodeId: number, clusterId = CLUSTER) =>
      on({ kind: "formatted", identity: { nodeId, clusterId } });
    expect(formatted(3)).toMatch(/formatted for node 3 of this very cluster/);
    expect(formatted(2, "other")).toMatch(/formatted for node 2 of another cluster \(other\)/);
    expect(formatted(2)).not.toMatch(/formatted/);
    expect(on({ kind: "not made" })).not.toMatch(/pi-7/);
  });

  test("never a client, as long as its new machine answers", () => {
    const swap = { before: client, after: { ...client, machine: "pi-9", disk: "key-9" } };
    const silent: LiveCluster = { kind: "unreachable", why: "nobody answers" };
    expect(refusals([swap], silent, { disk: { kind: "without Kafka" } })).toEqual([]);
  });
});

describe("the steps", () => {
  test("of a broker whose machine is dead", () => {
    expect(
      swapSteps(swapOf(2, 7), gone, alive([replica(1, 3), replica(2, 99_999), replica(3)])),
    ).toEqual([
      "safe to begin: voters 1 (3 ms behind), 3 (0 ms behind); all other replicas of its 1 partitions are in sync",
      "pi-2 (10.0.42.2) does not answer and is taken for gone",
      "storage on pi-7 (10.0.42.7) is formatted: same cluster, node 2, a new directory id",
      "started; its replicas fill until each is in sync",
      "voter 2 with directory dir-2 leaves the quorum",
      "voter 2 joins with its new directory",
    ]);
  });

  test("of one whose machine answers, with a disk that was its own before, and of one that has no vote", () => {
    const identity = { nodeId: 2, clusterId: CLUSTER };
    const facts: SwapFacts = { ...gone, former: "answers", disk: { kind: "formatted", identity } };
    const steps = swapSteps(swapOf(2, 7), facts, alive([replica(1), replica(3)]));
    expect(steps.slice(1)).toEqual([
      "pi-2 (10.0.42.2) answers",
      "storage on pi-7 (10.0.42.7) is formatted for node 2 already, and kept",
      "Kafka is stopped on pi-2 and held",
      "started; its replicas fill until each is in sync",
      "services besides Kafka of broker-2 on pi-2 are stopped, their data stays",
    ]);
  });

  test("of a host without Kafka", () => {
    const swap = { before: client, after: { ...client, machine: "pi-9", login: undefined } };
    expect(swapSteps(swap, { ...gone, former: "other" }, { kind: "unborn" })).toEqual([
      "another machine answers at the address of pi-4 (10.0.42.4), which is taken for gone",
      "pi-9 (about to be made) is prepared as client-1",
    ]);
    const answering: SwapFacts = { ...gone, former: "answers" };
    expect(swapSteps(swap, answering, { kind: "unborn" })).toEqual([
      "pi-4 (10.0.42.4) answers",
      "pi-9 (about to be made) is prepared as client-1",
      "services of client-1 on pi-4 are stopped, their data stays",
    ]);
    expect(swapSteps(swap, answering, { kind: "unborn" }, "client-2").at(-1)).toBe(
      "services of client-1 on pi-4 make way for client-2's",
    );
  });

  test("of a broker tell what else it leaves behind; another disk in the same machine leaves nothing", () => {
    const facts: SwapFacts = { ...gone, former: "answers" };
    expect(swapSteps(swapOf(2, 7), facts, alive()).at(-1)).toBe(
      "services besides Kafka of broker-2 on pi-2 are stopped, their data stays",
    );
    const raised = { before: gateBroker(2), after: { ...gateBroker(2), disk: "key-2 disk 2" } };
    expect(swapSteps(raised, facts, alive()).at(-1)).toBe("voter 2 joins with its new directory");
  });
});
