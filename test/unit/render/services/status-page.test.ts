import { parseLab, type Lab } from "../../../../model";
import { statusPageConfig } from "../../../../payloads/status-page/config";
import { blankSecrets, hostServices } from "../../../../render/services";
import { statusPageService } from "../../../../render/services/status-page";
import { change, physicalConfig, type RawConfig } from "../../../support/lab-config";

function config(): RawConfig {
  const raw = change(physicalConfig(), ["mqtt"], { host: "desk-1" });
  change(raw, ["telemetry"], { everySeconds: 2 });
  change(raw, ["topics", "red", "config"], { "min.insync.replicas": "1" });
  change(raw, ["bridge"], { routes: [{ from: "hosts/+/telemetry", topic: "green" }] });
  return change(raw, ["statusPage"], { title: "Kafka on Pis", alertTopics: ["red"] });
}

function fileOf(lab: Lab, host: string): unknown {
  const found = lab.hosts.find(({ name }) => name === host)!;
  const service = statusPageService(lab, found, blankSecrets(lab));
  const file = service?.entries.find(({ path }) => path === "/etc/pi-lab/status-page.json");
  return file?.kind === "file" ? JSON.parse(file.content) : undefined;
}

it("runs on its host alone", () => {
  const lab = parseLab(config());
  const units = lab.hosts.flatMap((host) =>
    hostServices(lab, host, blankSecrets(lab))
      .filter(({ program }) => program === "status-page")
      .map(({ unit }) => `${host.name} ${unit}`),
  );
  expect(units).toEqual(["desk-1 pi-lab-status-page"]);
  expect(fileOf(lab, "broker-1")).toBeUndefined();
});

it("is told the lab as it is cabled, in a configuration that the program takes", () => {
  const page = statusPageConfig.parse(fileOf(parseLab(config()), "desk-1"));
  expect(page).toMatchObject({
    ...{ host: "desk-1", title: "Kafka on Pis", telemetryEverySeconds: 2 },
    endpoint: { address: "10.0.42.6", port: 9188 },
    page: { address: "10.0.42.6", port: 8080 },
    kafka: { bootstrapServers: ["10.0.42.1:9092", "10.0.42.2:9092", "10.0.42.3:9092"] },
    ...{ telemetryTopics: ["green"], alertTopics: ["red"] },
  });
  expect(page.lab).toMatchObject({
    switch: { model: "SW-008", ports: 8 },
    spares: [{ machine: "pi-7", board: "pi-4b-8gb" }],
    topics: [
      { name: "green", minInsyncReplicas: 2 },
      { name: "red", minInsyncReplicas: 1 },
    ],
  });
  const [broker, , , client] = page.lab.hosts;
  expect(broker).toEqual({
    ...{ name: "broker-1", role: "broker", port: 1, machine: "pi-1", board: "pi-4b-8gb", runs: [] },
    node: { id: 1, address: "10.0.42.1:9092", votes: true },
  });
  expect(client).toEqual({
    ...{ name: "client-1", role: "client", port: 4, machine: "pi-4", board: "pi-4b-8gb", runs: [] },
    topic: "red",
  });
  expect(page.lab.hosts.at(-1)?.runs).toEqual(["MQTT broker", "MQTT bridge", "status page"]);
});

it("knows brokers that do not vote, and controllers that are no brokers", () => {
  const raw = change(config(), ["hosts", "broker-3", "processRoles"], ["broker"]);
  change(raw, ["hosts", "client-2"], {
    ...{ role: "controller", machine: "pi-5", port: 5, nodeId: 5 },
  });
  const page = statusPageConfig.parse(fileOf(parseLab(raw), "desk-1"));
  const nodes = page.lab.hosts.flatMap(({ name, node }) => (node ? [[name, node]] : []));
  expect(nodes).toContainEqual(["broker-3", { id: 3, address: "10.0.42.3:9092", votes: false }]);
  expect(nodes).toContainEqual(["client-2", { id: 5, votes: true }]);
});

it("logs in to Kafka where brokers ask who somebody is", () => {
  const raw = change(config(), ["cluster", "authentication"], "scram");
  expect(statusPageConfig.parse(fileOf(parseLab(raw), "desk-1")).kafka.sasl).toEqual({
    ...{ mechanism: "SCRAM-SHA-512", username: "pi-lab-status-page", password: "x".repeat(32) },
  });
});
