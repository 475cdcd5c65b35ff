import * as fc from "fast-check";
import {
  dayOfMs,
  dayOfPartition,
  dayOfRecord,
  dayOfText,
  firstKept,
  partitionOf,
  textOfDay,
} from "../../../../payloads/sink/days";

const day = dayOfText;
const ms = (text: string): number => Date.parse(`${text}T10:00:00Z`);
const today = day("2026-11-29");
const anyDay = fc.integer({ min: day("2025-01-01"), max: day("2099-12-31") });

test.each([
  ["a usual one", ms("2026-11-29"), "2026-11-29"],
  ["one that is read late", ms("2026-08-01"), "2026-08-01"],
  ["one that is a little ahead", ms("2026-11-30"), "2026-11-30"],
  ["a clock that was not set", 0, "2026-11-29"],
  ["no time", -1, "2026-11-29"],
  ["the far future", ms("2031-01-01"), "2026-11-29"],
  ["what is no date at all", 9e18, "2026-11-29"],
])("%s: kept under its day", (_, timestampMs, kept) => {
  expect(textOfDay(dayOfRecord(timestampMs, { today, newest: undefined }))).toBe(kept);
});

test("a clock that was not set judges nobody else's", () => {
  const unset = { today: day("1970-01-01"), newest: undefined };
  expect(textOfDay(dayOfRecord(ms("2026-11-29"), unset))).toBe("2026-11-29");
  expect(textOfDay(dayOfRecord(0, unset))).toBe("2025-01-01");
  expect(firstKept(30, { ...unset, newest: today })).toBeLessThan(day("1970-01-01"));
});

test("what is kept never depends on when it is read, for times up to now", () => {
  const times = fc.integer({ min: ms("2025-01-01"), max: ms("2026-11-29") });
  fc.assert(
    fc.property(times, anyDay, fc.option(anyDay, { nil: undefined }), (time, later, newest) => {
      const clock = { today: Math.max(today, later), newest };
      expect(dayOfRecord(time, clock)).toBe(dayOfMs(time));
    }),
  );
});

test("retention never reaches past the newest record, nor past the clock", () => {
  fc.assert(
    fc.property(anyDay, anyDay, fc.integer({ min: 1, max: 3650 }), (now, newest, days) => {
      const first = firstKept(days, { today: now, newest });
      expect(first).toBeLessThan(newest);
      expect(first).toBeLessThan(now);
      expect(Math.min(now, newest) - first).toBe(days);
    }),
  );
});

test("a partition's name tells its day, and other tables' none", () => {
  fc.assert(fc.property(anyDay, (one) => dayOfPartition(partitionOf(one)) === one));
  expect(partitionOf(today)).toBe("records_20261129");
  for (const name of ["records", "records_2026112", "records_20269999", "minutes"]) {
    expect(dayOfPartition(name)).toBeUndefined();
  }
});
