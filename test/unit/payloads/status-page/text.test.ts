import fc from "fast-check";

import { plainText } from "../../../../payloads/status-page/text";

test.each([
  ["sensor-1", "sensor-1"],
  ["  two\n\tlines ", "two lines"],
  ["a\u202egnp.exe", "a gnp.exe"],
  ["zero\u200bwidth", "zero width"],
  ["<img src=x onerror=alert(1)>", "<img src=x onerror=…"],
  ["Müßig 😀", "Müßig 😀"],
  ["\ud800lone", "lone"],
  ["\u0000", ""],
])("%j is shown as %j", (text, shown) => {
  expect(plainText(text, 20)).toBe(shown);
});

test("whatever is written, one short line of visible characters comes out, and stays so", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", maxLength: 80 }),
      fc.integer({ min: 1, max: 30 }),
      (text, max) => {
        const plain = plainText(text, max);
        expect([...plain].length).toBeLessThanOrEqual(max);
        expect(plain).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
        expect(plainText(plain, max)).toBe(plain);
      },
    ),
  );
});
