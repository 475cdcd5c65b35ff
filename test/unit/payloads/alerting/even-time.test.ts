import { EvenTime } from "../../../../payloads/alerting/even-time";

const WALL = Date.parse("2026-11-28T20:00:00Z");

function looks(...moments: readonly (readonly [wallMs: number, steadyMs: number])[]): boolean[] {
  const time = new EvenTime();
  return moments.map(([wall, steady]) => time.look(WALL + wall, steady));
}

test("time that passes as it should is even, also where looks are late and the clock is slewed", () => {
  expect(looks([0, 0], [250, 250], [1_950, 2_000], [4_100, 4_000])).toEqual(Array(4).fill(true));
});

test("a program that stood still, and a clock that was set, show once", () => {
  expect(looks([0, 0], [12_000, 12_000], [12_250, 12_250])).toEqual([true, false, true]);
  expect(looks([0, 0], [3_600_250, 250], [3_600_500, 500])).toEqual([true, false, true]);
  expect(looks([0, 0], [-9_750, 250], [-9_500, 500])).toEqual([true, false, true]);
});
