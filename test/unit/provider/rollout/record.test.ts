import fc from "fast-check";

import {
  parseRecord,
  recordedAfter,
  recordedBefore,
  renderRecord,
} from "../../../../provider/rollout/record";

const key = fc.stringMatching(/^[a-z]{1,5}(\.[a-z]{1,5}){0,2}$/);
const value = fc.string().map((text) => text.replaceAll(/[\n\r]/g, ""));

test("a note is read as it was written", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(key, fc.array(value, { minLength: 1 }))), (entries) => {
      const recorded = new Map(entries);
      expect(parseRecord(renderRecord(recorded))).toEqual(recorded);
    }),
  );
  expect(renderRecord(new Map())).toBe("");
  expect(parseRecord("no line of ours\n=x\n")).toEqual(new Map());
});

test("before values are set the former ones stay noted; afterwards only what the broker has", () => {
  const before = recordedBefore(new Map([["a", ["1"]]]), { a: "2", b: "1" });
  expect(before).toEqual(
    new Map([
      ["a", ["1", "2"]],
      ["b", ["1"]],
    ]),
  );
  expect(recordedAfter(before, { own: { a: "2" }, defaults: { b: "1" } })).toEqual(
    new Map([["a", ["2"]]]),
  );
  // Somebody else's value by now.
  expect(recordedAfter(before, { own: { a: "9" }, defaults: {} })).toEqual(new Map());
});
