import { summarise } from "../../../bench/statistics";

describe("summarise", () => {
  it("takes the middle of an odd number of values, in whatever order they came", () => {
    expect(summarise([9, 1, 4])).toEqual({ count: 3, median: 4, min: 1, max: 9 });
  });

  it("takes the mean of the two in the middle of an even number", () => {
    expect(summarise([10, 1, 2, 4])).toEqual({ count: 4, median: 3, min: 1, max: 10 });
  });

  it("sorts by number, not by text", () => {
    expect(summarise([10, 9, 100]).median).toBe(10);
  });

  it("leaves the values in the order of measuring", () => {
    const values = [3, 1, 2];
    summarise(values);
    expect(values).toEqual([3, 1, 2]);
  });

  it("has nothing to say of nothing", () => {
    expect(() => summarise([])).toThrow("nothing was measured");
  });
});
