import fc from "fast-check";

import { nextDue, randomPosition, Tally } from "../../../../payloads/ring/core";

/** Numbers that look random and are the same at each run (xorshift). */
function seeded(seed: number): () => number {
  let x = seed;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 2 ** 32;
  };
}

describe("positions", () => {
  test("lie on the sphere", () => {
    const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(unit, unit, (a, b) => {
        const draws = [a, b];
        const { rightAscension, declination } = randomPosition(() => draws.shift() ?? 0);
        expect(rightAscension).toBeGreaterThanOrEqual(0);
        expect(rightAscension).toBeLessThan(360);
        expect(Math.abs(declination)).toBeLessThanOrEqual(90);
      }),
    );
  });

  test("are as dense at the poles as at the equator", () => {
    const random = seeded(20261128);
    const count = 20_000;
    const all = Array.from({ length: count }, () => randomPosition(random));
    // Half of the sphere's area lies within 30 degrees of the equator, and 1 - sin 60 of it beyond 60.
    const near = all.filter(({ declination }) => Math.abs(declination) < 30).length / count;
    const polar = all.filter(({ declination }) => Math.abs(declination) > 60).length / count;
    const east = all.filter(({ rightAscension }) => rightAscension < 180).length / count;
    expect(near).toBeCloseTo(0.5, 1.7);
    expect(polar).toBeCloseTo(1 - Math.sqrt(3) / 2, 1.7);
    expect(east).toBeCloseTo(0.5, 1.7);
  });
});

test("an even pace keeps its beat, and makes up for nothing", () => {
  expect(nextDue(1000, 100, 1003)).toBe(1100);
  expect(nextDue(1000, 100, 1100)).toBe(1200);
  expect(nextDue(1000, 100, 5050)).toBe(5100);
  fc.assert(
    fc.property(
      fc.nat(1e9),
      fc.integer({ min: 1, max: 60_000 }),
      fc.nat(1e6),
      (due, period, late) => {
        const next = nextDue(due, period, due + late);
        expect(next).toBeGreaterThan(due + late);
        expect(next - (due + late)).toBeLessThanOrEqual(period);
        expect((next - due) % period).toBe(0);
      },
    ),
  );
});

describe("the tally", () => {
  const take = (tally: Tally, seq: number, session = "s", from = "client-1") =>
    tally.take({ from, session, seq });

  test("tells what is passed over, comes late, comes twice, or is from before it looked", () => {
    const tally = new Tally();
    expect(take(tally, 5)).toEqual({ kind: "new", missing: 0, newSession: false });
    expect(take(tally, 6)).toEqual({ kind: "new", missing: 0, newSession: false });
    expect(take(tally, 9)).toEqual({ kind: "new", missing: 2, newSession: false });
    expect(take(tally, 8)).toEqual({ kind: "late" });
    expect(take(tally, 8)).toEqual({ kind: "duplicate" });
    expect(take(tally, 9)).toEqual({ kind: "duplicate" });
    expect(take(tally, 4)).toEqual({ kind: "earlier" });
    expect(take(tally, 1, "another")).toEqual({ kind: "new", missing: 0, newSession: true });
    expect(take(tally, 10)).toEqual({ kind: "new", missing: 0, newSession: false });
    expect(take(tally, 1, "s", "client-2")).toMatchObject({ kind: "new", newSession: false });
  });

  test("for any deliveries: what is lost is what never came, what is double is what came again", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 2, max: 40 }), { maxLength: 80 }), (seqs) => {
        const tally = new Tally();
        let [lost, duplicates] = [0, 0];
        for (const seq of [1, ...seqs]) {
          const judged = take(tally, seq);
          if (judged.kind === "new") lost += judged.missing;
          if (judged.kind === "late") lost -= 1;
          if (judged.kind === "duplicate") duplicates += 1;
        }
        const came = new Set([1, ...seqs]);
        expect(lost).toBe(Math.max(...came) - came.size);
        expect(duplicates).toBe(seqs.length + 1 - came.size);
      }),
    );
  });

  test("a gap of millions, or senders without end, take no more than so much", () => {
    const tally = new Tally();
    take(tally, 1);
    expect(take(tally, 2_000_000_000)).toMatchObject({ missing: 1_999_999_998 });
    expect(take(tally, 2_000_000_000 - 5000)).toEqual({ kind: "late" });
    for (let i = 0; i < 1000; i++) take(tally, 1, "s", `sender-${i}`);
    // The first has been forgotten: it is new again.
    expect(take(tally, 7)).toEqual({ kind: "new", missing: 0, newSession: false });
  });
});
