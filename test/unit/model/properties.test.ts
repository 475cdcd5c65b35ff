import fc from "fast-check";
import { ConfigError, parseLab } from "../../../model";
import { labPath } from "../../../model/errors";
import { validConfig } from "../../support/lab-arbitraries";
import { change, hostKey, problemsOf, type RawConfig } from "../../support/lab-config";

// Hundreds of labs a test: more than jest's five seconds on a busy machine.
jest.setTimeout(60_000);

type Names = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

const entries = (config: RawConfig, group: string) => Object.entries(config[group] as Names);

const firstHost = (config: RawConfig, role: string) =>
  entries(config, "hosts").find(([, host]) => host.role === role)?.[0];

/** A mistake put into a valid configuration; gives the path where it must be told, none if it finds no place. */
type Fault = (config: RawConfig) => readonly (string | number)[] | undefined;

const put =
  (value: unknown, ...path: string[]): Fault =>
  (config) => {
    change(config, path, value);
    return path;
  };

const inBroker =
  (key: string, value: unknown): Fault =>
  (config) => {
    const broker = firstHost(config, "broker");
    return broker === undefined ? undefined : put(value, "hosts", broker, key)(config);
  };

const faults: Readonly<Record<string, Fault>> = {
  unknownKey: put("red", "colour"),
  unknownKeyBelow: put(1, "switch", "vlan"),
  labName: put("No name", "name"),
  timezone: put("Mars/Olympus", "timezone"),
  clockServer: put("Nobody", "clock", "server"),
  sshUser: put(5, "ssh", "user"),
  portText: inBroker("port", "1"),
  nodeId: inBroker("nodeId", 0),
  heap: inBroker("heapMib", 100_000),
  brokerKey: inBroker("topic", "red"),
  clientTopic: (config) => {
    const client = firstHost(config, "client");
    return client === undefined ? undefined : put("no topic", "hosts", client, "topic")(config);
  },
  unknownMachine: (config) => {
    const host = firstHost(config, "host");
    return host === undefined ? undefined : put("Nothing", "hosts", host, "machine")(config);
  },
  addressOutside: (config) => {
    change(config, ["machines", "zz-far"], { board: "pi-5-4gb", address: "192.0.2.1" });
    return ["machines", "zz-far", "address"];
  },
  addressTwice: (config) => {
    const address = entries(config, "machines")[0]?.[1].address;
    change(config, ["machines", "zzz-twin"], { board: "pi-5-4gb", address });
    return ["machines", "zzz-twin", "address"];
  },
  hostKey: (config) => {
    const [machine = ""] = entries(config, "machines")[0] ?? [];
    return put("ssh-rsa AAAA", "machines", machine, "hostKey")(config);
  },
  networkAddress: (config) => {
    const { subnet } = config.switch as { subnet: string };
    const address = subnet.replace(/\/.*/, "");
    change(config, ["machines", "zz-first"], { board: "pi-5-4gb", address });
    return ["machines", "zz-first", "address"];
  },
  replicationFactor: put(7, "cluster", "replicationFactor"),
  minInsyncReplicas: put(8, "cluster", "minInsyncReplicas"),
  controllerPort: put(9092, "cluster", "controllerPort"),
  ownedKey: put("/data", "cluster", "settings", "log.dirs"),
  unknownSetting: put("1", "cluster", "settings", "log.retention.hour"),
  topicName: put({}, "topics", "a b"),
  partitions: (config) => {
    const [topic = ""] = entries(config, "topics")[0] ?? [];
    return put(0, "topics", topic, "partitions")(config);
  },
  placedElsewhere: (config) => {
    const { replicationFactor } = config.cluster as { replicationFactor: number };
    const brokers = entries(config, "hosts").filter(([, { role }]) => role === "broker");
    const hosts = brokers.slice(0, replicationFactor - 1).map(([name]) => name);
    change(config, ["topics", "zz-placed", "placement"], [[...hosts, "Nowhere"]]);
    return ["topics", "zz-placed", "placement", 0, hosts.length];
  },
  throttle: put("10", "cluster", "reassignmentThrottleMib"),
  consent: (config) => {
    change(config, ["deleteTopics"], ["no-id"]);
    return ["deleteTopics", 0];
  },
  ruleOfNobody: (config) => {
    if (config.users === undefined) return undefined;
    return put([{ group: "x", operations: ["read"] }], "acls", "No one")(config);
  },
  operation: (config) => {
    if (config.users === undefined) return undefined;
    change(config, ["acls", "*"], [{ group: "x", operations: ["reed"] }]);
    return ["acls", "*", 0, "operations", 0];
  },
  quota: (config) => {
    const quotas = config.quotas as RawConfig[];
    config.quotas = [...quotas, { ip: "default", limits: { rate: 1 } }];
    return ["quotas", quotas.length, "limits", "rate"];
  },
  topicSetting: (config) => {
    const [topic = ""] = entries(config, "topics")[0] ?? [];
    return put("7d", "topics", topic, "config", "retention.ms")(config);
  },
};

const copy = (config: RawConfig) => structuredClone(config);

it("takes every valid configuration", () => {
  fc.assert(
    fc.property(validConfig, (config) => {
      const lab = parseLab(config);
      const hosts = entries(config, "hosts");
      expect(lab.hosts).toHaveLength(hosts.length);
      for (const [name, { port, role, machine }] of hosts) {
        const host = lab.hosts.find((each) => each.name === name);
        expect([host?.port, host?.role, host?.machine.name]).toEqual([port, role, machine]);
        expect(lab.machines).toContain(host?.machine);
      }
      expect(lab.machines.map(({ address }) => address as string)).not.toContain(
        lab.switch.gateway,
      );
    }),
  );
});

it("gives the same lab whatever the order of the keys, and leaves its input alone", () => {
  fc.assert(
    fc.property(validConfig, (config) => {
      const before = copy(config);
      const lab = parseLab(config);
      expect(config).toEqual(before);
      expect(JSON.stringify(parseLab(reversed(config)))).toBe(JSON.stringify(lab));
    }),
  );
});

function reversed(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, below]) => [key, reversed(below)]),
  );
}

it.each(Object.entries(faults))("tells of a single fault at its path: %s", (_, fault) => {
  fc.assert(
    fc.property(validConfig, (valid) => {
      const config = copy(valid);
      const path = fault(config);
      fc.pre(path !== undefined);
      expect(problemsOf(config).map((problem) => problem.path)).toEqual([labPath(...path)]);
    }),
    { numRuns: 25 },
  );
});

it("tells of all faults at once, and of nothing else", () => {
  fc.assert(
    fc.property(
      validConfig,
      fc.subarray(Object.keys(faults), { minLength: 2 }),
      (valid, chosen) => {
        const config = copy(valid);
        const paths = chosen.flatMap((name) => {
          const path = faults[name]?.(config);
          return path === undefined ? [] : [labPath(...path)];
        });
        expect(new Set(problemsOf(config).map(({ path }) => path))).toEqual(new Set(paths));
      },
    ),
  );
});

it("has a line for each problem in its message, each with a cause and a remedy", () => {
  const config = { ...everyFault(), virtual: undefined };
  const error = caught(config);
  const [title, ...lines] = error.message.split("\n");
  expect(title).toBe(
    `The lab's configuration has ${error.problems.length} problems; nothing was changed.`,
  );
  expect(lines).toHaveLength(error.problems.length);
  expect(error.problems.length).toBeGreaterThan(20);
  for (const { path, cause, remedy } of error.problems) {
    const line = lines.find((each) => each.startsWith(`  ${path}: `));
    expect(line).toContain(cause);
    expect(line).toMatch(/\. [A-Z`].*[.?]$/);
    expect(cause).not.toMatch(/\.$/);
    expect(remedy).toMatch(/[.?]$/);
  }
});

function everyFault(): RawConfig {
  const [config] = fc.sample(
    validConfig.filter(
      (each) => firstHost(each, "client") !== undefined && firstHost(each, "host") !== undefined,
    ),
    { numRuns: 1, seed: 1 },
  );
  if (config === undefined) throw new Error("no sample");
  for (const fault of Object.values(faults)) fault(config);
  return config;
}

function caught(config: RawConfig): ConfigError {
  try {
    parseLab(config);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("the configuration was taken");
}

it("answers anything at all with a lab or a ConfigError", () => {
  const keys = ["name", "switch", "hosts", "machines", "topics", "cluster", "port", "role", "x"];
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.jsonValue({ maxDepth: 1 }),
      fc.dictionary(fc.constantFrom(...keys, "__proto__", "constructor", "broker-1"), tie("tree")),
    ),
  }));
  fc.assert(fc.property(tree, (raw) => expect(problemsOf(raw).length).toBeGreaterThan(0)));
});

it("takes a lab of 60 hosts", () => {
  const numbers = Array.from({ length: 60 }, (_, i) => i + 1);
  const lab = parseLab({
    name: "large",
    switch: { ports: 64, subnet: "10.7.0.0/24" },
    machines: Object.fromEntries(
      numbers.map((n) => [
        `pi-${n}`,
        { board: "pi-4b-8gb", address: `10.7.0.${n}`, hostKey: hostKey(n) },
      ]),
    ),
    hosts: Object.fromEntries(
      numbers.map((n) => [
        `host-${n}`,
        n <= 5
          ? { role: "broker", machine: `pi-${n}`, port: n, nodeId: n }
          : { role: "host", machine: `pi-${n}`, port: n },
      ]),
    ),
  });
  expect(lab.hosts.map(({ name }) => name)).toEqual(numbers.map((n) => `host-${n}`));
});
