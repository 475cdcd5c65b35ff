import fc from "fast-check";
import { Latencies } from "../../../../scripts/lib/load/percentiles";

/** The least value that so many percent do not exceed. */
function reference(sorted: readonly number[], percent: number): number {
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)]!;
}

test("percentiles are those of the sorted values, to a thousandth or a microsecond", () => {
  const ms = fc.oneof(
    fc.double({ min: 0, max: 5, noNaN: true }),
    fc.double({ min: 0, max: 3_600_000, noNaN: true }),
  );
  fc.assert(
    fc.property(fc.array(ms, { minLength: 1, maxLength: 300 }), (values) => {
      const latencies = new Latencies();
      for (const value of values) latencies.record(value);
      const found = latencies.percentiles()!;
      const sorted = [...values].sort((a, b) => a - b);
      for (const [name, percent] of [
        ["p50", 50] as const,
        ["p95", 95] as const,
        ["p99", 99] as const,
      ]) {
        const wanted = reference(sorted, percent);
        expect(Math.abs(found[name] - wanted)).toBeLessThanOrEqual(wanted * 0.001 + 0.0011);
      }
      expect(found.max).toBe(sorted.at(-1));
      expect(found.count).toBe(values.length);
      expect(found.p99).toBeLessThanOrEqual(found.max);
    }),
  );
});

test("there are none of nothing, and what clocks that differ give is counted", () => {
  const latencies = new Latencies();
  expect(latencies.percentiles()).toBeUndefined();
  latencies.record(-3);
  latencies.record(2);
  expect(latencies.negative).toBe(1);
  expect(latencies.percentiles()).toMatchObject({ count: 2, max: 2 });
});

test("what lasts longer than there is room for counts as the longest, and the maximum stays exact", () => {
  const latencies = new Latencies();
  latencies.record(20 * 3_600_000);
  expect(latencies.percentiles()!.max).toBe(20 * 3_600_000);
  expect(latencies.percentiles()!.p50).toBeGreaterThan(3.9 * 3_600_000);
});
