import fc from "fast-check";

import { Rates } from "../../../../payloads/status-page/rates";

const end = (partition: number, offset: number | bigint, topic = "red") => ({
  ...{ topic, partition },
  offset: BigInt(offset),
});

test("is unknown until a partition was looked at twice", () => {
  const rates = new Rates();
  expect(rates.perSecond("red")).toBeUndefined();
  rates.take([end(0, 500)], 0);
  expect(rates.perSecond("red")).toBeUndefined();
  rates.take([end(0, 500)], 2_000);
  expect(rates.perSecond("red")).toBe(0);
});

test("sums the partitions, each over the time between its own looks", () => {
  const rates = new Rates();
  rates.take([end(0, 0), end(1, 100), end(0, 7, "green")], 0);
  rates.take([end(0, 10)], 2_000);
  rates.take([end(1, 140), end(0, 20)], 4_000);
  expect(rates.perSecond("red")).toBe(20 / 4 + 40 / 4);
  expect(rates.perSecond("green")).toBeUndefined();
});

test("forgets what is older than its window, and a topic that is gone", () => {
  const rates = new Rates();
  rates.take([end(0, 0)], 0);
  rates.take([end(0, 1_000)], 1_000);
  rates.take([end(0, 1_000)], 10_500);
  rates.take([end(0, 1_000)], 11_500);
  expect(rates.perSecond("red")).toBe(0);
  rates.take([end(0, 0, "green")], 30_000);
  expect(rates.perSecond("red")).toBeUndefined();
});

test("begins anew where a log has become shorter, or the clock was set back", () => {
  const rates = new Rates();
  rates.take([end(0, 1_000)], 0);
  rates.take([end(0, 2_000)], 1_000);
  rates.take([end(0, 5)], 2_000);
  expect(rates.perSecond("red")).toBeUndefined();
  rates.take([end(0, 15)], 3_000);
  expect(rates.perSecond("red")).toBe(10);
  rates.take([end(0, 20)], 500);
  expect(rates.perSecond("red")).toBeUndefined();
});

test("is never negative, and exact for an even flow, however the looks fall", () => {
  const looks = fc.array(fc.integer({ min: 100, max: 3_000 }), { minLength: 2, maxLength: 30 });
  fc.assert(
    fc.property(looks, fc.integer({ min: 0, max: 5_000 }), (pauses, perSecond) => {
      const rates = new Rates();
      let at = 0;
      for (const pause of pauses) {
        at += pause;
        rates.take([end(0, BigInt(at * perSecond))], at);
      }
      expect(rates.perSecond("red")).toBeCloseTo(perSecond * 1_000, 3);
    }),
  );
});
