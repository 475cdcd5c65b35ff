import fc from "fast-check";
import { ConfigError } from "../../../model";
import { compareNatural, labPath, oneOf, show, showTyped } from "../../../model/errors";

describe("ConfigError", () => {
  it("lists its problems in the order of their paths", () => {
    const problem = (path: string) => ({ path, value: "5", cause: "is bad", remedy: "Give 6." });
    const error = new ConfigError(["lab.b", "lab.a-10", "lab.a-9"].map(problem));
    expect(error.message).toBe(
      [
        "The lab's configuration has 3 problems; nothing was changed.",
        "  lab.a-9: 5 is bad. Give 6.",
        "  lab.a-10: 5 is bad. Give 6.",
        "  lab.b: 5 is bad. Give 6.",
      ].join("\n"),
    );
    expect(error.problems.map(({ path }) => path)).toEqual(["lab.a-9", "lab.a-10", "lab.b"]);
  });

  it("leaves the value out where there is none", () => {
    const error = new ConfigError([
      { path: "lab.name", value: undefined, cause: "is missing", remedy: "Give one." },
    ]);
    expect(error.message).toContain("has 1 problem;");
    expect(error.message).toContain("  lab.name: is missing. Give one.");
  });
});

describe("labPath", () => {
  it("is written as the engine's `--path` takes it", () => {
    expect(labPath("hosts", "broker-2", "port")).toBe("lab.hosts.broker-2.port");
    expect(labPath("topics", "red", "config", "retention.ms")).toBe(
      'lab.topics.red.config["retention.ms"]',
    );
    expect(labPath("clock", "upstream", 1)).toBe("lab.clock.upstream[1]");
  });
});

describe("show", () => {
  it("keeps a problem to one short line", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const shown = show(value) ?? "";
        expect(shown.length).toBeLessThanOrEqual(60);
        expect(shown).not.toMatch(/[\n\r]/);
      }),
    );
  });

  it("tells text from numbers where that matters", () => {
    expect(showTyped("5")).toBe('"5"');
    expect(showTyped("true")).toBe('"true"');
    expect(showTyped(5)).toBe("5");
    expect(showTyped("10.0.42.1")).toBe("10.0.42.1");
    expect(show("5")).toBe("5");
    expect(show("")).toBe('""');
  });
});

describe("compareNatural", () => {
  it("counts as people do", () => {
    expect(["b-10", "b-9", "a", "b-09", "b"].sort(compareNatural)).toEqual([
      "a",
      "b",
      "b-09",
      "b-9",
      "b-10",
    ]);
  });

  it("is a total order", () => {
    const name = fc.string({ unit: fc.constantFrom("a", "b", "0", "1", "9", "-"), maxLength: 6 });
    fc.assert(
      fc.property(name, name, name, (a, b, c) => {
        expect(Math.sign(compareNatural(a, b)) + Math.sign(compareNatural(b, a))).toBe(0);
        expect(compareNatural(a, b) === 0).toBe(a === b);
        if (compareNatural(a, b) < 0 && compareNatural(b, c) < 0) {
          expect(compareNatural(a, c)).toBeLessThan(0);
        }
      }),
    );
  });
});

it("joins alternatives as a sentence does", () => {
  expect([["a"], ["a", "b"], ["a", "b", "c"]].map((values) => oneOf(values))).toEqual([
    "a",
    "a or b",
    "a, b or c",
  ]);
});
