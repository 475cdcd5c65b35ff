import { parseLab, serviceUsers, type Lab } from "../../../../model";
import { alertingConfig } from "../../../../payloads/alerting/config";
import { blankSecrets, hostServices } from "../../../../render/services";
import { alertingService } from "../../../../render/services/alerting";
import { expectGolden } from "../../../support/golden";
import { change, physicalConfig, type RawConfig } from "../../../support/lab-config";

function config(): RawConfig {
  const raw = change(physicalConfig(), ["mqtt"], { host: "desk-1" });
  change(raw, ["telemetry"], {});
  change(raw, ["bridge"], { routes: [{ from: "hosts/+/telemetry", topic: "red", key: "{1}" }] });
  change(raw, ["topics", "green", "config"], { "min.insync.replicas": 1 });
  change(raw, ["topics", "alerts"], {});
  change(raw, ["supplies"], { "psu-1": ["broker-1", "broker-2", "broker-3"] });
  return change(raw, ["alerting"], {
    outputs: {
      topic: "alerts",
      webhook: { url: "https://example.org/hook" },
      email: {
        ...{ server: "smtp.example.org", from: "lab@example.org", to: ["you@example.org"] },
        user: "lab",
      },
    },
  });
}

function serviceOf(lab: Lab, host: string) {
  const found = lab.hosts.find(({ name }) => name === host)!;
  return alertingService(lab, found, blankSecrets(lab));
}

it("runs on its host alone, by default that of the MQTT broker", () => {
  const on = (raw: RawConfig) => {
    const lab = parseLab(raw);
    return lab.hosts.flatMap((host) =>
      hostServices(lab, host, blankSecrets(lab))
        .filter(({ program }) => program === "alerting")
        .map(({ unit }) => `${host.name} ${unit}`),
    );
  };
  expect(on(config())).toEqual(["desk-1 pi-lab-alerting"]);
  expect(on(change(config(), ["alerting", "host"], "client-1"))).toEqual([
    "client-1 pi-lab-alerting",
  ]);
  expect(on(change(config(), ["alerting"], undefined))).toEqual([]);
});

it("is told a configuration that the program takes, which root and it alone may read", () => {
  const service = serviceOf(parseLab(config()), "desk-1");
  const file = service?.entries.find(({ path }) => path === "/etc/pi-lab/alerting.json");
  if (file?.kind !== "file") throw new Error("it has no configuration");
  expect(file).toMatchObject({ mode: "0640", owner: "root:pi-lab-alerting" });
  expect(() => alertingConfig.parse(JSON.parse(file.content))).not.toThrow();
  expectGolden("unit/render/golden/alerting.json", file.content);
});

it("has no secret where none is needed", () => {
  const raw = change(config(), ["alerting", "outputs"], {
    webhook: { url: "http://10.0.42.9/hook", signed: false },
  });
  expect(JSON.stringify(serviceOf(parseLab(raw), "desk-1"))).not.toContain("xxxx");
});

it("may read telemetry, write alerts, and ask about every topic, where brokers ask who it is", () => {
  const lab = parseLab(change(config(), ["cluster", "authentication"], "scram"));
  const own = serviceUsers(lab).find(({ user }) => user.name === "pi-lab-alerting");
  expect(own?.acls.rules.map(({ name, operation }) => `${operation} ${name}`)).toEqual([
    ...["describe alerts", "describe green", "describe red"],
    ...["read red", "write alerts"],
  ]);
  expect(JSON.stringify(serviceOf(lab, "desk-1"))).toContain("pi-lab-alerting");
});
