import { parseLab, type Lab } from "../../../../model";
import { databricksConfig } from "../../../../payloads/databricks/config";
import { blankSecrets, hostServices } from "../../../../render/services";
import { databricksService } from "../../../../render/services/databricks";
import { change, physicalConfig, type RawConfig } from "../../../support/lab-config";

function config(): RawConfig {
  const workspace = "https://dbc-a1b2345c-d6e7.cloud.databricks.com";
  const databricks = { host: "desk-1", workspace, volume: "/Volumes/a/b/c", topics: ["red"] };
  return change(physicalConfig(), ["databricks"], databricks);
}

const service = (lab: Lab, name: string) =>
  databricksService(
    lab,
    lab.hosts.find((host) => host.name === name)!,
    blankSecrets(lab),
  );

function fileOf(lab: Lab): unknown {
  const file = service(lab, "desk-1")?.entries.find(({ path }) => path.endsWith(".json"));
  return file?.kind === "file" ? JSON.parse(file.content) : undefined;
}

it("runs on its host alone", () => {
  const lab = parseLab(config());
  const units = lab.hosts.flatMap((host) =>
    hostServices(lab, host, blankSecrets(lab)).map(({ unit }) => `${host.name} ${unit}`),
  );
  expect(units.filter((one) => one.endsWith("databricks"))).toEqual(["desk-1 pi-lab-databricks"]);
  expect(service(lab, "client-1")).toBeUndefined();
});

it("is told a configuration that the program takes, which its user alone may read", () => {
  const lab = parseLab(config());
  expect(databricksConfig.parse(fileOf(lab))).toEqual({
    ...{ host: "desk-1", endpoint: { address: "10.0.42.6", port: 9187 } },
    kafka: { bootstrapServers: ["10.0.42.1:9092", "10.0.42.2:9092", "10.0.42.3:9092"] },
    workspace: "https://dbc-a1b2345c-d6e7.cloud.databricks.com",
    ...{ volume: "/Volumes/a/b/c", secret: "x".repeat(32), topics: ["red"] },
    ...{ everySeconds: 30, batchKib: 512 },
  });
  expect(service(lab, "desk-1")?.entries).toContainEqual(
    expect.objectContaining({ mode: "0640", owner: "root:pi-lab-databricks" }),
  );
});

it("logs in to Kafka where brokers ask, and as a service principal where one is named", () => {
  const raw = change(config(), ["cluster", "authentication"], "scram");
  const file = fileOf(parseLab(change(raw, ["databricks", "clientId"], "c-1")));
  expect(databricksConfig.parse(file)).toMatchObject({
    clientId: "c-1",
    kafka: { sasl: { username: "pi-lab-databricks", password: "x".repeat(32) } },
  });
});

it("a lab without its secret is a bug, told as one", () => {
  const lab = parseLab(config());
  const secrets = { mqtt: {}, mqttSalts: {}, kafka: {}, store: {}, storeSalts: {} };
  expect(() =>
    databricksService(
      lab,
      lab.hosts.find(({ name }) => name === "desk-1")!,
      secrets,
    ),
  ).toThrow("bug: no secret for Databricks");
});
