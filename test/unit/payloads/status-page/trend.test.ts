import { POINT_MS, POINTS, Trend } from "../../../../payloads/status-page/trend";

test("has a point for each step, the last value of each, and gaps where nothing came", () => {
  const trend = new Trend();
  expect(trend.points(0)).toEqual([]);
  trend.take(40, 0);
  trend.take(41, POINT_MS - 1);
  trend.take(44, 3 * POINT_MS);
  expect(trend.points(3 * POINT_MS)).toEqual([41, null, null, 44]);
  // A step that has just begun is no gap.
  expect(trend.points(4 * POINT_MS)).toEqual([41, null, null, 44, 44]);
});

test("keeps ten minutes, also where the clock goes back", () => {
  const trend = new Trend();
  for (let i = 0; i < 3 * POINTS; i++) trend.take(i, i * POINT_MS);
  const now = (3 * POINTS - 1) * POINT_MS;
  expect(trend.points(now)).toEqual(Array.from({ length: POINTS }, (_, i) => 2 * POINTS + i));
  trend.take(7, 100 * POINT_MS);
  expect(trend.points(100 * POINT_MS)).toEqual([7]);
  expect(trend.points(now + POINTS * POINT_MS)).toEqual([]);
});
