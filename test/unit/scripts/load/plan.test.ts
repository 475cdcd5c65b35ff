import type { BridgeRoute, Lab, TopicName } from "../../../../model";
import {
  loadRoute,
  nextOfRamp,
  parseDevices,
  parseRate,
  recordTime,
} from "../../../../scripts/lib/load/plan";
import { labFixture } from "../../../support/lab-fixture";

test.each([
  ["5", [5]],
  ["5,50, 350", [5, 50, 350]],
])("--devices %p", (text, devices) => {
  expect(parseDevices(text)).toEqual(devices);
});

test.each(["", "5,", "-5", "1.5", "1e3", "0x10", "five"])("--devices %p is refused", (text) => {
  expect(() => parseDevices(text)).toThrow(/^--devices: ".*" is not a whole number/);
});

test("--rate takes decimals, and no other numbers", () => {
  expect([parseRate("1"), parseRate("0.5")]).toEqual([1, 0.5]);
  for (const text of ["", "-1", "1e3", "Infinity", ".5", "1,5"]) {
    expect(() => parseRate(text)).toThrow(/^--rate: ".*" is not a number/);
  }
});

test("a ramp doubles the devices, up to as many as may connect, then the rate, up to the most", () => {
  const ceiling = { devices: 1500, messagesPerSecond: 7000, totalSeconds: 60 };
  const stages: string[] = [];
  let stage = nextOfRamp({ devices: 350, ratePerSecond: 1, seconds: 10 }, ceiling, 10);
  for (; stage !== undefined; stage = nextOfRamp(stage, ceiling, 10 + 10 * stages.length)) {
    expect(stage.seconds).toBe(10);
    stages.push(`${stage.devices} x ${stage.ratePerSecond}`);
  }
  expect(stages).toEqual(["700 x 1", "1400 x 1", "1500 x 1", "1500 x 2", "1500 x 4"]);
});

test("a ramp ends before all its stages together take longer than they may", () => {
  const ceiling = { devices: 1500, messagesPerSecond: 7000, totalSeconds: 30 };
  const stage = { devices: 1, ratePerSecond: 1, seconds: 10 };
  expect(nextOfRamp(stage, ceiling, 20)).toMatchObject({ devices: 2, seconds: 10 });
  expect(nextOfRamp(stage, ceiling, 21)).toBeUndefined();
});

const lab = labFixture();
const route = (from: string, topic = "red"): BridgeRoute => ({
  from,
  topic: topic as TopicName,
  key: "{topic}",
});
function labWith(...routes: BridgeRoute[]): Lab {
  const host = lab.hosts[0]!.name;
  const mqtt = { host, port: 1883, maxConnections: 10, devices: [] };
  const limits = { maxQueuedMessages: 1, maxMessageBytes: 1 };
  const bridge = { hosts: [host], routes, deadLetters: undefined };
  return { ...lab, data: { ...lab.data, mqtt: { ...mqtt, ...limits }, bridge } };
}

test("the devices' messages come by the route that takes them all", () => {
  const chosen = loadRoute(labWith(route("hosts/#"), route("load/#", "blue")), 50);
  expect(chosen.topic).toBe("blue");
});

test("a lab that would not bring the messages into Kafka is told what to add", () => {
  expect(() => loadRoute(lab, 1)).toThrow(/^mqtt: the lab has no MQTT broker .* Add `mqtt`/);
  const { data } = labWith();
  expect(() => loadRoute({ ...lab, data: { ...data, bridge: undefined } }, 1)).toThrow(
    /^bridge: the lab carries no MQTT messages into Kafka/,
  );
  expect(() => loadRoute(labWith(route("hosts/#"), route("devices/+/x")), 1)).toThrow(
    "bridge.routes: none takes load/load-1 into Kafka. There are: hosts/#, devices/+/x. Add a route `{ from: load/#, topic: TOPIC }`",
  );
  expect(() => loadRoute(labWith(route("load/load-1")), 2)).toThrow(
    "bridge.routes: load/load-1 takes load/load-1 and not load/load-2, so that not all devices' messages come into red.",
  );
});

test("what a record's time stamp is, is the topic's setting, else the brokers', else Kafka's", () => {
  const [red] = lab.topics;
  const type = "message.timestamp.type";
  expect(recordTime(lab, red!.name)).toBe("CreateTime");
  const settings = { [`log.${type}`]: "LogAppendTime" };
  const appending: Lab = { ...lab, cluster: { ...lab.cluster, settings } };
  expect(recordTime(appending, red!.name)).toBe("LogAppendTime");
  const topics = [{ ...red!, config: { [type]: "CreateTime" } }];
  expect(recordTime({ ...appending, topics }, red!.name)).toBe("CreateTime");
});
