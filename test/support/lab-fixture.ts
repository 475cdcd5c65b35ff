import type {
  Address,
  BrokerHost,
  Host,
  HostKey,
  HostName,
  KafkaHost,
  Lab,
  Machine,
  MachineName,
  TopicName,
} from "../../model/types";
import { kafkaHosts } from "../../model/lab";

/** A lab like the exhibit's: brokers 1 to 3, clients 4 to 6, made by hand so that render's tests need no parser. */
export function labFixture(overrides: Partial<Lab> = {}): Lab {
  const machines = [1, 2, 3, 4, 5, 6].map((number): Machine => ({
    name: `pi-${number}` as MachineName,
    board: "pi-4b-8gb",
    address: `10.0.42.${number}` as Address,
    hostKey: `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${String(number).repeat(43)}` as HostKey,
  }));
  const topics = ["red", "green", "blue"].map((name) => ({
    name: name as TopicName,
    partitions: 1,
    replicationFactor: 3,
    placement: undefined,
    config: {},
    deletionProtection: true,
  }));
  const hosts = machines.map((machine, index): Host => {
    const port = index + 1;
    return port <= 3
      ? {
          role: "broker",
          processRoles: ["broker", "controller"],
          name: `broker-${port}` as HostName,
          formerNames: [],
          machine,
          port,
          nodeId: port,
          disk: 1,
          heapMib: 1024,
          settings: {},
        }
      : {
          role: "client",
          name: `client-${port - 3}` as HostName,
          formerNames: [],
          machine,
          port,
          topic: topics[port - 4]!.name,
        };
  });
  return {
    name: "gcn",
    timezone: "Etc/UTC",
    clock: { server: "broker-1" as HostName, upstream: [] },
    substrate: { kind: "physical" },
    packagesFrom: "internet",
    packageMirrors: [],
    switch: {
      model: "SW-008",
      ports: 8,
      subnet: "10.0.42.0/24",
      gateway: "10.0.42.254" as Address,
    },
    ssh: { user: "pi", port: 22, privateKeyPath: undefined },
    machines,
    hosts,
    cluster: {
      kafkaVersion: "4.1.1",
      metadataVersion: undefined,
      replicationFactor: 3,
      minInsyncReplicas: 2,
      profile: "standard",
      clientPort: 9092,
      controllerPort: 9093,
      authentication: undefined,
      reassignmentThrottleMib: 10,
      metrics: false,
      liveChecks: true,
      settings: {},
    },
    topics,
    deleteTopics: [],
    users: [],
    acls: [],
    quotas: [],
    data: {
      ...{ ring: undefined, mqtt: undefined, telemetry: undefined, bridge: undefined },
      ...{ statusPage: undefined, alerting: undefined, supplies: {}, store: undefined },
    },
    ...overrides,
  };
}

/** The same machines as three controllers, 1 to 3, and three brokers, 4 to 6, that are nothing else. */
export function separateFixture(): Lab {
  const lab = labFixture();
  const hosts = lab.machines.map((machine, index): Host => {
    const port = index + 1;
    const node = { machine, port, nodeId: port, disk: 1, heapMib: 1024, settings: {} };
    return port <= 3
      ? {
          ...node,
          role: "controller",
          name: `controller-${port}` as HostName,
          formerNames: [],
          processRoles: ["controller"],
        }
      : {
          ...node,
          role: "broker",
          name: `broker-${port}` as HostName,
          formerNames: [],
          processRoles: ["broker"],
        };
  });
  return { ...lab, hosts, clock: { ...lab.clock, server: "controller-1" as HostName } };
}

/** The Kafka node with this node id. */
export function nodeFixture(lab: Lab, nodeId: number): KafkaHost {
  const node = kafkaHosts(lab).find((host) => host.nodeId === nodeId);
  if (node === undefined) throw new Error(`the fixture has no node ${nodeId}`);
  return node;
}

/** The broker with this node id. */
export function brokerFixture(lab: Lab, nodeId: number): BrokerHost {
  const broker = lab.hosts.find((host) => host.role === "broker" && host.nodeId === nodeId);
  if (broker?.role !== "broker") throw new Error(`the fixture has no broker ${nodeId}`);
  return broker;
}

/** The same host under another name. */
export const renamedTo =
  (name: string) =>
  (host: Host): Host => ({
    ...host,
    name: name as HostName,
    formerNames: [host.name, ...host.formerNames],
  });

/** The same lab with one of its hosts changed. */
export function withHost(lab: Lab, name: string, change: (host: Host) => Host): Lab {
  return { ...lab, hosts: lab.hosts.map((host) => (host.name === name ? change(host) : host)) };
}
