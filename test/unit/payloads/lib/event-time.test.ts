import * as fc from "fast-check";
import { eventTime } from "../../../../payloads/lib/event-time";

const AT = Date.UTC(2026, 10, 28, 20, 0, 0, 123);

test.each<[unknown, number]>([
  ["2026-11-28T20:00:00.123Z", AT],
  ["2026-11-28T21:00:00.123+01:00", AT],
  ["2026-11-28T12:30:00.123-0730", AT],
  ["2026-11-28T20:00:00Z", AT - 123],
  [AT, AT],
  [AT + 0.25, AT],
  ["2025-01-01T00:00:00Z", Date.UTC(2025, 0, 1)],
])("%j is a time", (raw, ms) => {
  expect(eventTime(raw)).toBe(ms);
});

test.each([
  // Without a zone it is another time on each machine.
  ...["2026-11-28T20:00:00", "2026-11-28", "28 Nov 2026 20:00:00 +0000", "yesterday", ""],
  ...["2026-02-30T00:00:00Z", "2026-11-28T25:00:00Z", String(AT)],
  // A clock that was not set, seconds, microseconds.
  ...["1970-01-01T00:00:17Z", 17_000, Math.floor(AT / 1000), AT * 1000, -AT, 0],
  ...[NaN, Infinity, 1e300, true, null, undefined, [AT], {}],
])("%j is none", (raw) => {
  expect(eventTime(raw)).toBeUndefined();
});

test("both forms tell the same", () => {
  const ms = fc.integer({ min: Date.UTC(2025, 0, 1), max: Date.UTC(2100, 0, 1) - 1 });
  fc.assert(
    fc.property(ms, (at) => {
      expect(eventTime(at)).toBe(at);
      expect(eventTime(new Date(at).toISOString())).toBe(at);
    }),
  );
});
