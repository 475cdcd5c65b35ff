import fc from "fast-check";
import {
  lineBatches,
  portions,
  recordOfLine,
  renderLines,
  type BatchLimits,
} from "../../../../scripts/lib/records/lines";

const bytes = fc
  .array(fc.constantFrom(0x0a, 0x0d, 0x61, 0xff), { maxLength: 60 })
  .map((all) => Buffer.from(all));

async function gather(chunks: readonly Buffer[], limits: BatchLimits): Promise<Buffer[][]> {
  const all: Buffer[][] = [];
  // eslint-disable-next-line @typescript-eslint/require-await
  async function* input(): AsyncGenerator<Buffer> {
    yield* chunks;
  }
  for await (const batch of lineBatches(input(), limits)) all.push(batch);
  return all;
}

test("input in any pieces makes the same lines, byte by byte, and no batch is over its limits", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(bytes, { maxLength: 6 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 20 }),
      async (chunks, lines, size) => {
        const batches = await gather(chunks, { lines, bytes: size });
        const text = Buffer.concat(chunks).toString("latin1");
        const expected = text.split("\n");
        if (expected.at(-1) === "") expected.pop();
        expect(batches.flat().map((line) => line.toString("latin1"))).toEqual(expected);
        for (const batch of batches) {
          expect(batch.length).toBeGreaterThan(0);
          expect(batch.length).toBeLessThanOrEqual(lines);
          const total = batch.reduce((sum, line) => sum + line.length, 0);
          if (batch.length > 1) expect(total).toBeLessThanOrEqual(size);
        }
      },
    ),
  );
});

test("a line goes out as soon as it is whole", async () => {
  const seen: string[] = [];
  // eslint-disable-next-line @typescript-eslint/require-await
  async function* typed(): AsyncGenerator<Buffer> {
    yield Buffer.from("one\ntw");
    expect(seen).toEqual(["one"]);
    yield Buffer.from("o\n");
  }
  for await (const batch of lineBatches(typed())) seen.push(...batch.map(String));
  expect(seen).toEqual(["one", "two"]);
});

test("a batch is full by its lines or by its bytes", () => {
  const lines = ["aa", "bb", "c", "dddddd", "e"].map((text) => Buffer.from(text));
  const shown = [...portions(lines, { lines: 2, bytes: 5 })].map((batch) => batch.join());
  expect(shown).toEqual(["aa,bb", "c", "dddddd", "e"]);
});

test("a line's key is given for all, stands before the separator, or is none", () => {
  const line = Buffer.from("a::b::c");
  const shown = (source: Parameters<typeof recordOfLine>[2]) => {
    const { key, value } = recordOfLine(line, 7, source);
    return [key?.toString(), value.toString()];
  };
  expect(shown({})).toEqual([undefined, "a::b::c"]);
  expect(shown({ key: "k" })).toEqual(["k", "a::b::c"]);
  expect(shown({ separator: "::" })).toEqual(["a", "b::c"]);
  expect(() => recordOfLine(line, 7, { separator: "\t" })).toThrow(/^Line 7 has no "\\t"/);
});

test.each([
  [[], 0, ""],
  [[4], 0, "4"],
  [[3, 1, 2, 7, 8, 10], 0, "1 to 3, 7 to 8, 10"],
  [[], 5, "1 to 5"],
  [[6, 7, 9], 5, "1 to 7, 9"],
  [[], 1, "1"],
])("lines %j and all through %d are told as %j", (numbers, through, expected) => {
  expect(renderLines(numbers, through)).toBe(expected);
});
