import type { Address, Lab } from "../../../../model";
import { assertBounded, assertInLab, mostDevices } from "../../../../scripts/lib/load/limits";
import { mqttBroker, roomFor } from "../../../../scripts/lib/load/target";
import { labFixture } from "../../../support/lab-fixture";

const room = { connections: 1_990, because: "mqtt.maxConnections is 2000", openFiles: 20_000 };
const stage = (devices: number, ratePerSecond = 1, seconds = 60) => ({
  devices,
  ratePerSecond,
  seconds,
});

test("the default stages are within bounds, and what is at a bound is", () => {
  expect(() =>
    assertBounded(
      [5, 50, 100, 200, 350].map((n) => stage(n)),
      30,
      room,
    ),
  ).not.toThrow();
  expect(() => assertBounded([stage(1_990, 1, 3_600)], 600, room)).not.toThrow();
  expect(() => assertBounded([stage(1, 0.01, 1)], 1, room)).not.toThrow();
});

test.each([
  [[stage(0)], 30, "--devices: 0 is out of bounds: 1 to 20,000 simulated devices."],
  [[stage(1e9)], 30, "--devices: 1000000000 is out of bounds: 1 to 20,000 simulated devices."],
  [
    [stage(1, 1_001)],
    30,
    "--rate: 1001 is out of bounds: 0.01 to 1,000 messages a second of each device.",
  ],
  [[stage(1, 0)], 30, "--rate: 0 is out of bounds"],
  [[stage(1, 1, 3_601)], 30, "--seconds: 3601 is out of bounds: 1 to 3,600 seconds a stage."],
  [[stage(1)], 601, "--wait: 601 is out of bounds: 1 to 600 seconds."],
  [
    [stage(1_000, 101)],
    30,
    "--devices 1000 at --rate 101 is 101,000 messages a second; 100,000 is the most.",
  ],
  [
    [stage(1_000, 100, 101)],
    30,
    "--devices 1000 at --rate 100 for --seconds 101 is 10,100,000 messages; 10,000,000 a stage is the most.",
  ],
  [
    [stage(2_000)],
    30,
    "--devices: 2,000 is more than the MQTT broker takes, 1,990: mqtt.maxConnections is 2000. Take fewer, or raise mqtt.maxConnections.",
  ],
  [Array(21).fill(stage(1)), 30, "--devices: 21 stages; 1 to 20 are possible."],
  [
    Array(5).fill(stage(1, 1, 3_600)),
    30,
    "--seconds: 18,000 s for all stages together; 14,400 s is the most.",
  ],
])("what is out of bounds is refused with the bound, %#", (stages, waitS, message) => {
  expect(() => assertBounded(stages, waitS, room)).toThrow(message);
});

test("everything is told at once", () => {
  try {
    assertBounded([stage(0, 0, 0)], 30, room);
  } catch (error) {
    expect((error as Error).message.split("\n")).toHaveLength(3);
    return;
  }
  throw new Error("it was not refused");
});

test("connections that this process cannot open are refused", () => {
  const tight = { ...room, openFiles: 1_024 };
  expect(() => assertBounded([stage(825)], 30, tight)).toThrow(
    "--devices: 825 connections need 1,025 open files, and this process may have 1,024.",
  );
  expect([mostDevices(tight), mostDevices(room)]).toEqual([824, 1_990]);
  expect(mostDevices({ ...room, openFiles: 10 })).toBe(0);
});

const lab = labFixture();

test.each([
  ["10.0.42.4", true],
  ["10.0.42.254", true],
  ["10.0.43.1", false],
  ["8.8.8.8", false],
  ["127.0.0.1", false],
  ["example.org", false],
  ["010.0.42.4", false],
])("%p is an address of the lab: %p", (address, inside) => {
  const within: Lab = { ...lab, switch: { ...lab.switch, subnet: "10.0.42.0/24" } };
  if (inside) expect(() => assertInLab(within, address)).not.toThrow();
  else {
    expect(() => assertInLab(within, address)).toThrow(
      `${address} is outside the lab's subnet 10.0.42.0/24: nothing is sent there.`,
    );
  }
});

function labWithMqtt(address?: string): Lab {
  const [host, ...others] = lab.hosts;
  const machine = { ...host!.machine, ...(address && { address: address as Address }) };
  const mqtt = {
    host: host!.name,
    port: 1884,
    maxConnections: 2_000,
    maxQueuedMessages: 1,
    maxMessageBytes: 1,
    devices: [{ name: "esp32-1", publishes: [], subscribes: [] }],
  };
  const data = { ...lab.data, mqtt, telemetry: { everySeconds: 1 } };
  return { ...lab, hosts: [{ ...host!, machine }, ...others], data };
}

test("the load goes to the MQTT broker of the lab's configuration, and nowhere else", () => {
  const own = labWithMqtt();
  expect(mqttBroker(own)).toEqual({ address: own.hosts[0]!.machine.address, port: 1884 });
  expect(() => mqttBroker(lab)).toThrow(/^mqtt: the lab has no MQTT broker/);
  expect(() => mqttBroker(labWithMqtt("192.0.2.1"))).toThrow(
    "192.0.2.1 is outside the lab's subnet",
  );
});

test("the lab's own clients keep their connections", () => {
  const own = labWithMqtt();
  const needs = own.hosts.length + 1;
  expect(roomFor(own, 1_000)).toEqual({
    connections: 2_000 - needs,
    because: `mqtt.maxConnections is 2000, of which the lab's own clients need ${needs}`,
    openFiles: 1_000,
  });
});
