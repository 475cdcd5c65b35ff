import fc from "fast-check";
import { Ledger } from "../../../../scripts/lib/load/ledger";

const TOTAL = 12;
const events = fc.array(
  fc.record({
    what: fc.constantFrom("send" as const, "acknowledge" as const, "readBack" as const),
    index: fc.nat(TOTAL - 1),
  }),
  { maxLength: 80 },
);

test("counts are those of sets of messages, whatever happens in whatever order", () => {
  fc.assert(
    fc.property(events, (all) => {
      const ledger = new Ledger(TOTAL);
      const sets = { send: new Set(), acknowledge: new Set(), readBack: new Set() };
      let records = 0;
      for (const { what, index } of all) {
        expect(ledger[what](index)).toBe(!sets[what].has(index));
        sets[what].add(index);
        if (what === "readBack") records += 1;
      }
      const missing = [...sets.acknowledge].filter((index) => !sets.readBack.has(index));
      expect({ ...pick(ledger) }).toEqual({
        sent: sets.send.size,
        acknowledged: sets.acknowledge.size,
        read: sets.readBack.size,
        records,
        duplicates: records - sets.readBack.size,
        missing: missing.length,
      });
      const inOrder = (missing as number[]).sort((a, b) => a - b);
      expect(ledger.firstMissing(3)).toEqual(inOrder.slice(0, 3));
    }),
  );
});

function pick({ sent, acknowledged, read, records, duplicates, missing }: Ledger) {
  return { sent, acknowledged, read, records, duplicates, missing };
}

test("a message that the stage does not have is a bug", () => {
  const ledger = new Ledger(3);
  expect(() => ledger.send(3)).toThrow(new RangeError("there is no message 3 of 3"));
  expect(() => ledger.acknowledge(-1)).toThrow(RangeError);
});
