import * as fc from "fast-check";
import {
  timeIn,
  keyMaker,
  planSessions,
  sliceOf,
  type Route,
} from "../../../../payloads/bridge/routes";

const route = (from: string, key = "{topic}"): Route => ({ from, topic: "telemetry", key });

describe("a record's key", () => {
  it.each([
    ["hosts/+/telemetry", "{1}", "hosts/client-1/telemetry", "client-1"],
    ["+/+/#", "{2}-{1}", "devices/esp/a/b", "esp-devices"],
    ["+/x", "{1}", "/x", ""],
    ["a/#", "{topic}", "a/b/c", "a/b/c"],
    ["a/+", "all of {1}: {topic}", "a/$&", "all of $&: a/$&"],
    ["a/+", "{1}", "a/{topic}", "{topic}"],
    ["a/b", "fixed", "a/b", "fixed"],
  ])("of %s by %s for %s is %s", (from, key, topic, expected) => {
    expect(keyMaker(route(from, key))(topic)).toBe(expected);
  });
});

describe("sessions", () => {
  it("are one for each route and bridge, with ids that hold for filter and slices alone", () => {
    const [first, second, third] = planSessions([route("a/+"), route("b/#")], 2);
    expect(first?.id).toMatch(/^bridge-[0-9a-f]{12}-1-of-2$/);
    expect(second?.id).toBe(first?.id.replace("1-of", "2-of"));
    expect(third?.id).not.toBe(first?.id);
    const other = planSessions([{ from: "a/+", topic: "elsewhere", key: "{1}" }], 2)[0];
    expect(other?.id).toBe(first?.id);
    expect(planSessions([route("a/+")], 1)[0]?.id).not.toBe(first?.id);
  });

  it("take each topic once between them", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 9 }), (topic, slices) => {
        const slice = sliceOf(topic, slices);
        expect(Number.isInteger(slice) && slice >= 0 && slice < slices).toBe(true);
        expect(sliceOf(topic, slices)).toBe(slice);
      }),
    );
  });

  it("share the topics of a lab's devices about evenly", () => {
    const counts = [0, 0, 0];
    for (let i = 0; i < 3000; i++) counts[sliceOf(`load/device-${i}`, 3)]!++;
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});

describe("the time of an event", () => {
  it.each<[string, number | undefined]>([
    ['{"time":"2026-11-28T20:00:00.123Z"}', Date.UTC(2026, 10, 28, 20, 0, 0, 123)],
    ['{"time":1795896000123}', 1_795_896_000_123],
    ['{"time":"never"}', undefined],
    ['{"time":5}', undefined],
    ["{", undefined],
    ["[1]", undefined],
    ["", undefined],
    [`{"time":"2026-11-28T20:00:00Z","pad":"${"x".repeat(5000)}"}`, undefined],
  ])("in %.40s is %p", (payload, expected) => {
    expect(timeIn(Buffer.from(payload))).toBe(expected);
  });
});
