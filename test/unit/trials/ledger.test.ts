import fc from "fast-check";
import { judge, type Ack, type Ledger } from "../../../trials/checker/ledger";

const ack = (atMs: number, partition: number, ids: number[]): Ack => ({
  atMs,
  partition,
  ids,
  server: "10.0.0.1:9092",
  offset: BigInt(ids[0] ?? 0),
});

/** Records 0 to 5 over two partitions, all acknowledged by the end of the second second. */
function ledger(change: Partial<Ledger> = {}): Ledger {
  return {
    run: "0badcafe",
    partitions: 2,
    offered: 6,
    acks: [
      ack(100, 0, [0, 2]),
      ack(150, 1, [1]),
      ack(1500, 1, [3]),
      ack(1900, 0, [4]),
      ack(2000, 1, [5]),
    ],
    endedMs: 2000,
    endedEarly: undefined,
    failures: {},
    ...change,
  };
}
const ALL = [
  [0, 2, 4],
  [1, 3, 5],
];

test("all that was acknowledged and read back is no loss", () => {
  expect(judge(ledger(), ALL)).toMatchObject({
    offered: 6,
    acknowledged: 6,
    lost: [],
    duplicates: 0,
    unacknowledged: 0,
    unacknowledgedPresent: 0,
  });
});

test("an acknowledged record that is not there is lost, and told with its acknowledgement", () => {
  const { lost } = judge(ledger(), [
    [0, 4],
    [1, 3, 5],
  ]);
  expect(lost).toEqual([{ id: 2, ack: ack(100, 0, [0, 2]) }]);
});

test("copies beyond the first are duplicates, and make up for no loss", () => {
  const verdict = judge(ledger(), [
    [0, 0, 0, 2],
    [1, 3, 5, 5],
  ]);
  expect(verdict.duplicates).toBe(3);
  expect(verdict.lost.map(({ id }) => id)).toEqual([4]);
});

test("what was never acknowledged is not lost; it is told how much of it is there", () => {
  const acks = ledger().acks.slice(0, 3);
  const verdict = judge(ledger({ acks }), [
    [0, 2],
    [1, 3, 5],
  ]);
  expect(verdict).toMatchObject({ acknowledged: 4, lost: [], unacknowledged: 2 });
  expect(verdict.unacknowledgedPresent).toBe(1);
});

describe("the longest stall", () => {
  it("is a partition's own, though others were served meanwhile", () => {
    const verdict = judge(ledger(), ALL);
    expect(verdict.longestStall).toEqual({ ms: 1800, fromMs: 100, toMs: 1900, partition: 0 });
    expect(verdict.longestStallOfAll).toEqual({ ms: 1350, fromMs: 150, toMs: 1500 });
  });

  it("begins with the checker where the first acknowledgement was long in coming", () => {
    const acks = [ack(3000, 0, [0, 2, 4]), ack(3000, 1, [1, 3, 5])];
    const verdict = judge(ledger({ acks, endedMs: 3000 }), ALL);
    expect(verdict.longestStallOfAll).toEqual({ ms: 3000, fromMs: 0, toMs: 3000 });
  });

  it("goes to the end where records still waited for it, and not where none did", () => {
    const acks = ledger().acks.slice(0, 4);
    const open = judge(ledger({ acks, endedMs: 60_000 }), ALL);
    expect(open.longestStall).toEqual({ ms: 58_500, fromMs: 1500, toMs: 60_000, partition: 1 });
    const done = judge(ledger({ endedMs: 60_000 }), ALL);
    expect(done.longestStall.ms).toBe(1800);
  });
});

test("whatever is dropped from the log is exactly what is lost", () => {
  const scenario = fc.record({
    partitions: fc.integer({ min: 1, max: 5 }),
    offered: fc.integer({ min: 0, max: 60 }),
    unacknowledged: fc.uniqueArray(fc.nat(59)),
    dropped: fc.uniqueArray(fc.nat(59)),
    copied: fc.array(fc.nat(59)),
  });
  fc.assert(
    fc.property(scenario, ({ partitions, offered, unacknowledged, dropped, copied }) => {
      const ids = Array.from({ length: offered }, (_, id) => id);
      const acks = ids
        .filter((id) => !unacknowledged.includes(id))
        .map((id) => ack(id, id % partitions, [id]));
      const kept = ids.filter((id) => !dropped.includes(id));
      const copies = copied.filter((id) => kept.includes(id));
      const found = Array.from({ length: partitions }, (_, partition) =>
        [...kept, ...copies].filter((id) => id % partitions === partition),
      );
      const verdict = judge(ledger({ partitions, offered, acks, endedMs: 100 }), found);
      expect(verdict.lost.map(({ id }) => id)).toEqual(
        ids.filter((id) => dropped.includes(id) && !unacknowledged.includes(id)),
      );
      expect(verdict.duplicates).toBe(copies.length);
      expect(verdict.acknowledged + verdict.unacknowledged).toBe(offered);
      expect(verdict.longestStall.ms).toBeGreaterThanOrEqual(verdict.longestStallOfAll.ms);
    }),
  );
});
