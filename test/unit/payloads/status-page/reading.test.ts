import { readReading } from "../../../../payloads/status-page/reading";

const MESSAGE = { device: "client-1", temperatureC: 48.3, cpuLoad: 0.42 };

function read(message: unknown, topic?: string) {
  const headers = new Map(topic === undefined ? [] : [["mqtt.topic", Buffer.from(topic)]]);
  const text = typeof message === "string" ? message : JSON.stringify(message);
  return readReading({ value: Buffer.from(text), headers });
}

test("reads what a host tells", () => {
  expect(read({ ...MESSAGE, underVoltage: true, more: [1] }, "hosts/client-1/telemetry")).toEqual({
    ...{ device: "client-1", isHost: true, temperatureC: 48.3, cpuLoad: 0.42 },
    ...{ underVoltage: true, throttled: false },
  });
});

test("takes nobody's word for being a host: the topic tells, on which hosts alone may publish", () => {
  expect(read({ ...MESSAGE, device: "broker-1" }, "devices/esp32-1/temperature")).toMatchObject({
    ...{ device: "esp32-1", isHost: false },
  });
  expect(read(MESSAGE, "hosts/broker-2/telemetry")).toMatchObject({ device: "broker-2" });
  expect(read(MESSAGE, "load/hosts/broker-2/telemetry")).toMatchObject({ isHost: false });
  expect(read(MESSAGE)).toMatchObject({ device: "client-1", isHost: true });
});

test("leaves out what no sensor measures", () => {
  for (const temperatureC of [-56, 151, 1e300, null, undefined]) {
    expect(read({ ...MESSAGE, temperatureC })?.temperatureC).toBeUndefined();
  }
  expect(read({ ...MESSAGE, cpuLoad: 1.5 })?.cpuLoad).toBeUndefined();
});

test.each([
  "",
  "nonsense",
  "[]",
  "null",
  '{"device":7}',
  '{"device":""}',
  '{"device":"a","temperatureC":"48"}',
  '{"device":"a","temperatureC":NaN}',
])("%j is no telemetry", (text) => {
  expect(read(text)).toBeUndefined();
});

test("a device's name is shown as one short line", () => {
  expect(read(MESSAGE, `devices/${"x".repeat(300)}/t`)?.device).toHaveLength(64);
  expect(read({ ...MESSAGE, device: "a\u202eb" }, "other/topic")?.device).toBe("a b");
  expect(read({ ...MESSAGE, device: "x".repeat(255) })?.device).toHaveLength(64);
  expect(read(MESSAGE, `hosts/${"x".repeat(300)}/telemetry`)?.device).toHaveLength(64);
});

test("a name that looks like a host's is none", () => {
  expect(read({ ...MESSAGE, device: "client-1\u200b" })).toMatchObject({
    ...{ device: "client-1", isHost: false },
  });
});
