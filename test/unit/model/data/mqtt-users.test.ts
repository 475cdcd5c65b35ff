import { mqttUsers, parseLab } from "../../../../model";
import { change, physicalConfig } from "../../../support/lab-config";

const withMqtt = () => change(physicalConfig(), ["mqtt"], { host: "desk-1" });

test("nobody logs in where there is no broker", () => {
  expect(mqttUsers(parseLab(physicalConfig()))).toEqual([]);
});

test("the load generator logs in wherever there is a broker", () => {
  expect(mqttUsers(parseLab(withMqtt()))).toEqual([
    { name: "load", publishes: ["load/#"], subscribes: [] },
  ]);
});

test("each host's telemetry, each bridge and each device has a user of its own, with its topics", () => {
  const config = withMqtt();
  change(config, ["telemetry"], {});
  change(config, ["bridge"], {
    hosts: ["desk-1", "client-1"],
    routes: [
      { from: "hosts/+/telemetry", topic: "red" },
      { from: "devices/#", topic: "green" },
    ],
  });
  change(config, ["mqtt", "devices"], {
    "esp32-2": { publishes: ["greenhouse/+/air"], subscribes: ["greenhouse/fan"] },
    "esp32-1": {},
  });
  // On which bridges tell each other what they serve.
  const own = ["pi-lab/bridge/#"];
  const routes = ["hosts/+/telemetry", "devices/#"];
  const hosts = ["broker-1", "broker-2", "broker-3", "client-1", "client-2", "desk-1"];
  expect(mqttUsers(parseLab(config))).toEqual([
    ...hosts.map((name) => ({ name, publishes: [`hosts/${name}/telemetry`], subscribes: [] })),
    { name: "bridge-client-1", publishes: own, subscribes: [...routes, ...own] },
    { name: "bridge-desk-1", publishes: own, subscribes: [...routes, ...own] },
    { name: "load", publishes: ["load/#"], subscribes: [] },
    { name: "esp32-1", publishes: ["devices/esp32-1/#"], subscribes: [] },
    { name: "esp32-2", publishes: ["greenhouse/+/air"], subscribes: ["greenhouse/fan"] },
  ]);
});
