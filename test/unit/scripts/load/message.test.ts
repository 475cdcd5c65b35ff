import fc from "fast-check";
import { decodeMessage, deviceTopic, encodeMessage } from "../../../../scripts/lib/load/message";

const DUE_MS = Date.UTC(2026, 10, 28, 20, 0, 0, 123);

test("a message is a host's telemetry with its number", () => {
  const text = encodeMessage("s-1", { device: 16, sequence: 4 }, DUE_MS);
  expect(JSON.parse(text)).toEqual({
    device: "load-17",
    time: "2026-11-28T20:00:00.123Z",
    seq: 4,
    session: "s-1",
    temperatureC: 42,
    cpuLoad: 0.2,
  });
  expect(deviceTopic(16)).toBe("load/load-17");
});

test("what is sent is known again, by its own session alone", () => {
  fc.assert(
    fc.property(fc.nat(20_000), fc.nat(10_000_000), (device, sequence) => {
      const value = Buffer.from(encodeMessage("s-1", { device, sequence }, DUE_MS));
      expect(decodeMessage("s-1", value)).toEqual({ device, sequence });
      expect(decodeMessage("s-2", value)).toBeUndefined();
      expect(decodeMessage("s-", value)).toBeUndefined();
    }),
  );
});

test.each([
  ["nothing", null],
  ["no JSON", Buffer.from("s-1 {")],
  ["no object", Buffer.from('"s-1"')],
  ["null", Buffer.from("null")],
  ["another device", Buffer.from('{"device":"client-1","seq":1,"session":"s-1"}')],
  ["no number", Buffer.from('{"device":"load-1","seq":"1","session":"s-1"}')],
  ["the session elsewhere", Buffer.from('{"device":"load-1","seq":1,"note":"s-1"}')],
])("a record that holds %s is none of ours", (_what, value) => {
  expect(decodeMessage("s-1", value)).toBeUndefined();
});
