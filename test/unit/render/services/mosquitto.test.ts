import type { Bridge, Host, HostName, Lab, Mqtt, TopicName } from "../../../../model";
import { mosquittoService } from "../../../../render/services/mosquitto";
import { passwordLine } from "../../../../render/services/mosquitto-passwords";
import { telemetryService } from "../../../../render/services/telemetry";
import { blankSecrets, hostServices } from "../../../../render/services";
import { expectGolden } from "../../../support/golden";
import { labFixture } from "../../../support/lab-fixture";

const mqtt: Mqtt = {
  host: "client-1" as HostName,
  port: 1883,
  maxConnections: 2000,
  maxQueuedMessages: 100_000,
  maxMessageBytes: 65_536,
  devices: [
    { name: "esp32-1", publishes: ["devices/esp32-1/#"], subscribes: [] },
    { name: "fan", publishes: ["greenhouse/fan/state"], subscribes: ["greenhouse/+/air", "time"] },
  ],
};
const bridge: Bridge = {
  deadLetters: undefined,
  hosts: ["client-1", "client-2"] as HostName[],
  routes: [
    { from: "hosts/+/telemetry", topic: "red" as TopicName, key: "{1}" },
    { from: "devices/#", topic: "green" as TopicName, key: "{topic}" },
  ],
};
const data = {
  ...{ ring: undefined, mqtt, telemetry: { everySeconds: 1 }, bridge },
  ...{ statusPage: undefined, alerting: undefined, supplies: {}, store: undefined },
};
const lab = labFixture({ data });
const secrets = blankSecrets(lab);
const hostOf = (name: string, of: Lab = lab): Host => of.hosts.find((host) => host.name === name)!;
const service = (of: Lab = lab) => mosquittoService(of, hostOf("client-1", of), secrets)!;
const file = (path: string, of: Lab = lab) => {
  const entry = service(of).entries.find((one) => one.path === path);
  if (entry?.kind !== "file") throw new Error(`no file ${path}`);
  return entry;
};

test.each([
  ["mosquitto.conf", "/etc/mosquitto/pi-lab.conf"],
  ["mosquitto.passwords", "/etc/mosquitto/pi-lab.passwords"],
  ["mosquitto.acl", "/etc/mosquitto/pi-lab.acl"],
  ["mosquitto-drop-in.conf", "/etc/systemd/system/mosquitto.service.d/pi-lab.conf"],
])("%s is as approved", (name, path) => {
  expectGolden(`unit/render/golden/${name}`, file(path).content);
});

test("it is Debian's package, on its host alone", () => {
  const { unit, packages, program, user } = service();
  expect({ unit, packages, program, user }).toEqual({
    ...{ unit: "mosquitto", packages: ["mosquitto"], program: undefined, user: undefined },
  });
  for (const host of lab.hosts.filter(({ name }) => name !== "client-1")) {
    expect(mosquittoService(lab, host, secrets)).toBeUndefined();
  }
  const without = labFixture();
  expect(mosquittoService(without, hostOf("client-1", without), secrets)).toBeUndefined();
});

test("root and Mosquitto alone read who may log in, and what with", () => {
  expect(
    service().entries.map(
      (entry) => entry.kind === "file" && [entry.path, entry.mode, entry.owner],
    ),
  ).toEqual([
    ["/etc/mosquitto/pi-lab.conf", "0644", "root:root"],
    ["/etc/mosquitto/pi-lab.passwords", "0640", "root:mosquitto"],
    ["/etc/mosquitto/pi-lab.acl", "0640", "root:mosquitto"],
    ["/etc/systemd/system/mosquitto.service.d/pi-lab.conf", "0644", "root:root"],
  ]);
});

describe("the password file", () => {
  const salt = Buffer.from("salt-of-12-b").toString("base64");

  test("has the line that mosquitto_passwd 2.0.11 writes", () => {
    // `mosquitto_passwd -b FILE client-1 'pass phrase-1'`
    const written =
      "client-1:$7$101$bhMill/NmVHK2jqW$3B+L82aNmRMZjPw8xDhIUAX7DNKQWE0sD2QbAR302Otduy1e07Y5xqYO+tubZDgifqQEPqvlfN9yiiI/86ePaw==";
    expect(passwordLine("client-1", "pass phrase-1", "bhMill/NmVHK2jqW")).toBe(written);
  });

  test("has no password, and is the same for the same secrets", () => {
    const path = "/etc/mosquitto/pi-lab.passwords";
    expect(file(path).content).not.toContain("x".repeat(32));
    expect(file(path)).toEqual(file(path));
    const line = (password: string) => passwordLine("a", password, salt);
    expect(line("one")).toBe(line("one"));
    expect(line("one")).not.toBe(line("two"));
  });

  test("a salt of another length, which Mosquitto would ignore with its user, is a bug", () => {
    expect(() => passwordLine("a", "p", "c2hvcnQ=")).toThrow("bug: the salt of a has not 12 bytes");
  });

  test("a user without a password is a bug, told without secrets", () => {
    const others = Object.fromEntries(
      Object.entries(secrets.mqtt).filter(([name]) => name !== "esp32-1"),
    );
    expect(() => mosquittoService(lab, hostOf("client-1"), { ...secrets, mqtt: others })).toThrow(
      /^bug: no password was made for the MQTT user esp32-1$/,
    );
  });
});

test("limits come from the configuration", () => {
  const limits = { port: 2883, maxConnections: 5, maxQueuedMessages: 6, maxMessageBytes: 777 };
  const other = labFixture({ data: { ...data, mqtt: { ...mqtt, ...limits } } });
  expect(file("/etc/mosquitto/pi-lab.conf", other).content.split("\n")).toEqual(
    expect.arrayContaining([
      "listener 2883 10.0.42.4",
      "max_connections 5",
      "max_queued_messages 6",
      "max_packet_size 777",
    ]),
  );
  const dropIn = file("/etc/systemd/system/mosquitto.service.d/pi-lab.conf", other);
  expect(dropIn.content).toContain("\nLimitNOFILE=205\n");
});

describe("telemetry", () => {
  const configOf = (name: string) => {
    const { entries } = telemetryService(lab, hostOf(name), secrets)!;
    const config = entries.find(({ path }) => path === "/etc/pi-lab/telemetry.json");
    if (config?.kind !== "file") throw new Error("no configuration");
    return JSON.parse(config.content) as unknown;
  };

  test("runs on every host, and logs in at the broker as that host", () => {
    for (const { name, machine } of lab.hosts) {
      expect(configOf(name)).toEqual({
        host: name,
        endpoint: { address: machine.address, port: 9182 },
        mqtt: { address: "10.0.42.4", port: 1883, username: name, password: "x".repeat(32) },
        topic: `hosts/${name}/telemetry`,
        everySeconds: 1,
      });
    }
  });

  test("runs nowhere where it is not wanted", () => {
    const quiet = labFixture({ data: { ...data, telemetry: undefined } });
    expect(telemetryService(quiet, hostOf("client-2", quiet), secrets)).toBeUndefined();
  });

  test("starts after the broker, where both are on one host", () => {
    const units = hostServices(lab, hostOf("client-1"), secrets).map(({ unit }) => unit);
    expect(units.slice(0, 2)).toEqual(["mosquitto", "pi-lab-telemetry"]);
  });
});
