import { parseReading } from "../../../../payloads/alerting/core/reading";

const NOW = Date.parse("2026-11-28T20:00:01Z");
const fields = new Set(["temperatureC", "underVoltage", "clockOffsetSeconds"]);
const parse = (value: string, key?: string) =>
  parseReading(
    {
      key: key === undefined ? undefined : Buffer.from(key),
      value: Buffer.from(value),
      timestampMs: NOW,
    },
    fields,
  );
const message = (rest: string) => `{"device":"a","time":"2026-11-28T20:00:00.500Z",${rest}}`;

test("a message of the lab's telemetry", () => {
  const text = message('"seq":1,"temperatureC":48.3,"cpuLoad":0.4,"underVoltage":true');
  expect(parse(text)).toEqual({
    faults: [],
    reading: {
      ...{ device: "a", timeMs: NOW - 500, arrivedMs: NOW },
      values: { temperatureC: 48.3, underVoltage: 1 },
    },
  });
});

test("what is not known is no fault, and no value", () => {
  expect(parse(message('"temperatureC":null'))).toMatchObject({
    faults: [],
    reading: { values: {} },
  });
});

test.each([
  ["not JSON", "x"],
  ["a list", "[1]"],
  ["no device", '{"temperatureC":1}'],
  ["an empty device", '{"device":"","temperatureC":1}'],
  ["control characters", '{"device":"a\\u0007"}'],
  ["a name without end", `{"device":"${"x".repeat(129)}"}`],
])("%s is malformed", (_, text) => {
  expect(parse(text)).toEqual({ reading: undefined, faults: ["malformed"] });
});

test("the record's key stands for a device that does not name itself", () => {
  expect(parse('{"temperatureC":1}', "esp32-1").reading?.device).toBe("esp32-1");
});

test.each(["NaN", "-Infinity", '"NaN"', "1e999", "151", "-300", '"hot"', "[48]", "{}"])(
  "a temperature of %s is absurd, and the rest of the message holds",
  (temperature) => {
    const parsed = parse(message(`"temperatureC": ${temperature} ,"underVoltage":false`));
    expect(parsed.faults).toEqual(["absurd"]);
    expect(parsed.reading?.values).toEqual({ underVoltage: 0 });
  },
);

test("a time of the future is that of the arrival, and tells of the clock", () => {
  const parsed = parse('{"device":"a","time":"2026-11-28T20:01:01Z","temperatureC":40}');
  expect(parsed.faults).toEqual(["future"]);
  expect(parsed.reading).toMatchObject({
    timeMs: NOW,
    values: { temperatureC: 40, clockOffsetSeconds: 60 },
  });
});

test("clocks that agree within two seconds are none of the future", () => {
  const parsed = parse('{"device":"a","time":"2026-11-28T20:00:02.9Z"}');
  expect(parsed).toMatchObject({ faults: [], reading: { timeMs: NOW, values: {} } });
});

test.each(['"yesterday"', '"2026-11-28T20:00:00"', "true", "-5", "1795896000", '""'])(
  "a time of %s is none: that of the arrival stands for it",
  (time) => {
    const parsed = parse(`{"device":"a","time":${time}}`);
    expect(parsed).toMatchObject({ faults: ["no-time"], reading: { timeMs: NOW } });
  },
);

test("epoch milliseconds are taken", () => {
  expect(parse(`{"device":"a","time":${NOW - 5}}`).reading?.timeMs).toBe(NOW - 5);
});
