import { parseLab, type Lab } from "../../../../model";
import { bridgeConfig } from "../../../../payloads/bridge/config";
import { blankSecrets, hostServices } from "../../../../render/services";
import { bridgeService } from "../../../../render/services/bridge";
import { change, physicalConfig, type RawConfig } from "../../../support/lab-config";

function config(): RawConfig {
  const raw = change(physicalConfig(), ["mqtt"], { host: "desk-1" });
  return change(raw, ["bridge"], {
    hosts: ["desk-1", "client-1"],
    routes: [{ from: "hosts/+/telemetry", topic: "red", key: "{1}" }],
  });
}

function fileOf(lab: Lab, host: string): unknown {
  const found = lab.hosts.find(({ name }) => name === host)!;
  const service = bridgeService(lab, found, blankSecrets(lab));
  const file = service?.entries.find(({ path }) => path === "/etc/pi-lab/bridge.json");
  return file?.kind === "file" ? JSON.parse(file.content) : undefined;
}

it("runs on its hosts alone", () => {
  const lab = parseLab(config());
  const units = lab.hosts.flatMap((host) =>
    hostServices(lab, host, blankSecrets(lab))
      .filter(({ program }) => program === "bridge")
      .map(({ unit }) => `${host.name} ${unit}`),
  );
  expect(units).toEqual(["client-1 pi-lab-bridge", "desk-1 pi-lab-bridge"]);
  expect(fileOf(lab, "broker-1")).toBeUndefined();
});

it("is told a configuration that the program takes, as its own user at the MQTT broker", () => {
  const file = fileOf(parseLab(config()), "client-1");
  expect(bridgeConfig.parse(file)).toEqual({
    ...{ host: "client-1", endpoint: { address: "10.0.42.4", port: 9183 } },
    mqtt: {
      ...{ address: "10.0.42.6", port: 1883, username: "bridge-client-1" },
      password: "x".repeat(32),
    },
    kafka: { bootstrapServers: ["10.0.42.1:9092", "10.0.42.2:9092", "10.0.42.3:9092"] },
    routes: [{ from: "hosts/+/telemetry", topic: "red", key: "{1}" }],
    bridges: ["client-1", "desk-1"],
    ownTopics: "pi-lab/bridge/",
  });
});

it("logs in to Kafka where brokers ask who somebody is, and knows its dead letters", () => {
  const raw = change(config(), ["cluster", "authentication"], "scram");
  const file = fileOf(parseLab(change(raw, ["bridge", "deadLetters"], "green")), "desk-1");
  expect(bridgeConfig.parse(file)).toMatchObject({
    deadLetters: "green",
    kafka: {
      sasl: {
        ...{ mechanism: "SCRAM-SHA-512", username: "pi-lab-bridge", password: "x".repeat(32) },
      },
    },
  });
});
