import { createRecordsBatch, crc32c, Reader, Writer } from "@platformatic/kafka";
import { recordsOf } from "../../../../scripts/lib/records/batches";
import { parseFetchV17 } from "../../../../scripts/lib/records/requests";

const RED = { topic: "red", partition: 2 };

/** Offsets of fields in a batch. */
const LENGTH = 8;
const MAGIC = 16;
const CRC = 17;
const ATTRIBUTES = 21;
const MAX_TIMESTAMP = 35;

interface Changes {
  readonly attributes?: number;
  readonly magic?: number;
  readonly maxTimestamp?: bigint;
}

/** A batch whose first record has this offset, with attributes of our own. */
function batch(offset: bigint, values: readonly string[], changes: Changes = {}): Buffer {
  const messages = values.map((value, i) => ({
    topic: RED.topic,
    value: Buffer.from(value),
    timestamp: 1000n + BigInt(i),
    headers: new Map([[Buffer.from("name"), Buffer.from(`of ${value}`)]]),
  }));
  const { buffer } = createRecordsBatch(messages);
  buffer.writeBigInt64BE(offset, 0);
  buffer.writeInt8(changes.magic ?? 2, MAGIC);
  buffer.writeInt16BE(changes.attributes ?? 0, ATTRIBUTES);
  if (changes.maxTimestamp !== undefined)
    buffer.writeBigInt64BE(changes.maxTimestamp, MAX_TIMESTAMP);
  buffer.writeUInt32BE(crc32c(buffer.subarray(ATTRIBUTES)), CRC);
  return buffer;
}

async function unpack(bytes: readonly Buffer[], position = 0n) {
  const { records, next } = await recordsOf(Buffer.concat(bytes), RED, position);
  return { values: records.map(({ offset, value }) => `${offset} ${value?.toString()}`), next };
}

test("records have their offsets, times and headers, from the position on", async () => {
  const bytes = Buffer.concat([batch(10n, ["a", "b", "c"]), batch(20n, ["d"])]);
  const { records, next } = await recordsOf(bytes, RED, 11n);
  expect(next).toBe(21n);
  expect(records.map(({ offset }) => offset)).toEqual([11n, 12n, 20n]);
  expect(records[0]).toEqual({
    partition: 2,
    offset: 11n,
    timestampMs: 1001n,
    key: null,
    value: Buffer.from("b"),
    headers: [[Buffer.from("name"), Buffer.from("of b")]],
  });
});

test("the broker's time counts where a topic asks for it", async () => {
  const changes = { attributes: 1 << 3, maxTimestamp: 7000n };
  const { records } = await recordsOf(batch(0n, ["a", "b"], changes), RED, 0n);
  expect(records.map(({ timestampMs }) => timestampMs)).toEqual([7000n, 7000n]);
});

test("a transaction's mark is passed over", async () => {
  const bytes = [batch(0n, ["a"]), batch(1n, ["commit"], { attributes: 1 << 5 }), batch(2n, ["b"])];
  expect(await unpack(bytes)).toEqual({ values: ["0 a", "2 b"], next: 3n });
  expect(await unpack(bytes.slice(1, 2), 1n)).toEqual({ values: [], next: 2n });
});

test("a batch that is cut off is left for the next answer", async () => {
  const bytes = [batch(0n, ["a"]), batch(1n, ["b"]).subarray(0, -1)];
  expect(await unpack(bytes)).toEqual({ values: ["0 a"], next: 1n });
  expect(await unpack([...bytes.slice(0, 1), Buffer.alloc(5)])).toMatchObject({ next: 1n });
  expect(await unpack([], 5n)).toEqual({ values: [], next: 5n });
});

test("a codec that nobody knows is named, with who can read it, once what stands before it is given", async () => {
  const odd = batch(1n, ["b"], { attributes: 5 });
  expect(await unpack([batch(0n, ["a"]), odd])).toEqual({ values: ["0 a"], next: 1n });
  await expect(unpack([odd], 1n)).rejects.toThrow(
    "red, partition 2: the batch at offset 1 is compressed with codec 5, which this command does not read: it reads format 2, plain or compressed with gzip, snappy, lz4 or zstd. Read the topic with kafka-console-consumer.sh of the brokers' own version.",
  );
});

test("so is a format from before Kafka 0.11", async () => {
  await expect(unpack([batch(0n, ["a"], { magic: 1 })])).rejects.toThrow(
    "the batch at offset 0 is in Kafka's record format 1",
  );
});

test("damage is told with the codec and with where to look", async () => {
  const wrongSum = batch(0n, ["a"]);
  wrongSum[wrongSum.length - 1]! ^= 1;
  await expect(unpack([wrongSum])).rejects.toThrow(
    "red, partition 2: the batch at offset 0 is damaged: its checksum is another one. Look at it on its leader with kafka-dump-log.sh; --last or --partition read what lies elsewhere.",
  );
  for (const [attributes, codec] of [
    [1, "gzip"],
    [2, "snappy"],
    [3, "lz4"],
    [4, "zstd"],
  ] as const) {
    await expect(unpack([batch(0n, ["a"], { attributes })])).rejects.toThrow(
      `the batch at offset 0 (compressed with ${codec}) is damaged: `,
    );
  }
  const snappy = batch(0n, ["a"], { attributes: 2 });
  await expect(unpack([snappy])).rejects.toThrow("is damaged: it cannot be unpacked. Look at it");
});

test.each([-2_000_000_000, -12, 0, 3, 20])(
  "a length of %d, which no batch has, is damage at its offset",
  async (length) => {
    const short = batch(7n, ["a"]);
    short.writeInt32BE(length, LENGTH);
    await expect(unpack([short], 7n)).rejects.toThrow(
      "red, partition 2: the batch at offset 7 is damaged: it is too short. Look at it",
    );
    const before = batch(6n, ["b"]);
    expect(await unpack([before, short], 6n)).toEqual({ values: ["6 b"], next: 7n });
  },
);

test("an answer in which a broker names the new leader of one partition is read to its end", () => {
  const packed = batch(0n, ["a"]);
  const writer = Writer.create().appendInt32(0).appendInt16(0).appendInt32(0);
  const partition = (index: number, errorCode: number, records: Buffer) => {
    writer.appendInt32(index).appendInt16(errorCode);
    writer.appendInt64(30n).appendInt64(30n).appendInt64(0n);
    writer.appendUnsignedVarInt(0); // no transactions that were aborted
    writer.appendInt32(-1);
    writer.appendUnsignedVarInt(records.length + 1);
    if (records.length > 0) writer.append(records);
  };
  writer.appendUnsignedVarInt(2).appendUUID("00000000-0000-0000-0000-000000000001");
  writer.appendUnsignedVarInt(3);
  partition(7, 6, Buffer.alloc(0));
  // One tagged field, number 1, 9 bytes: the leader's id and epoch, and no tags of its own.
  writer.appendUnsignedVarInt(1).appendUnsignedVarInt(1).appendUnsignedVarInt(9);
  writer.appendInt32(3).appendInt32(12).appendUnsignedVarInt(0);
  partition(8, 0, packed);
  writer.appendUnsignedVarInt(0); // the partition's tags
  writer.appendUnsignedVarInt(0).appendUnsignedVarInt(0); // the topic's, the answer's
  expect(parseFetchV17(Reader.from(writer.buffer))).toEqual({
    errorCode: 0,
    partitions: [
      { partition: 7, errorCode: 6, highWatermark: 30n, packed: Buffer.alloc(0) },
      { partition: 8, errorCode: 0, highWatermark: 30n, packed },
    ],
  });
});
