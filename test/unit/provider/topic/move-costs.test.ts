import { formatBytes, formatSeconds } from "../../../../provider/topic/amounts";
import type { MovePlan, ReplicaMove } from "../../../../provider/topic/assignment";
import { BATCH } from "../../../../provider/topic/assignment";
import { costOf, describeMoves, partitionBytes } from "../../../../provider/topic/move-costs";

const MIB = 1024 * 1024;
const move = (partition: number, from: readonly number[], to: readonly number[]): ReplicaMove => ({
  partition,
  leader: from[0]!,
  from,
  to,
});
const plan = (changes: Partial<MovePlan>): MovePlan => ({
  moves: [],
  underWay: [],
  takeBack: [],
  refusals: [],
  ...changes,
});

test("the lines of a preview name each partition, and what it comes to", () => {
  const moves = [
    move(0, [1, 2], [1, 2, 3]),
    move(1, [1, 2], [3, 4, 1]),
    move(2, [1, 2, 3], [1, 2]),
    move(3, [1, 2], [2, 1]),
  ];
  const bytes = new Map([
    [0, 513 * MIB],
    [1, 1.5 * 1024 * MIB],
    [2, 7],
  ]);
  const underWay = [move(4, [1], [1, 2])];
  expect(describeMoves(plan({ moves, underWay }), bytes, 10 * MIB)).toEqual([
    "partition 0: 1,2 => 1,2,3 (copies 513 MiB to broker 3)",
    "partition 1: 1,2 => 3,4,1 (copies 1.5 GiB to broker 3 and 4)",
    "partition 2: 1,2,3 => 1,2 (drops the copy on broker 3)",
    "partition 3: 1,2 => 2,1 (another preferred leader; copies nothing)",
    "partition 4: 1 => 1,2 (under way already)",
    // Broker 1 sends all of it: 513 MiB and twice 1536 MiB.
    "in all: 3.5 GiB to copy, about 5 min 59 s at 10 MiB/s for each broker",
  ]);
  expect(describeMoves(plan({ moves: moves.slice(2) }), bytes, 1)).toContain(
    "in all: nothing to copy",
  );
  expect(describeMoves(plan({}), bytes, 1)).toEqual([]);
});

test("batches come one after another: their times add up", () => {
  const moves = Array.from({ length: BATCH + 1 }, (_, i) => move(i, [1], [1, 2]));
  const bytes = new Map(moves.map(({ partition }) => [partition, 10]));
  expect(costOf(moves, bytes, 10)).toEqual({ total: 10 * (BATCH + 1), seconds: BATCH + 1 });
  // Different brokers of one batch copy at the same time.
  const apart = [move(0, [1], [1, 2]), move(1, [3], [3, 4])];
  expect(costOf(apart, bytes, 10)).toEqual({ total: 20, seconds: 1 });
});

test("a partition has the bytes of its leader; without one, of its largest replica", () => {
  const partitions = [
    { partition: 0, leader: 2, replicas: [1, 2], isr: [2] },
    { partition: 1, leader: -1, replicas: [1, 2], isr: [1] },
  ];
  const sizes = new Map([
    [
      1,
      new Map([
        ["red-0", 9],
        ["red-1", 4],
        ["green-1", 99],
      ]),
    ],
    [2, new Map([["red-0", 5]])],
  ]);
  expect([...partitionBytes("red", partitions, sizes)]).toEqual([
    [0, 5],
    [1, 4],
  ]);
});

test("amounts read as people write them", () => {
  const bytes = [0, 999, 1024, 1536, 513 * MIB, 1023.9 * MIB, 2 ** 42];
  expect(bytes.map(formatBytes)).toEqual([
    "0 B",
    "999 B",
    "1 KiB",
    "1.5 KiB",
    "513 MiB",
    "1 GiB",
    "4 TiB",
  ]);
  const seconds = [0, 1.4, 59, 60, 154, 3600, 11_400];
  expect(seconds.map(formatSeconds)).toEqual([
    "1 s",
    "1 s",
    "59 s",
    "1 min",
    "2 min 34 s",
    "1 h",
    "3 h 10 min",
  ]);
});
