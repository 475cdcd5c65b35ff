import fc from "fast-check";
import {
  chooseZone,
  cpuLoad,
  nextTick,
  parseCpuTimes,
  parseTemperature,
  parseThrottled,
  parseTracking,
  telemetryMessage,
} from "../../../../payloads/telemetry/core";

const zone = (number: number, type: string) => ({ number, type });

describe("chooseZone", () => {
  test.each([
    ["of a Pi", [zone(0, "cpu-thermal\n")], 0],
    ["beside others", [zone(0, "gpu-thermal\n"), zone(10, "cpu-thermal\n"), zone(2, "nvme\n")], 10],
    ["of a PC", [zone(1, "acpitz"), zone(3, "x86_pkg_temp")], 3],
    ["the first where none is the processor's", [zone(4, "acpitz"), zone(1, "iwlwifi_1")], 1],
  ])("%s", (_, zones, number) => expect(chooseZone(zones)?.number).toBe(number));

  test("none of none", () => expect(chooseZone([])).toBeUndefined());
});

test.each([
  ["48312\n", 48.312],
  ["0", 0],
  ["-5500\n", -5.5],
  ["150000", 150],
  ["150001", null],
  ["-273000", null],
  ["", null],
  ["N/A\n", null],
  ["1e4", null],
])("the temperature %j is %p °C", (text, celsius) => expect(parseTemperature(text)).toBe(celsius));

describe("the load", () => {
  const stat = "cpu  100 10 50 800 40 5 5 10 30 3\ncpu0 50 5 25 400 20 2 3 5 15 1\nintr 9\n";

  test("is read from the line of all cores: neither idle nor waiting, and guests counted once", () => {
    expect(parseCpuTimes(stat)).toEqual({ busy: 180, total: 1020 });
    expect(parseCpuTimes("cpu  1 2 3 4\n")).toEqual({ busy: 6, total: 10 });
  });

  test.each(["", "cpu0 1 2 3 4\n", "cpu  1 2 3\n", "cpu  a b c d\n"])("is not in %j", (text) =>
    expect(parseCpuTimes(text)).toBeUndefined(),
  );

  test("is the busy part of the time between two readings", () => {
    expect(cpuLoad({ busy: 100, total: 1000 }, { busy: 142, total: 1100 })).toBe(0.42);
    expect(cpuLoad({ busy: 0, total: 0 }, { busy: 1, total: 3 })).toBe(0.3333);
  });

  test("is not told without two readings that differ", () => {
    const some = { busy: 1, total: 2 };
    expect(cpuLoad(undefined, some)).toBeNull();
    expect(cpuLoad(some, undefined)).toBeNull();
    expect(cpuLoad(some, some)).toBeNull();
  });

  test("is never outside 0 to 1, whatever the kernel corrects", () => {
    const times = fc.record({ busy: fc.nat(1000), total: fc.nat(1000) });
    fc.assert(
      fc.property(times, times, (a, b) => {
        const load = cpuLoad(a, b);
        expect(load === null || (load >= 0 && load <= 1)).toBe(true);
        expect(load === null).toBe(b.total <= a.total);
      }),
    );
  });
});

test.each([
  ["0\n", { underVoltage: false, throttled: false }],
  ["1\n", { underVoltage: true, throttled: false }],
  ["50005\n", { underVoltage: true, throttled: true }],
  ["0x50000", { underVoltage: false, throttled: false }],
  ["e0008", { underVoltage: false, throttled: false }],
  ["4", { underVoltage: false, throttled: true }],
  ["", undefined],
  ["throttled=0x0", undefined],
])("the firmware's %j", (text, told) => expect(parseThrottled(text)).toEqual(told));

describe("chrony's tracking", () => {
  const line = (offset: string, leap = "Normal", stratum = "3") =>
    `0A2A0001,10.0.42.1,${stratum},1795900000.123456789,${offset},0.000002,0.00004,-1.2,0.1,0.3,0.001,0.02,64.5,${leap}\n`;

  test.each([
    [line("0.000012345"), 0.000012],
    [line("-1.500000000"), -1.5],
    [line("0.000000000", "Not synchronised", "0"), undefined],
    [line("0.1", "Normal", "0"), undefined],
    [line("x"), undefined],
    [line(""), undefined],
    ["", undefined],
    ["506 Cannot talk to daemon\n", undefined],
  ])("%j", (text, seconds) => expect(parseTracking(text)).toBe(seconds));
});

describe("the message", () => {
  const origin = { device: "client-1", session: "s1", seq: 17 };
  const time = new Date("2026-11-28T20:00:00.123Z");

  test("has what every machine tells", () => {
    const text = telemetryMessage(origin, { time, temperatureC: 48.3, cpuLoad: 0.42 });
    expect(text).toBe(
      '{"device":"client-1","time":"2026-11-28T20:00:00.123Z","seq":17,"session":"s1","temperatureC":48.3,"cpuLoad":0.42}',
    );
  });

  test("has null for a sensor that is not there, and what else a Pi tells", () => {
    const throttling = { underVoltage: true, throttled: false };
    const reading = {
      time,
      temperatureC: null,
      cpuLoad: null,
      throttling,
      clockOffsetSeconds: -0.5,
    };
    expect(JSON.parse(telemetryMessage(origin, reading))).toEqual({
      ...{ ...origin, time: "2026-11-28T20:00:00.123Z", temperatureC: null, cpuLoad: null },
      ...{ underVoltage: true, throttled: false, clockOffsetSeconds: -0.5 },
    });
  });
});

describe("nextTick", () => {
  test("is on the whole second, minute or hour", () => {
    expect(nextTick(1_700_000_000_123, 1000, undefined)).toBe(1_700_000_001_000);
    expect(nextTick(1_700_000_000_000, 1000, undefined)).toBe(1_700_000_001_000);
    expect(nextTick(Date.UTC(2026, 0, 1, 12, 34, 56), 3_600_000, undefined)).toBe(
      Date.UTC(2026, 0, 1, 13),
    );
  });

  test("a timer that fires early does not make two of one tick", () => {
    expect(nextTick(9_998, 1000, 10_000)).toBe(11_000);
  });

  test("a machine that stood still goes on with the next tick, without making up for the missed", () => {
    expect(nextTick(60_500, 1000, 10_000)).toBe(61_000);
  });

  test("a clock that was set back is followed at once", () => {
    expect(nextTick(5_000_300, 1000, 9_000_000)).toBe(5_001_000);
  });

  test("is on the grid, later than now, and at most two periods away", () => {
    const at = fc.integer({ min: 0, max: 1e12 });
    fc.assert(
      fc.property(at, fc.integer({ min: 1, max: 3600 }), at, (now, seconds, other) => {
        const period = seconds * 1000;
        const last = Math.floor(other / period) * period;
        const due = nextTick(now, period, last);
        expect(due % period).toBe(0);
        expect(due).toBeGreaterThan(now);
        expect(due - now).toBeLessThanOrEqual(2 * period);
        expect(due).not.toBe(last);
      }),
    );
  });
});
