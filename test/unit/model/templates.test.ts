import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import {
  bootstrapServers,
  brokers,
  clients,
  DEFAULT_IMAGE,
  DEFAULT_KAFKA_VERSION,
  JMX_AGENT_VERSION,
  NODE_VERSION,
  parseLab,
  spares,
} from "../../../model";
import { matchFilter } from "../../../model/data/mqtt-filter";
import { telemetryTopic } from "../../../model/data/programs";
import { change, hostKey, problemsOf, type RawConfig } from "../../support/lab-config";

const root = join(__dirname, "../../..");

interface StackFile {
  readonly config: Readonly<Record<string, RawConfig>>;
}

function template(stack: string): StackFile {
  const text = readFileSync(join(root, `Pulumi.${stack}.yaml`), "utf8");
  return parse(text) as StackFile;
}

function lab(stack: string): RawConfig {
  const config = template(stack).config["pi-lab:lab"];
  if (config === undefined) throw new Error(`Pulumi.${stack}.yaml has no lab`);
  return structuredClone(config);
}

/** The numbers of the real lab's machines. */
const PIS = [1, 2, 3, 4, 5, 6, 8];

/** The real lab as its user completes it. */
function completed(): RawConfig {
  const config = lab("pi-lab");
  for (const n of PIS) change(config, ["machines", `pi-${n}`, "hostKey"], hostKey(n));
  return config;
}

it("agrees with the toolchain on what is there without being asked for", () => {
  const versions = JSON.parse(readFileSync(join(root, "toolchain/versions.json"), "utf8")) as {
    piImage: string;
    kafka: { version: string };
    node: { version: string };
    jmxAgent: { version: string };
  };
  expect(DEFAULT_IMAGE).toBe(versions.piImage);
  expect(DEFAULT_KAFKA_VERSION).toBe(versions.kafka.version);
  expect(NODE_VERSION).toBe(versions.node.version);
  expect(JMX_AGENT_VERSION).toBe(versions.jmxAgent.version);
});

it.each(["pi-lab", "virtual"])(
  "Pulumi.%s.yaml has a lab in it and nothing of one user's: no salt, no secrets provider",
  (stack) => {
    expect(Object.keys(template(stack))).toEqual(["config"]);
    expect(Object.keys(template(stack).config)).toEqual(["pi-lab:lab"]);
  },
);

describe("the real lab", () => {
  it("wants nothing of its user but the Pis' host keys", () => {
    expect(problemsOf(lab("pi-lab")).map(({ path }) => path)).toEqual(
      PIS.map((n) => `lab.machines.pi-${n}.hostKey`),
    );
  });

  it("is the exhibit's: three brokers, a ring of three clients, three replicas", () => {
    const exhibit = parseLab(completed());
    expect(exhibit.substrate.kind).toBe("physical");
    expect(bootstrapServers(exhibit)).toBe("10.0.42.1:9092,10.0.42.2:9092,10.0.42.3:9092");
    expect(
      clients(exhibit).map(({ machine, topic }) => [machine.address as string, topic as string]),
    ).toEqual([
      ["10.0.42.4", "red"],
      ["10.0.42.5", "green"],
      ["10.0.42.6", "blue"],
    ]);
    expect(exhibit.switch).toMatchObject({ model: "SW-008", ports: 8 });
    expect(exhibit.machines.map(({ board }) => board)).toEqual(Array(7).fill("pi-4b-8gb"));
    expect(exhibit.cluster).toMatchObject({
      kafkaVersion: "4.1.1",
      replicationFactor: 3,
      minInsyncReplicas: 2,
      profile: "fast-failover",
    });
    expect(exhibit.topics.map(({ name }) => name)).toEqual([
      "blue",
      "green",
      "load",
      "red",
      "telemetry",
    ]);
    expect(exhibit.clock).toEqual({ server: "broker-1", upstream: [] });
  });

  it("carries every host's telemetry, and loads, into topics of their own", () => {
    const { data, hosts } = parseLab(completed());
    expect(data).toMatchObject({
      mqtt: { host: "data-1", devices: [] },
      telemetry: { everySeconds: 1 },
      bridge: { hosts: ["data-1"], routes: [{ key: "{1}" }, { topic: "load" }] },
    });
    const route = data.bridge?.routes.find(({ topic }) => topic === "telemetry");
    for (const { name } of hosts) {
      expect(matchFilter(route?.from ?? "", telemetryTopic(name))).toEqual([name]);
    }
  });
});

describe("the virtual lab", () => {
  const virtual = parseLab(lab("virtual"));

  it("needs no change, and has a spare", () => {
    expect(virtual.substrate).toEqual({
      kind: "virtual",
      image: DEFAULT_IMAGE,
      internet: true,
    });
    expect(spares(virtual).map(({ name }) => name)).toEqual(["pi-7"]);
    expect(brokers(virtual).map(({ heapMib }) => heapMib)).toEqual([512, 512, 512]);
  });

  it("has the real one's hosts, on the same machines, ports and ids, and its topics", () => {
    const exhibit = parseLab(completed());
    const cabling = (each: typeof virtual) =>
      each.hosts.map((host) => ({
        name: host.name,
        role: host.role,
        machine: host.machine.name,
        port: host.port,
        nodeId: host.role === "broker" ? host.nodeId : undefined,
        topic: host.role === "client" ? host.topic : undefined,
      }));
    expect(cabling(virtual)).toEqual(cabling(exhibit));
    expect(virtual.topics).toEqual(exhibit.topics);
    expect(virtual.data).toEqual(exhibit.data);
    expect(virtual.name).not.toBe(exhibit.name);
  });
});
