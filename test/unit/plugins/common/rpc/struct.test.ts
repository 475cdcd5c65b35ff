import * as fc from "fast-check";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import type { PropertyMap, PropertyValue } from "../../../../../plugins/common/rpc";
import {
  Archive,
  Asset,
  containsSecret,
  containsUnknown,
  fromStruct,
  ResourceReference,
  reveal,
  sameValue,
  Secret,
  toStruct,
  UNKNOWN,
} from "../../../../../plugins/common/rpc";

const SIG = "4dabf18193072939515e22adb298388d";

const overTheWire = (map: PropertyMap): PropertyMap =>
  fromStruct(Struct.deserializeBinary(toStruct(map).serializeBinary()));

/** google-protobuf's maps have no room for __proto__. */
const key = fc.string().filter((text) => text !== "__proto__");

const { value: anyValue } = fc.letrec<{ value: PropertyValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (n === 0 ? 0 : n)),
    fc.string(),
    fc.constant(UNKNOWN),
    fc.string().map((text) => new Asset({ text }, "abc")),
    fc.string({ minLength: 1 }).map((path) => new Archive({ path }, "def")),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(key, tie("value"), { maxKeys: 4 }),
    tie("value").map((value) => new Secret(value)),
  ),
}));

test("every value survives the wire", () => {
  fc.assert(
    fc.property(fc.dictionary(key, anyValue), (map) => {
      expect(overTheWire(map)).toEqual(map);
    }),
  );
});

test("secrets and unknowns are sent as the engine writes them", () => {
  expect(toStruct({ key: new Secret("s"), later: UNKNOWN }).toJavaScript()).toEqual({
    key: { [SIG]: "1b47061264138c4ac30d75fd1eb44270", value: "s" },
    later: "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
  });
});

test.each([
  "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
])("the sentinel %s is read as unknown, nested too", (sentinel) => {
  const struct = Struct.fromJavaScript({ nodes: [{ staged: sentinel }] });
  expect(fromStruct(struct)).toEqual({ nodes: [{ staged: UNKNOWN }] });
  expect(containsUnknown(fromStruct(struct))).toBe(true);
});

test("output values lose their dependencies and keep value and secrecy", () => {
  const output = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
  const struct = Struct.fromJavaScript({
    plain: { [SIG]: output, value: "v", dependencies: ["urn:x"] },
    hidden: { [SIG]: output, value: "v", secret: true },
    later: { [SIG]: output },
  });
  expect(fromStruct(struct)).toEqual({ plain: "v", hidden: new Secret("v"), later: UNKNOWN });
});

test("assets, archives and resource references", () => {
  const map: PropertyMap = {
    file: new Asset({ path: "/tmp/a" }, "h1"),
    folder: new Archive({ assets: { "a.txt": new Asset({ text: "a" }, "h2") } }, "h3"),
    ref: new ResourceReference("urn:x", "id-1"),
  };
  expect(overTheWire(map)).toEqual(map);
});

test("an asset whose content the engine left out keeps its hash", () => {
  const elided = { [SIG]: "c44067f5952c0a294b673a41bacd8c17", hash: "h" };
  const { a } = fromStruct(Struct.fromJavaScript({ a: elided }));
  expect(a).toEqual(new Asset(undefined, "h"));
});

test("undefined properties are left out, a signature nobody knows is refused", () => {
  expect(overTheWire({ a: undefined, b: null })).toEqual({ b: null });
  const strange = Struct.fromJavaScript({ a: { [SIG]: "0000" } });
  expect(() => fromStruct(strange)).toThrow("of a kind that this plugin does not know");
});

test("a secret does not print itself", () => {
  const map = { key: new Secret("hunter2") };
  expect(`${JSON.stringify(map)} ${String(map.key)}`).not.toContain("hunter2");
});

test("reveal unwraps secrets at every depth, and only them", () => {
  const value = new Secret({ list: [new Secret("a"), UNKNOWN] });
  expect(containsSecret(value)).toBe(true);
  expect(reveal(value)).toEqual({ list: ["a", UNKNOWN] });
});

describe("sameValue", () => {
  test("a value without unknowns equals itself, secret or not", () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        expect(sameValue(value, new Secret(value))).toBe(!containsUnknown(value));
      }),
    );
  });

  test("an unknown equals nothing, not even itself", () => {
    expect(sameValue(UNKNOWN, UNKNOWN)).toBe(false);
    expect(sameValue({ a: [UNKNOWN] }, { a: [UNKNOWN] })).toBe(false);
  });

  test("assets are equal by their hash, wherever they lie", () => {
    expect(sameValue(new Asset({ path: "/a" }, "h"), new Asset({ path: "/b" }, "h"))).toBe(true);
    expect(sameValue(new Asset({ path: "/a" }, "h"), new Asset({ path: "/a" }, "i"))).toBe(false);
    expect(sameValue(new Asset({ text: "x" }), new Asset({ text: "y" }))).toBe(false);
    expect(sameValue(new Asset({ text: "x" }, "h"), new Archive({ path: "x" }, "h"))).toBe(false);
  });

  test("one entry more is a difference", () => {
    expect(sameValue([1], [1, 2])).toBe(false);
    expect(sameValue({ a: 1 }, { a: 1, b: 2 })).toBe(false);
  });
});
