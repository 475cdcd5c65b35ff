import fc from "fast-check";
import {
  filterFault,
  filtersOverlap,
  matchFilter,
  topicNameFault,
} from "../../../../model/data/mqtt-filter";

/** Few names, so that filters and topics meet. */
const name = fc.constantFrom("a", "b", "", "é");
const topic = fc
  .array(name, { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join("/"))
  .filter((text) => text !== "");
const filter = fc
  .tuple(fc.array(fc.oneof(name, fc.constant("+")), { maxLength: 4 }), fc.constantFrom([], ["#"]))
  .map((parts) => parts.flat().join("/"))
  .filter((text) => text !== "");

/** The same rule in another way: as a regular expression over the topic with a slash after each level. */
function matches(of: string, text: string): boolean {
  const pattern = of
    .split("/")
    .map((level) => (level === "#" ? "(?:[^/]*/)*" : level === "+" ? "[^/]*/" : `${level}/`));
  return new RegExp(`^${pattern.join("")}$`).test(`${text}/`);
}

describe("filterFault", () => {
  test.each([
    ["", "is empty"],
    ["a#", "has a `#` that is not a whole level"],
    ["a/#b", "has a `#` that is not a whole level"],
    ["#/a", "has a `#` before its end"],
    ["a/#/#", "has a `#` before its end"],
    ["a/b+", "has a `+` that is not a whole level"],
    ["++", "has a `+` that is not a whole level"],
    ["$SYS/#", "begins with `$`, as the broker's own topics do"],
    ["$share/g/a", "begins with `$`, as the broker's own topics do"],
    ["a\nb", "holds a character that MQTT advises against: a control character or none at all"],
    ["a\u0000", "holds a character that MQTT advises against: a control character or none at all"],
    ["a\ud800", "holds a character that MQTT advises against: a control character or none at all"],
    ["é".repeat(32_768), "has more than 65535 bytes"],
    ["/".repeat(200), "has 201 levels; at most 200 fit"],
  ])("%j", (text, fault) => expect(filterFault(text)).toBe(fault));

  test.each(["#", "+", "/", "a/b", "a/+/b/#", "+/+", "a//b", "a $b", "/".repeat(199)])(
    "%j is legal",
    (text) => expect(filterFault(text)).toBeUndefined(),
  );

  test("a topic is a filter without wildcards", () => {
    expect(topicNameFault("a/b")).toBeUndefined();
    for (const wild of ["a/+", "#"]) expect(topicNameFault(wild)).toBe("holds a wildcard");
    expect(topicNameFault("a/b#")).toBe("has a `#` that is not a whole level");
  });
});

describe("matchFilter", () => {
  test.each([
    ["hosts/+/telemetry", "hosts/client-1/telemetry", ["client-1"]],
    ["+/+", "a/b", ["a", "b"]],
    ["+/+/#", "a/b/c/d", ["a", "b"]],
    ["+", "", [""]],
    ["/+", "/a", ["a"]],
    ["a/#", "a", []],
    ["a/#", "a/b/c", []],
    ["#", "a/b", []],
    ["+", "/a", undefined],
    ["a/+", "a", undefined],
    ["a/+/#", "a", undefined],
    ["a", "a/b", undefined],
    ["a/#", "ab", undefined],
    ["#", "$SYS/broker", undefined],
    ["+/broker", "$SYS/broker", undefined],
    ["$SYS/#", "$SYS/broker", []],
  ])("%s and %s: %j", (of, text, stoodFor) => expect(matchFilter(of, text)).toEqual(stoodFor));

  test("agrees with a regular expression made of the filter", () => {
    fc.assert(
      fc.property(filter, topic, (of, text) => {
        expect(matchFilter(of, text) !== undefined).toBe(matches(of, text));
      }),
      { numRuns: 2000 },
    );
  });

  test("what each + stood for, put in its place, gives the topic back", () => {
    const plain = fc
      .array(fc.oneof(name, fc.constant("+")), { minLength: 1, maxLength: 4 })
      .map((levels) => levels.join("/"));
    fc.assert(
      fc.property(plain, topic, (of, text) => {
        const stoodFor = matchFilter(of, text);
        fc.pre(stoodFor !== undefined);
        const rest = [...stoodFor];
        const filled = of.split("/").map((level) => (level === "+" ? rest.shift() : level));
        expect(filled.join("/")).toBe(text);
        expect(rest).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("filtersOverlap", () => {
  test.each([
    ["a/#", "+/b", true],
    ["a/#", "a", true],
    ["a/+", "+/b", true],
    ["a/b", "a/c", false],
    ["a/+", "a", false],
    ["a/b", "a/b", true],
    ["hosts/+/telemetry", "devices/#", false],
    ["+/x", "a/+/#", true],
  ])("%s and %s: %s", (a, b, expected) => {
    expect(filtersOverlap(a, b)).toBe(expected);
    expect(filtersOverlap(b, a)).toBe(expected);
  });

  test("holds wherever one topic matches both", () => {
    fc.assert(
      fc.property(filter, filter, topic, (a, b, text) => {
        fc.pre(matchFilter(a, text) !== undefined && matchFilter(b, text) !== undefined);
        expect(filtersOverlap(a, b)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test("holds nowhere else: what two filters have in common can be written down", () => {
    const common = (a: string, b: string): string => {
      const [x, y] = [a.split("/"), b.split("/")];
      const levels: string[] = [];
      for (let i = 0; i < Math.max(x.length, y.length); i++) {
        const rest = x[i] === "#" ? y.slice(i) : y[i] === "#" ? x.slice(i) : undefined;
        if (rest !== undefined) return [...levels, ...rest.filter((l) => l !== "#")].join("/");
        levels.push(x[i] === "+" ? y[i]! : x[i]!);
      }
      return levels.join("/");
    };
    fc.assert(
      fc.property(filter, filter, (a, b) => {
        fc.pre(filtersOverlap(a, b));
        const text = common(a, b).replaceAll("+", "z");
        expect([a, b, text, matches(a, text), matches(b, text)]).toEqual([a, b, text, true, true]);
      }),
      { numRuns: 2000 },
    );
  });
});
