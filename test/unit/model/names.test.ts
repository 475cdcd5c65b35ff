import fc from "fast-check";
import { collisionKey, labelFault, labelFrom, topicFault } from "../../../model/names";
import { nearest } from "../../../model/nearest";

describe("labels", () => {
  it.each(["a", "broker-1", "b2"])("%j is one", (name) => {
    expect(labelFault(name, 40)).toBeUndefined();
  });

  it.each(["", "1", "-a", "a-", "A", "a_b", "a.b", "ä", "a b", "x".repeat(41)])(
    "%j is none",
    (name) => {
      expect(labelFault(name, 40)).toEqual(expect.any(String));
    },
  );

  it("are proposed only where legal and another", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 50 }), (name) => {
        const proposed = labelFrom(name, 40);
        if (proposed === undefined) return;
        expect(labelFault(proposed, 40)).toBeUndefined();
        expect(proposed).not.toBe(name);
      }),
    );
    expect(labelFrom("Broker 1", 40)).toBe("broker-1");
  });
});

describe("topics", () => {
  it("collide as in Kafka, which has `_` for `.` in the names of its metrics", () => {
    expect(collisionKey("a.b_c")).toBe(collisionKey("a_b.c"));
    expect(collisionKey("a-b")).not.toBe(collisionKey("a_b"));
  });

  it.each(["red", "a.b-c_D9", "_x", "...", "x".repeat(249)])("%j is legal", (name) => {
    expect(topicFault(name)).toBeUndefined();
  });

  it.each(["", ".", "..", "a b", "ä", "a/b", "__x", "x".repeat(250)])("%j is not", (name) => {
    expect(topicFault(name)).toEqual(expect.any(String));
  });
});

describe("nearest", () => {
  const known = ["clientPort", "controllerPort", "heapMib", "pi-4b-8gb"];

  it.each([
    ["clintPort", "clientPort"],
    ["heapMB", "heapMib"],
    ["HEAPMIB", "heapMib"],
    ["contr", "controllerPort"],
    ["c", undefined],
    ["port", undefined],
    ["pi-4b", "pi-4b-8gb"],
  ])("%s: %s", (name, expected) => {
    expect(nearest(name, known)).toBe(expected);
  });
});
