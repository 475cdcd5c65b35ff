import * as fc from "fast-check";
import type { InRecord } from "../../../../payloads/lib/records";
import { judge, skipped } from "../../../../payloads/sink/place";
import { MAX_JSON_BYTES, MAX_RAW_BYTES, refusedRow, rowOf } from "../../../../payloads/sink/rows";
import { pending, migrations, NewerSchema } from "../../../../payloads/sink/migrations";
import { daysToDrop } from "../../../../payloads/sink/retention";
import { portions } from "../../../../payloads/sink/writer";

const record = (offset: number, more: Partial<InRecord> = {}): InRecord => ({
  ...{ topic: "t", topicId: "id", partition: 0, offset: BigInt(offset), timestampMs: offset },
  ...{ key: undefined, value: Buffer.from("x"), headers: new Map() },
  ...more,
});
const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);

test("however often a log is read again from anywhere, each of its records is stored once", () => {
  const reads = fc.array(fc.tuple(fc.nat(50), fc.nat(20)), { maxLength: 30 });
  fc.assert(
    fc.property(reads, (all) => {
      const store = new Map<bigint, number>();
      let highest = 0n;
      for (const [from, count] of all) {
        const batch = range(Math.min(from, Number(highest)), from + count).map((n) => record(n));
        if (batch.length === 0) continue;
        const { fresh, duplicates, afterCut } = judge({ highest }, batch, store);
        expect(fresh.length + duplicates).toBe(batch.length);
        expect(afterCut).toEqual([]);
        for (const { offset, timestampMs } of fresh) {
          expect(store.has(offset)).toBe(false);
          store.set(offset, timestampMs);
        }
        const behind = batch.at(-1)!.offset + 1n;
        highest = behind > highest ? behind : highest;
      }
      expect([...store.keys()].sort((a, b) => Number(a - b))).toEqual(
        range(0, Number(highest)).map(BigInt),
      );
    }),
  );
});

test("a record that stands where another stood begins another log, with all behind it", () => {
  const stored = new Map(range(0, 6).map((n) => [BigInt(n), n] as const));
  const batch = [record(2), record(3), record(4, { timestampMs: 99 }), record(5), record(6)];
  const { fresh, duplicates, afterCut } = judge({ highest: 6n }, batch, stored);
  expect([fresh, duplicates, afterCut]).toEqual([[], 2, batch.slice(2)]);
});

test("offsets that no record came for are counted, those read again are not", () => {
  expect(skipped({ next: 5n }, 9n)).toBe(4n);
  expect(skipped({ next: 5n }, 5n)).toBe(0n);
  expect(skipped({ next: 5n }, 2n)).toBe(0n);
  expect(skipped({ next: undefined }, 9n)).toBe(0n);
});

test("what is no JSON is kept as its bytes, bounded, with its fault", () => {
  const large = Buffer.alloc(MAX_JSON_BYTES + 1, "x");
  const row = rowOf(record(1, { value: large }), 7);
  expect(row.raw).toHaveLength(MAX_RAW_BYTES);
  expect(row.fault).toBe(
    `is too large for JSON; of its ${large.length} bytes the first ${MAX_RAW_BYTES} are kept`,
  );
  const value = Buffer.from('{"device":"a"}');
  expect(refusedRow(record(1, { value }), 7, "why")).toMatchObject({
    ...{ device: undefined, payload: undefined, raw: value, day: 7 },
    fault: "PostgreSQL refuses it: why",
  });
});

test("times that PostgreSQL cannot write are none, and headers that are no text", () => {
  const value = Buffer.from('{"device":"a","time":"2026-11-29T00:00:00Z"}');
  const headers = new Map([["mqtt.topic", Buffer.from([0xff])]]);
  expect(rowOf(record(1, { value, headers, timestampMs: 9e18 }), 7)).toMatchObject({
    ...{ recordMs: undefined, mqttTopic: undefined },
    eventMs: Date.parse("2026-11-29T00:00:00Z"),
  });
  expect(rowOf(record(1, { timestampMs: -1 }), 7).recordMs).toBeUndefined();
});

test("portions are bounded in number and bytes, and lose nothing", () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 3 << 20 }), { maxLength: 1200 });
  fc.assert(
    fc.property(sizes, (all) => {
      const kept = all.map((length, i) => ({
        record: record(i, { value: { length } as Buffer }),
        row: rowOf(record(i), 1),
      }));
      const found = portions(kept);
      expect(found.flat()).toEqual(kept);
      for (const portion of found) {
        const bytes = portion.reduce((sum, one) => sum + one.record.value.length, 0);
        expect(portion.length).toBeLessThanOrEqual(500);
        expect(portion.length === 1 || bytes <= 1 << 20).toBe(true);
      }
    }),
    { numRuns: 20 },
  );
});

test("migrations are numbered without a gap, and are never made downward", () => {
  expect(migrations.map(({ version }) => version)).toEqual(range(1, migrations.length + 1));
  expect(pending(0)).toEqual(migrations);
  expect(pending(1)).toEqual(migrations.slice(1));
  expect(pending(migrations.length)).toEqual([]);
  expect(() => pending(migrations.length + 1)).toThrow(NewerSchema);
});

test("a pass drops the oldest days, a few at a time", () => {
  expect(daysToDrop([9, 3, 7, 1, 5, 2, 8], 8)).toEqual([1, 2, 3, 5]);
  expect(daysToDrop([9, 8], 8)).toEqual([]);
});
