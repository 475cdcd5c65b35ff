import { createRecordsBatch, crc32c } from "@platformatic/kafka";

import type { Brokers } from "../../../../provider/admin/brokers";
import type { KafkaLink } from "../../../../provider/admin/kafka-link";
import { offsets, sampleRecords } from "../../../../provider/admin/records";
import type { FetchOne } from "../../../../provider/admin/requests/fetch";

const [FETCH, LIST_OFFSETS] = [1, 2] as const;
const [CRC, ATTRIBUTES, LAST_OFFSET_DELTA] = [17, 21, 23] as const;

/** A batch of one record, which stands for `span` offsets: the others were compacted away. */
function batch(offset: number, key: string | null, span = 1): Buffer {
  const record = { topic: "red", value: Buffer.from("value"), timestamp: 1n };
  const { buffer } = createRecordsBatch([
    key === null ? record : { ...record, key: Buffer.from(key) },
  ]);
  buffer.writeBigInt64BE(BigInt(offset), 0);
  buffer.writeInt32BE(span - 1, LAST_OFFSET_DELTA);
  buffer.writeUInt32BE(crc32c(buffer.subarray(ATTRIBUTES)), CRC);
  return buffer;
}

interface Log {
  readonly start: number;
  readonly end: number;
  readonly batches: readonly {
    readonly offset: number;
    readonly span: number;
    readonly bytes: Buffer;
  }[];
}

/** The offsets that were asked for, and brokers whose partition 0 of `red` has this log. */
function brokersWith({ start, end, batches }: Log, leader = 1) {
  const asked: number[] = [];
  const link = {
    server: "broker-1:9092",
    ask: (api: { key: number }, ...args: unknown[]): Promise<unknown> => {
      if (api.key === LIST_OFFSETS) {
        const [{ partitions }] = args[2] as [{ partitions: [{ timestamp: bigint }] }];
        const offset = partitions[0].timestamp === -2n ? start : end;
        const told = { partitionIndex: 0, errorCode: 0, offset: BigInt(offset) };
        return Promise.resolve({ topics: [{ partitions: [told] }] });
      }
      expect(api.key).toBe(FETCH);
      const { offset, maxBytes } = args[0] as FetchOne;
      asked.push(Number(offset));
      const there = batches
        .filter((one) => one.offset + one.span > offset)
        .map(({ bytes }) => bytes);
      // The first batch whole, and of the others what has room.
      const packed = Buffer.concat(there).subarray(0, Math.max(maxBytes, there[0]?.length ?? 0));
      return Promise.resolve({
        errorCode: 0,
        partitions: [{ partition: 0, errorCode: 0, packed }],
      });
    },
  };
  const partitions = [{ partition: 0, leader, replicas: [1, 2], isr: [1] }];
  const topic = { topic: "red", topicId: "", errorCode: 0, partitions };
  const connection = { read: (_doing: string, work: (one: unknown) => unknown) => work(link) };
  const brokers = {
    topic: () => Promise.resolve({ topic, brokers: new Map([[1, "broker-1:9092"]]) }),
    at: () => connection,
  };
  return { asked, brokers: brokers as unknown as Brokers & { link: KafkaLink } };
}

const entry = (offset: number, key: string | null, span = 1) => ({
  offset,
  span,
  bytes: batch(offset, key, span),
});

test("of a log without gaps only the newest records are read", async () => {
  const batches = Array.from({ length: 50 }, (_, n) => entry(n, n < 45 ? "key" : null));
  const { asked, brokers } = brokersWith({ start: 0, end: 50, batches });
  await expect(sampleRecords(brokers, "red", 0, 8)).resolves.toEqual({ keyed: 3, unkeyed: 5 });
  expect(asked).toEqual([42]);
});

test("of a log with gaps it is read further back, each record once, until there are enough", async () => {
  const batches = [
    entry(0, null, 900),
    entry(900, "key", 60),
    entry(960, "key", 39),
    entry(999, "key"),
  ];
  const { brokers } = brokersWith({ start: 0, end: 1000, batches });
  await expect(sampleRecords(brokers, "red", 0, 10)).resolves.toEqual({ keyed: 3, unkeyed: 1 });
  await expect(sampleRecords(brokers, "red", 0, 2)).resolves.toEqual({ keyed: 2, unkeyed: 0 });
});

test("a log that begins late, or has nothing, ends the look", async () => {
  const batches = [entry(500, null), entry(501, "key")];
  const late = brokersWith({ start: 500, end: 502, batches });
  await expect(sampleRecords(late.brokers, "red", 0, 100)).resolves.toEqual({
    keyed: 1,
    unkeyed: 1,
  });
  expect(late.asked).toEqual([500]);
  const empty = brokersWith({ start: 7, end: 7, batches: [] });
  await expect(sampleRecords(empty.brokers, "red", 0, 100)).resolves.toEqual({
    keyed: 0,
    unkeyed: 0,
  });
  expect(empty.asked).toEqual([]);
  // All that is left of it are marks that the leader does not send as records.
  const hollow = brokersWith({ start: 0, end: 9, batches: [] });
  await expect(sampleRecords(hollow.brokers, "red", 0, 100)).resolves.toEqual({
    keyed: 0,
    unkeyed: 0,
  });
});

test("a batch that is damaged is an error with its offset", async () => {
  const broken = batch(3, "key");
  broken[broken.length - 1]! ^= 1;
  const { brokers } = brokersWith({
    start: 3,
    end: 4,
    batches: [{ offset: 3, span: 1, bytes: broken }],
  });
  await expect(sampleRecords(brokers, "red", 0, 5)).rejects.toMatchObject({
    kind: "refused",
    code: "CORRUPT_MESSAGE",
    message:
      "cannot read records of red, partition 0: the batch at offset 3: its checksum is another one",
  });
});

test("a partition that nobody leads is told with who may lead it", async () => {
  const { brokers } = brokersWith({ start: 0, end: 1, batches: [] }, -1);
  await expect(offsets(brokers, "red", [0], "latest")).rejects.toMatchObject({
    kind: "unreachable",
    code: "LEADER_NOT_AVAILABLE",
    message:
      "cannot tell the offsets of topic red: topic red, partition 0 has no leader. Start one of the brokers 1, 2 that was in sync.",
  });
});
