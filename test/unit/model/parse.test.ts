import {
  bootstrapServers,
  ConfigError,
  controllerServers,
  kafkaHosts,
  parseLab,
} from "../../../model";
import { change, hostKey, physicalConfig, virtualConfig } from "../../support/lab-config";

describe("a valid configuration", () => {
  it("becomes a lab on real Pis", () => {
    const lab = parseLab(physicalConfig());
    expect(lab.substrate).toEqual({ kind: "physical" });
    expect(lab.hosts.map(({ name, role, port }) => [name, role, port])).toEqual([
      ["broker-1", "broker", 1],
      ["broker-2", "broker", 2],
      ["broker-3", "broker", 3],
      ["client-1", "client", 4],
      ["client-2", "client", 5],
      ["desk-1", "host", 6],
    ]);
    expect(lab.hosts[0]).toEqual({
      name: "broker-1",
      formerNames: [],
      role: "broker",
      processRoles: ["broker", "controller"],
      machine: {
        name: "pi-1",
        board: "pi-4b-8gb",
        address: "10.0.42.1",
        hostKey: hostKey(1),
      },
      port: 1,
      nodeId: 1,
      disk: 1,
      heapMib: 1024,
      settings: {},
    });
    expect(lab.hosts[3]).toMatchObject({ role: "client", topic: "red" });
    expect(lab.cluster.settings).toEqual({ "log.retention.hours": "168" });
  });

  it("tells brokers, controllers, and what is both apart", () => {
    const config = physicalConfig();
    const settings = { "num.io.threads": 4 };
    change(config, ["hosts", "broker-3", "processRoles"], ["broker"]);
    change(config, ["hosts", "broker-2", "processRoles"], ["controller", "broker"]);
    const desk = { role: "controller", machine: "pi-6", port: 6, nodeId: 9, settings };
    const lab = parseLab(change(config, ["hosts", "desk-1"], desk));
    expect(kafkaHosts(lab).map(({ name, processRoles }) => [name, ...processRoles])).toEqual([
      ["broker-1", "broker", "controller"],
      ["broker-2", "broker", "controller"],
      ["broker-3", "broker"],
      ["desk-1", "controller"],
    ]);
    expect(lab.hosts.at(-1)).toMatchObject({ nodeId: 9, disk: 1, heapMib: 1024 });
    expect(lab.hosts.at(-1)).toMatchObject({ settings: { "num.io.threads": "4" } });
    expect(bootstrapServers(lab)).toBe("10.0.42.1:9092,10.0.42.2:9092,10.0.42.3:9092");
    expect(controllerServers(lab)).toEqual(["10.0.42.1:9093", "10.0.42.2:9093", "10.0.42.6:9093"]);
  });

  it("becomes a lab of containers when it has `virtual`, be that empty", () => {
    const machineKeys = (config: unknown) =>
      parseLab(config).machines.map(({ hostKey: key }) => key);
    expect(parseLab(virtualConfig()).substrate).toEqual({
      kind: "virtual",
      image: "pi-lab/virtual-pi:bookworm-1",
      internet: true,
    });
    expect(parseLab({ ...virtualConfig(), virtual: null }).substrate.kind).toBe("virtual");
    expect(new Set(machineKeys(virtualConfig()))).toEqual(new Set([undefined]));
  });

  it("has a default for all that need not be said", () => {
    const lab = parseLab({
      name: "small",
      switch: { ports: 5, subnet: "192.168.7.0/29" },
      machines: { "pi-1": { board: "pi-5-2gb", address: "192.168.7.1", hostKey: hostKey(1) } },
      hosts: { "broker-1": { role: "broker", machine: "pi-1", port: 1, nodeId: 1, heapMib: 512 } },
      cluster: { replicationFactor: 1, minInsyncReplicas: 1 },
    });
    expect(lab).toEqual({
      name: "small",
      timezone: "Etc/UTC",
      clock: { server: undefined, upstream: ["2.debian.pool.ntp.org"] },
      substrate: { kind: "physical" },
      switch: {
        model: "switch with 5 ports",
        ports: 5,
        subnet: "192.168.7.0/29",
        gateway: "192.168.7.6",
      },
      ssh: { user: "pi", port: 22, privateKeyPath: undefined },
      machines: [lab.hosts[0]?.machine],
      hosts: [expect.objectContaining({ name: "broker-1" })],
      cluster: {
        kafkaVersion: "4.1.1",
        replicationFactor: 1,
        minInsyncReplicas: 1,
        profile: "standard",
        clientPort: 9092,
        controllerPort: 9093,
        reassignmentThrottleMib: 10,
        metrics: false,
        liveChecks: true,
        settings: {},
      },
      topics: [],
      deleteTopics: [],
      users: [],
      acls: [],
      packagesFrom: "internet",
      packageMirrors: [],
      quotas: [],
      data: {
        ...{ ring: undefined, mqtt: undefined, telemetry: undefined, bridge: undefined },
        supplies: {},
      },
    });
  });

  it("gives a broker its own heap, else the cluster's, else 1 GiB", () => {
    const heaps = (heapMib: number | undefined) => {
      const config = physicalConfig();
      config.cluster = heapMib === undefined ? {} : { heapMib };
      return parseLab(config).hosts.map((host) => (host.role === "broker" ? host.heapMib : null));
    };
    expect(heaps(undefined).slice(0, 3)).toEqual([1024, 2048, 1024]);
    expect(heaps(512).slice(0, 3)).toEqual([512, 2048, 512]);
  });

  it("gives a topic the cluster's replication factor, unless it has its own", () => {
    const config = physicalConfig();
    config.topics = {
      red: null,
      green: { replicationFactor: 2 },
    };
    expect(
      parseLab(config).topics.map(({ name, replicationFactor }) => [name, replicationFactor]),
    ).toEqual([
      ["green", 2],
      ["red", 3],
    ]);
  });

  it("makes node ids of a placement's hosts, whatever they are named", () => {
    const config = change(
      physicalConfig(),
      ["topics", "red", "placement"],
      [
        ["broker-3", "broker-1", "broker-2"],
        ["broker-1", "broker-2", "broker-3"],
      ],
    );
    expect(parseLab(config).topics.map(({ placement }) => placement)).toEqual([
      undefined,
      [
        [3, 1, 2],
        [1, 2, 3],
      ],
    ]);
  });

  it("takes users, rules and quotas in an order of its own, a rule for each operation", () => {
    const config = change(physicalConfig(), ["cluster", "authentication"], "scram");
    const user = { password: "config" };
    const versions = { "SCRAM-SHA-256": 2, "SCRAM-SHA-512": 1 };
    change(config, ["users"], { zoe: user, ann: null, "u-10": { passwordVersions: versions } });
    change(config, ["acls"], {
      zoe: [{ topicPrefix: "al", operations: ["write", "read"], permission: "deny" }],
      "*": [
        { cluster: true, operations: ["describe"], host: "10.0.42.4" },
        { group: "*", operations: ["read"] },
      ],
    });
    change(
      config,
      ["quotas"],
      [
        { user: "zoe", clientId: "default", limits: { producer_byte_rate: 1e6 } },
        { ip: "default", limits: { connection_creation_rate: 5 } },
      ],
    );
    const { users, acls, quotas } = parseLab(config);
    // The lab's own programs have theirs besides.
    const isOurs = (name: string): boolean => !name.startsWith("pi-lab-");
    expect(users.filter(({ name }) => isOurs(name))).toEqual([
      { name: "ann", password: "random", passwordVersions: { "SCRAM-SHA-512": 1 } },
      { name: "u-10", password: "random", passwordVersions: versions },
      { name: "zoe", password: "config", passwordVersions: {} },
    ]);
    const rule = { pattern: "literal", permission: "allow", host: "*" };
    const about = { resource: "topic", name: "al", pattern: "prefixed" };
    expect(acls.filter(({ user }) => isOurs(user))).toEqual([
      {
        user: "*",
        rules: [
          {
            ...rule,
            resource: "cluster",
            name: "kafka-cluster",
            operation: "describe",
            host: "10.0.42.4",
          },
          { ...rule, resource: "group", name: "*", operation: "read" },
        ],
      },
      {
        user: "zoe",
        rules: ["read", "write"].map((operation) => ({
          ...{ ...rule, ...about },
          ...{ operation, permission: "deny" },
        })),
      },
    ]);
    expect(quotas).toEqual([
      { ip: "default", limits: { connection_creation_rate: 5 } },
      { user: "zoe", clientId: "default", limits: { producer_byte_rate: 1e6 } },
    ]);
  });

  it("keeps Kafka's settings as text, and takes unquoted numbers and truth values for them", () => {
    const config = physicalConfig();
    config.topics = {
      red: {
        config: { "retention.ms": 86400000, preallocate: true, "min.cleanable.dirty.ratio": 0.25 },
      },
      green: {},
    };
    expect(parseLab(config).topics[1]?.config).toEqual({
      "min.cleanable.dirty.ratio": "0.25",
      preallocate: "true",
      "retention.ms": "86400000",
    });
  });

  it("leaves a host key's comment out", () => {
    const config = physicalConfig();
    config.machines = {
      ...(config.machines as object),
      "pi-1": { board: "pi-4b-8gb", address: "10.0.42.1", hostKey: `${hostKey(9)} root@pi-1` },
    };
    expect(parseLab(config).machines[0]?.hostKey).toBe(hostKey(9));
  });

  it("puts machines, hosts and topics in the order in which people count", () => {
    const config = physicalConfig();
    config.topics = { "t-10": {}, "t-9": {}, red: {}, green: {} };
    expect(parseLab(config).topics.map(({ name }) => name)).toEqual([
      "green",
      "red",
      "t-9",
      "t-10",
    ]);
  });
});

describe("a configuration with mistakes", () => {
  it("is refused with all of them, sorted by path, one a line", () => {
    const config = physicalConfig();
    config.colour = "red";
    (config.hosts as Record<string, unknown>)["broker-2"] = {
      role: "broker",
      machine: "pi-2",
      port: 1,
      nodeId: "2",
    };
    expect(() => parseLab(config)).toThrow(ConfigError);
    expect(() => parseLab(config)).toThrow(
      [
        "The lab's configuration has 3 problems; nothing was changed.",
        "  lab.colour: is not a known key. Keys here: acls, alerting, bridge, clock, cluster, dashboards, databricks, deleteTopics, hosts, machines, mqtt, name, packages, quotas, ring, ssh, statusPage, store, supplies, switch, telemetry, timezone, topics, users, virtual.",
        '  lab.hosts.broker-2.nodeId: "2" is text, not a number. Remove the quotes: 2.',
        "  lab.hosts.broker-2.port: 1 is taken by broker-1; the SW-008 has ports 1 to 8. Choose a free one: 2, 7, 8.",
      ].join("\n"),
    );
  });

  it.each([
    [undefined, "lab: is missing. Describe the lab under the key `pi-lab:lab`"],
    ["gcn", "lab: gcn is text, not a mapping."],
    [[], "lab: [] is a list, not a mapping."],
  ])("is told when there is no lab in it: %j", (raw, message) => {
    expect(() => parseLab(raw)).toThrow(message);
  });

  it("says of a missing group that it is missing, and no more", () => {
    const config = physicalConfig();
    delete config.switch;
    expect(() => parseLab(config)).toThrow(
      /1 problem; nothing was changed\.\n {2}lab\.switch: is missing\./,
    );
  });
});
