import fc from "fast-check";

import {
  encodeBatch,
  nextSequence,
  sizeOf,
  type StampedRecord,
} from "../../../../payloads/lib/kafka/batch";
import { unpackBatches } from "../../../../shared/kafka/batches";

const bytes = fc.uint8Array({ maxLength: 300 }).map((value) => Buffer.from(value));
const stamped: fc.Arbitrary<StampedRecord> = fc.record({
  topic: fc.constant("t"),
  key: fc.option(fc.string({ unit: "binary", maxLength: 40 }), { nil: undefined }),
  value: bytes,
  headers: fc.dictionary(fc.string({ maxLength: 10 }), fc.string({ unit: "grapheme" })),
  timestampMs: fc.integer({ min: 1_700_000_000_000, max: 4_000_000_000_000 }),
});

test("what is packed is what the project's reader unpacks, checksum and all", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(stamped, { minLength: 1, maxLength: 20 }), async (records) => {
      const batch = encodeBatch(records, { producerId: 77n, epoch: 3, sequence: 5 });
      expect(batch.length).toBeLessThanOrEqual(
        records.reduce((sum, record) => sum + sizeOf(record), 61),
      );
      const { records: found, next } = await unpackBatches(batch, 0, 0n);
      expect(next).toBe(BigInt(records.length));
      expect(
        found.map(({ key, value, timestampMs, headers }) => ({
          key: key?.toString(),
          value,
          timestampMs: Number(timestampMs),
          headers: headers.map((pair) => pair.map(String)),
        })),
      ).toEqual(
        records.map(({ key, value, timestampMs, headers = {} }) => ({
          // What is no text in UTF-8 goes as the replacement character.
          key: key === undefined ? undefined : Buffer.from(key).toString(),
          value,
          timestampMs,
          headers: Object.entries(headers).map((pair) =>
            pair.map((text) => Buffer.from(text).toString()),
          ),
        })),
      );
    }),
  );
});

test("a batch tells who wrote it, and which of his records it begins with", () => {
  const one = { topic: "t", value: Buffer.from("x"), timestampMs: 1 };
  const batch = encodeBatch([one, one], { producerId: 9n, epoch: 2, sequence: 41 });
  expect(batch.readBigInt64BE(43)).toBe(9n);
  expect(batch.readInt16BE(51)).toBe(2);
  expect(batch.readInt32BE(53)).toBe(41);
  expect(batch.readInt32BE(57)).toBe(2);
});

test("sequences begin again behind 31 bits", () => {
  expect(nextSequence(2 ** 31 - 1, 1)).toBe(0);
  expect(nextSequence(2 ** 31 - 2, 5)).toBe(3);
});
