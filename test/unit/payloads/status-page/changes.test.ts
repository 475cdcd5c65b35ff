import fc from "fast-check";

import { allOf, changesBetween, pack } from "../../../../payloads/status-page/changes";

const items = fc
  .dictionary(
    fc.oneof(fc.constantFrom("host a", "topic __proto__", "lab"), fc.string({ maxLength: 5 })),
    fc.record({ a: fc.integer({ max: 3, min: 0 }), b: fc.string({ maxLength: 3 }) }),
    { noNullPrototype: true },
  )
  .map((record) => new Map<string, object>(Object.entries(record)));

/** As the page does. */
function apply(shown: Map<string, unknown>, changes: string): void {
  for (const [key, item] of Object.entries(JSON.parse(changes) as Record<string, unknown>)) {
    if (item === null) shown.delete(key);
    else shown.set(key, item);
  }
}

test("the page comes to what is there, whatever was there before", () => {
  fc.assert(
    fc.property(items, items, (before, after) => {
      const shown = new Map<string, unknown>();
      apply(shown, allOf(pack(before)));
      const changes = changesBetween(pack(before), pack(after));
      if (changes !== undefined) apply(shown, changes);
      expect(Object.fromEntries(shown)).toEqual(Object.fromEntries(after));
      expect(changesBetween(pack(after), pack(after))).toBeUndefined();
    }),
  );
});

test("only what differs is sent, in one line", () => {
  const before = pack(
    new Map<string, object>([
      ["a", { x: 1 }],
      ["b", { x: 1 }],
      ["c", {}],
    ]),
  );
  const after = pack(
    new Map<string, object>([
      ["a", { x: 1 }],
      ["b", { x: "two\nlines" }],
    ]),
  );
  expect(changesBetween(before, after)).toBe('{"b":{"x":"two\\nlines"},"c":null}');
});
