import * as fc from "fast-check";
import {
  diffProperties,
  firstStep,
  propertyPath,
  Secret,
  UNKNOWN,
} from "../../../../../plugins/common/rpc";

test.each([
  [["a", "b", 0], "a.b[0]"],
  [["nodes", "broker-1.lab", "want"], 'nodes["broker-1.lab"].want'],
  [["config", 'odd"key'], 'config["odd\\"key"]'],
  [["a.b", "c"], '["a.b"].c'],
])("path of %j", (steps, path) => {
  expect(propertyPath(steps)).toBe(path);
  expect(firstStep(path)).toBe(steps[0]);
});

test("the first step of any path is found again", () => {
  const step = fc.string({ minLength: 1 }).filter((text) => !text.includes("\\"));
  fc.assert(
    fc.property(fc.array(step, { minLength: 1 }), (steps) => {
      expect(firstStep(propertyPath(steps))).toBe(steps[0]);
    }),
  );
});

test("names the leaf that changed, not the map around it", () => {
  const olds = { config: { "retention.ms": "1", "segment.ms": "2" }, name: "orders" };
  const news = { config: { "retention.ms": "5", "min.cleanable": "3" }, name: "orders" };
  expect(diffProperties(olds, news)).toEqual({
    'config["retention.ms"]': { kind: "update", inputDiff: false },
    'config["segment.ms"]': { kind: "delete", inputDiff: false },
    'config["min.cleanable"]': { kind: "add", inputDiff: false },
  });
});

test("lists are compared entry by entry", () => {
  expect(Object.keys(diffProperties({ l: [1, 2, 3] }, { l: [1, 5] }))).toEqual(["l[1]", "l[2]"]);
});

test("replaceOn turns every change below that property into a replacement", () => {
  const diff = diffProperties(
    { triggers: ["a"], create: "x" },
    { triggers: ["b", "c"], create: "y" },
    { replaceOn: ["triggers"], inputDiff: true },
  );
  expect(diff).toEqual({
    "triggers[0]": { kind: "update-replace", inputDiff: true },
    "triggers[1]": { kind: "add-replace", inputDiff: true },
    create: { kind: "update", inputDiff: true },
  });
});

test("an unknown counts as changed, also where the old value was one", () => {
  expect(diffProperties({ a: { b: "1" } }, { a: { b: UNKNOWN } })).toEqual({
    "a.b": { kind: "update", inputDiff: false },
  });
  expect(diffProperties({ a: UNKNOWN }, { a: UNKNOWN })).not.toEqual({});
});

test("secrecy alone, null beside absence: no difference", () => {
  expect(diffProperties({ a: "x", b: null }, { a: new Secret("x") })).toEqual({});
  expect(diffProperties({ a: { b: null } }, { a: {} })).toEqual({});
});

test("what is secret as a whole is not taken apart", () => {
  const of = (port: number): Secret => new Secret({ host: "a", port });
  expect(Object.keys(diffProperties({ c: of(1) }, { c: of(2) }))).toEqual(["c"]);
  expect(Object.keys(diffProperties({ c: { port: 1 } }, { c: of(2) }))).toEqual(["c"]);
});

test("nothing differs from itself", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      expect(diffProperties(value as never, structuredClone(value) as never)).toEqual({});
    }),
  );
});
