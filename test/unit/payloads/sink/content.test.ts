import * as fc from "fast-check";
import { hasRefusedText, readContent } from "../../../../payloads/sink/content";

const read = (value: unknown) =>
  readContent(Buffer.from(typeof value === "string" ? value : JSON.stringify(value)));

const full = {
  ...{ device: "pi-1", time: "2026-11-28T20:00:00.123Z", seq: 17, session: "s" },
  ...{ temperatureC: 48.3, cpuLoad: 0.42, underVoltage: false, throttled: true },
  clockOffsetSeconds: -0.25,
};

test("a device's message is a reading", () => {
  const { kind, ...rest } = read(full);
  expect(kind).toBe("reading");
  const time = Date.parse(full.time);
  expect(rest).toEqual({ reading: { ...full, time }, payload: JSON.stringify(full) });
});

test("a device tells what it can: no sensor, no clock, further keys", () => {
  const few = { device: "esp32-1", temperatureC: null, humidity: 40 };
  expect(read(few)).toMatchObject({ kind: "reading", reading: { device: "esp32-1" } });
  expect(read({ ...full, time: "2026-11-28T21:00:00+01:00" })).toMatchObject({
    reading: { time: Date.parse("2026-11-28T20:00:00Z") },
  });
});

test("a time in epoch milliseconds is taken, and one that is none costs the reading nothing else", () => {
  const time = Date.parse(full.time);
  expect(read({ ...full, time })).toMatchObject({ kind: "reading", reading: { time } });
  for (const none of ["yesterday", Math.floor(time / 1000), true, null]) {
    const content = read({ ...full, time: none });
    expect(content).toMatchObject({ kind: "reading", reading: { temperatureC: 48.3, seq: 17 } });
    expect(content.kind === "reading" && content.reading.time).toBeUndefined();
  }
});

test.each([
  ["", "raw", "is empty"],
  ["{", "raw", "is no JSON"],
  ["NaN", "raw", "is no JSON"],
  [
    '{"device":"a\\u0000"}',
    "raw",
    "has text that PostgreSQL cannot hold: U+0000, or half a character",
  ],
  ["17", "json", "no telemetry: Invalid input: expected object, received number"],
  ["{}", "json", "no telemetry: device: Invalid input: expected string, received undefined"],
  [{ ...full, temperatureC: "hot" }, "json", "no telemetry: temperatureC: Invalid input"],
  [{ ...full, device: "x".repeat(256) }, "json", /^no telemetry: device: Too big/],
])("%j is kept as %s", (value, kind, fault) => {
  expect(read(value)).toMatchObject({
    kind,
    fault: typeof fault === "string" ? fault : (expect.stringMatching(fault) as string),
  });
});

test("any bytes are something, and only what is JSON has a payload", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const content = readContent(Buffer.from(bytes));
      if (content.kind !== "raw") JSON.parse(content.payload);
    }),
  );
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(readContent(Buffer.from(text)).kind === "raw").toBe(hasRefusedText(text));
    }),
  );
});

test("text that jsonb refuses: U+0000 and halves of characters, however they are written", () => {
  const refused = [
    "\\u0000",
    "\\ud800",
    "\\udc00",
    "\\ud800\\ud800",
    "\\ud800x",
    "\\ud800\\n\\udc00",
  ];
  const taken = ["\\u0001", "\\ud83d\\ude00", "\\\\u0000", "\\\\\\\\ud800", "a", "\\n"];
  for (const text of refused) expect([text, hasRefusedText(`"${text}"`)]).toEqual([text, true]);
  for (const text of taken) expect([text, hasRefusedText(`"${text}"`)]).toEqual([text, false]);
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const escaped = [...text]
        .flatMap((char) => char.split(""))
        .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
        .join("");
      expect(hasRefusedText(`"${escaped}"`)).toBe(text.includes("\0"));
    }),
  );
});
