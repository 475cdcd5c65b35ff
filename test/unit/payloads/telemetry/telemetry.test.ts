import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Registry } from "prom-client";
import { telemetryConfig } from "../../../../payloads/telemetry/config";
import { machineSensors } from "../../../../payloads/telemetry/sensors";
import { telemetryProgram } from "../../../../payloads/telemetry/telemetry";
import { FakeBroker } from "../../../support/mqtt/fake-broker";
import { waitFor } from "../../../support/wait";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "pi-lab-telemetry-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, text: string): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** A Pi's files, and a chrony that is half a millisecond ahead. */
function putPi(): void {
  put("sys/class/thermal/cooling_device0/type", "fan\n");
  put("sys/class/thermal/thermal_zone0/type", "cpu-thermal\n");
  put("sys/class/thermal/thermal_zone0/temp", "48312\n");
  put("proc/stat", "cpu  100 0 0 900 0 0 0 0 0 0\n");
  put("sys/devices/platform/soc/soc:firmware/get_throttled", "50005\n");
  const tracking = "A,b,3,1.0,0.0005,0,0,0,0,0,0,0,64,Normal";
  put("usr/bin/chronyc", `#!/bin/sh\n[ "$*" = "-c tracking" ] && echo ${tracking}\n`);
  chmodSync(join(root, "usr/bin/chronyc"), 0o755);
}

describe("the sensors of a machine", () => {
  test("of a Pi", async () => {
    putPi();
    const sensors = machineSensors(root);
    expect(sensors.temperature()).toBe(48.312);
    expect(sensors.cpuTimes()).toEqual({ busy: 100, total: 1000 });
    expect(sensors.throttling()).toEqual({ underVoltage: true, throttled: true });
    expect(await sensors.clockOffset()).toBe(0.0005);
  });

  test("of one that tells nothing", async () => {
    const sensors = machineSensors(root);
    expect(sensors.temperature()).toBeNull();
    expect(sensors.cpuTimes()).toBeUndefined();
    expect(sensors.throttling()).toBeUndefined();
    expect(await sensors.clockOffset()).toBeUndefined();
  });

  test("a sensor whose driver comes later is found", () => {
    const sensors = machineSensors(root);
    expect(sensors.temperature()).toBeNull();
    putPi();
    expect(sensors.temperature()).toBe(48.312);
  });

  test("a chrony that does not answer is no offset", async () => {
    put("usr/bin/chronyc", "#!/bin/sh\necho '506 Cannot talk to daemon'\nexit 1\n");
    chmodSync(join(root, "usr/bin/chronyc"), 0o755);
    expect(await machineSensors(root).clockOffset()).toBeUndefined();
  });

  test("of this machine, which runs Linux", () => {
    expect(machineSensors().cpuTimes()!.total).toBeGreaterThan(0);
  });
});

describe("the program", () => {
  let broker: FakeBroker;
  const log = jest.fn();

  beforeEach(async () => {
    broker = new FakeBroker();
    await broker.listen();
  });
  afterEach(() => broker.close());

  const config = () => ({
    host: "client-1",
    endpoint: { address: "127.0.0.1", port: 0 },
    mqtt: { address: "127.0.0.1", port: broker.port, username: "client-1", password: "p" },
    topic: "hosts/client-1/telemetry",
    everySeconds: 1,
  });

  test("publishes each second, on the second, what the machine tells, and ends with nothing left", async () => {
    putPi();
    const metrics = new Registry();
    const { signal } = new AbortController();
    const program = telemetryProgram(machineSensors(root));
    const running = await program.start(config(), { log, metrics, signal });
    await waitFor("a message", () => Promise.resolve(broker.published[0]));
    put("proc/stat", "cpu  125 0 0 975 0 0 0 0 0 0\n");
    await waitFor("three messages", () => Promise.resolve(broker.published[2]));
    expect(running.health()).toBeUndefined();
    const text = await metrics.metrics();
    await running.stop();

    const messages = broker.published.map(
      ({ payload }) => JSON.parse(payload) as Record<string, unknown>,
    );
    const [first, second, third] = messages;
    expect(new Set(broker.published.map(({ topic }) => topic))).toEqual(
      new Set(["hosts/client-1/telemetry"]),
    );
    expect(first).toMatchObject({
      device: "client-1",
      seq: 1,
      temperatureC: 48.312,
      cpuLoad: null,
    });
    expect(second).toEqual({
      ...{ device: "client-1", seq: 2, session: first!["session"], temperatureC: 48.312 },
      ...{ cpuLoad: 0.25, underVoltage: true, throttled: true, clockOffsetSeconds: 0.0005 },
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
    });
    const at = (message = {}) => new Date((message as { time: string }).time).getTime();
    // A timer may come a millisecond before its time.
    for (const message of messages) expect((at(message) + 50) % 1000).toBeLessThan(350);
    expect(at(third) - at(second)).toBeGreaterThan(700);
    expect(text).toContain("pilab_telemetry_temperature_celsius 48.312");
    expect(text).toMatch(/pilab_telemetry_mqtt_acknowledged_total [23]/);

    const { length } = broker.published;
    await new Promise((resolve) => setTimeout(resolve, 1200));
    expect(broker.published).toHaveLength(length);
  });

  test.each([
    ["topic", ""],
    ["everySeconds", 0],
    ["everySeconds", 1.5],
    ["mqtt", { address: "127.0.0.1", port: 1883, username: "a" }],
    ["more", 1],
  ])("takes no configuration whose %s is %j", (key, value) => {
    expect(telemetryConfig.safeParse(config()).success).toBe(true);
    expect(telemetryConfig.safeParse({ ...config(), [key]: value }).success).toBe(false);
  });
});
