import type { KafkaLink } from "../../../../payloads/lib/kafka/link";
import {
  findPositions,
  type Owned,
  toInRecord,
  unpackAnswers,
} from "../../../../payloads/lib/kafka/owned";
import { encodeBatch } from "../../../../payloads/lib/kafka/batch";

const [EARLIEST, LATEST] = [-2n, -1n];
const OUT_OF_RANGE = 1;
const NOT_LEADER = 6;

/** A broker whose logs hold the offsets 50 to 99. */
const link = {
  ask: (
    _api: unknown,
    _replica: number,
    _isolation: number,
    topics: { name: string; partitions: { partitionIndex: number; timestamp: bigint }[] }[],
  ) =>
    Promise.resolve({
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, timestamp }) => ({
          partitionIndex,
          errorCode: partitionIndex === 9 ? NOT_LEADER : 0,
          offset: timestamp === EARLIEST ? 50n : timestamp === LATEST ? 100n : -1n,
        })),
      })),
    }),
} as unknown as KafkaLink;

const owned = (more: Partial<Owned> = {}): Owned => ({
  ...{ topic: "t", topicId: "t-id", partition: 0, position: undefined, end: undefined },
  ...{ from: "latest", busy: false, isVoid: false },
  ...more,
});

test("without a group partitions begin at the end that they are to begin at", async () => {
  const all = [
    owned(),
    owned({ partition: 1, from: "earliest" }),
    owned({ partition: 9, from: "earliest" }),
  ];
  await findPositions(link, all, undefined);
  expect(all.map(({ position }) => position)).toEqual([100n, 50n, undefined]);
});

test("in a group they go on where it was; of what was not answered nothing is assumed", async () => {
  const all = [owned(), owned({ partition: 1 }), owned({ partition: 2 }), owned({ partition: 3 })];
  await findPositions(link, all, () =>
    Promise.resolve([
      { topic: "t", partition: 0, errorCode: 0, offset: 77n },
      { topic: "t", partition: 1, errorCode: 0, offset: -1n },
      { topic: "t", partition: 2, errorCode: NOT_LEADER, offset: -1n },
    ]),
  );
  expect(all.map(({ position }) => position)).toEqual([77n, 100n, undefined, undefined]);
});

test.each([
  ["deleted by retention", 10n, "latest" as const, 50n],
  ["deleted by retention", 10n, "earliest" as const, 50n],
  ["cut off", 500n, "latest" as const, 100n],
  ["cut off", 500n, "earliest" as const, 50n],
])("what was %s at %i, begun at the %s: on at %i", async (_, position, from, next) => {
  const lines: string[] = [];
  const one = owned({ position, from });
  const answer = {
    ...{ topicId: "t-id", partition: 0, end: -1n },
    ...{ errorCode: OUT_OF_RANGE, packed: Buffer.alloc(0) },
  };
  const taken = await unpackAnswers(link, [answer], [one], (_level, words) => lines.push(words));
  expect(taken).toEqual([]);
  expect(one.position).toBe(next);
  expect(lines).toEqual([
    `t, partition 0: offset ${position} is not in the log any more; going on at ${next}`,
  ]);
});

test("records come as the port has them; a batch that cannot be unpacked is told with its place", async () => {
  const record = { topic: "t", key: "k", value: Buffer.from("v"), headers: { a: "b" } };
  const packed = encodeBatch([{ ...record, timestampMs: 5 }], {
    producerId: 1n,
    epoch: 0,
    sequence: 0,
  });
  const one = owned({ position: 0n });
  const answer = { topicId: "t-id", partition: 0, errorCode: 0, end: 1n, packed };
  const [taken] = await unpackAnswers(link, [answer], [one], () => {});
  expect(taken?.next).toBe(1n);
  expect(one.end).toBe(1n);
  expect(toInRecord(one, taken!.records[0]!)).toEqual({
    ...{ topic: "t", topicId: "t-id", partition: 0, offset: 0n, timestampMs: 5 },
    key: Buffer.from("k"),
    value: Buffer.from("v"),
    headers: new Map([["a", Buffer.from("b")]]),
  });
  packed[70]! ^= 1;
  await expect(unpackAnswers(link, [answer], [one], () => {})).rejects.toThrow(
    "t, partition 0: the batch at offset 0 cannot be read: it",
  );
});
