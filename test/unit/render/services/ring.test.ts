import type { RingConfig } from "../../../../model";
import { ringConfig } from "../../../../payloads/ring/config";
import { hostServices } from "../../../../render/services";
import { ringService } from "../../../../render/services/ring";
import { labFixture } from "../../../support/lab-fixture";

const secrets = { mqtt: {}, mqttSalts: {}, kafka: {}, store: {}, storeSalts: {} };
const ring = { alertsPerMinute: 6, repeatPerSecond: 5 };
const lab = labFixture();
const withRing = { ...lab, data: { ...lab.data, ring } };

function configOf(host: number, of = withRing, kafka: Record<string, string> = {}): RingConfig {
  const service = ringService(of, of.hosts[host]!, { ...secrets, kafka });
  const entry = service?.entries.find((one) => one.path === "/etc/pi-lab/ring.json");
  if (entry?.kind !== "file") throw new Error("no configuration");
  return ringConfig.parse(JSON.parse(entry.content));
}

test("each client sends on its topic, hears the others', and knows every broker", () => {
  expect(configOf(4)).toEqual({
    host: "client-2",
    endpoint: { address: "10.0.42.5", port: 9181 },
    kafka: { bootstrapServers: ["10.0.42.1:9092", "10.0.42.2:9092", "10.0.42.3:9092"] },
    topic: "green",
    others: ["red", "blue"],
    brokers: [1, 2, 3].map((n) => ({
      host: `broker-${n}`,
      nodeId: n,
      address: `10.0.42.${n}:9092`,
    })),
    ...ring,
  });
});

test("clients that share a topic hear it as well: each passes its own alerts over", () => {
  const hosts = withRing.hosts.map((host) =>
    host.role === "client" ? { ...host, topic: withRing.topics[0]!.name } : host,
  );
  expect(configOf(3, { ...withRing, hosts }).others).toEqual(["red"]);
});

test("where clients log in, the ring's own user is given, with its password", () => {
  expect(configOf(3, withRing, { "pi-lab-ring": "secret" }).kafka.sasl).toEqual({
    mechanism: "SCRAM-SHA-512",
    username: "pi-lab-ring",
    password: "secret",
  });
});

test("it runs on clients alone, and where the lab has a ring", () => {
  const units = (of: typeof withRing, host: number) =>
    hostServices(of, of.hosts[host]!, secrets).map(({ unit }) => unit);
  expect(units(withRing, 3)).toEqual(["pi-lab-ring"]);
  expect(units(withRing, 0)).toEqual([]);
  const without = { ...withRing, data: { ...withRing.data, ring: undefined } };
  expect(ringService(without, without.hosts[3]!, secrets)).toBeUndefined();
});
