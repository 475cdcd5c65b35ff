import { switchModels } from "./catalogue";
import { buildDataPlane } from "./data-config";
import { serviceUsers } from "./data/service-users";
import { compareNatural, ConfigError, type ConfigProblem } from "./errors";
import { metadataVersionName } from "./kafka/features";
import { formatAddress, lastUsable, parseSubnet } from "./network";
import { alertingProblems } from "./rules/alerting";
import { bridgeProblems } from "./rules/bridge";
import { dashboardsProblems } from "./rules/dashboards";
import { databricksProblems } from "./rules/databricks";
import { clusterProblems } from "./rules/cluster";
import { labProblems } from "./rules/lab";
import { hostProblems } from "./rules/hosts";
import { mqttProblems } from "./rules/mqtt";
import { networkProblems } from "./rules/network";
import { portProblems } from "./rules/ports";
import { quotaProblems } from "./rules/quotas";
import { ringProblems } from "./rules/ring";
import { securityProblems } from "./rules/security";
import { statusPageProblems } from "./rules/status-page";
import { storeProblems } from "./rules/store";
import { topicProblems } from "./rules/topics";
import { defaults, type LabConfig, type LabDraft } from "./schema";
import { buildAcls, buildQuotas, buildUsers } from "./security-config";
import { readShape } from "./shape";
import type {
  Address,
  BrokerHost,
  Clock,
  ControllerHost,
  Host,
  HostKey,
  HostName,
  KafkaHost,
  Lab,
  Machine,
  MachineName,
  Switch,
  Topic,
  TopicName,
} from "./types";

/**
 * Makes a lab of its configuration: the value of the key `pi-lab:lab`, as plain data.
 *
 * Pure: the same configuration gives the same lab on every machine, whatever the order of its keys.
 *
 * @param more rules of the caller's, on what the model does not see: this machine's disk, say
 * @throws ConfigError with every problem found, sorted by path
 */
export function parseLab(
  raw: unknown,
  more: (draft: LabDraft) => readonly ConfigProblem[] = () => [],
): Lab {
  const { config, draft, problems } = readShape(raw);
  // What is misshapen counts as absent for the rules; one message about it is enough.
  const misshapen = problems.map(({ path }) => path);
  const isMisshapen = (path: string) =>
    misshapen.some(
      (wrong) =>
        path === wrong || (/^[.[]/.test(path.slice(wrong.length)) && path.startsWith(wrong)),
    );
  const ours = [labProblems, networkProblems, hostProblems, clusterProblems, topicProblems];
  const access = [securityProblems, quotaProblems];
  const data = [
    ...[ringProblems, mqttProblems, bridgeProblems, portProblems],
    ...[
      storeProblems,
      dashboardsProblems,
      databricksProblems,
      statusPageProblems,
      alertingProblems,
    ],
  ];
  const found: ConfigProblem[] = [
    ...problems,
    ...[...ours, ...access, ...data, more]
      .flatMap((rules) => rules(draft))
      .filter(({ path }) => !isMisshapen(path)),
  ];
  if (config === undefined || found.length > 0) throw new ConfigError(found);
  return withServiceUsers(buildLab(config));
}

/** Programs of the lab's own are users like others, but for who names them. */
function withServiceUsers(lab: Lab): Lab {
  const own = serviceUsers(lab);
  return {
    ...lab,
    users: [...lab.users, ...own.map(({ user }) => user)],
    acls: [...lab.acls, ...own.map(({ acls }) => acls)],
  };
}

/** From checked values alone: the casts to branded types are what the rules have earned. */
function buildLab(config: LabConfig): Lab {
  const machines = byName(config.machines).map(([name, { board, address, hostKey }]): Machine => ({
    name: name as MachineName,
    board,
    address: address as Address,
    hostKey: hostKey as HostKey | undefined,
  }));
  return {
    name: config.name,
    timezone: config.timezone,
    clock: buildClock(config),
    substrate:
      config.virtual === undefined
        ? { kind: "physical" }
        : { kind: "virtual", image: config.virtual.image, internet: config.virtual.internet },
    packagesFrom: config.packages.from,
    packageMirrors: config.packages.mirrors ?? [],
    switch: buildSwitch(config),
    ssh: {
      user: config.ssh.user,
      port: config.ssh.port,
      privateKeyPath: config.ssh.privateKeyPath,
    },
    machines,
    hosts: buildHosts(config, machines),
    cluster: {
      kafkaVersion: config.cluster.kafkaVersion,
      metadataVersion:
        config.cluster.metadataVersion === undefined
          ? undefined
          : metadataVersionName(config.cluster.metadataVersion),
      replicationFactor: config.cluster.replicationFactor,
      minInsyncReplicas: config.cluster.minInsyncReplicas,
      profile: config.cluster.profile,
      clientPort: config.cluster.clientPort,
      controllerPort: config.cluster.controllerPort,
      authentication: config.cluster.authentication,
      reassignmentThrottleMib: config.cluster.reassignmentThrottleMib,
      metrics: config.cluster.metrics,
      liveChecks: config.cluster.liveChecks,
      settings: sorted(config.cluster.settings),
    },
    topics: byName(config.topics).map(([name, topic]): Topic => ({
      name: name as TopicName,
      partitions: topic.partitions ?? defaults.partitions,
      replicationFactor: topic.replicationFactor ?? config.cluster.replicationFactor,
      placement: topic.placement?.map((hosts) => hosts.map((host) => nodeIdOf(config, host))),
      config: sorted(topic.config),
      deletionProtection: topic.deletionProtection,
    })),
    deleteTopics: [...new Set(config.deleteTopics)].sort(),
    users: buildUsers(config),
    acls: buildAcls(config),
    quotas: buildQuotas(config),
    data: buildDataPlane(config),
  };
}

function nodeIdOf({ hosts }: LabConfig, name: string): number {
  const host = hosts[name];
  if (host?.role !== "broker") throw new Error(`bug: ${name} passed validation as a broker`);
  return host.nodeId;
}

function buildClock({ clock }: LabConfig): Clock {
  const server = clock?.server as HostName | undefined;
  // A Pi has no clock of its own: without a server in the lab, time must come from somewhere.
  const upstream = clock?.upstream ?? (server === undefined ? [...defaults.upstream] : []);
  return { server, upstream };
}

function buildSwitch({ switch: { model, ports, subnet, gateway } }: LabConfig): Switch {
  const parsed = parseSubnet(subnet);
  const known = model === undefined ? undefined : switchModels[model]?.ports;
  const count = ports ?? known;
  if (parsed === undefined || count === undefined) {
    throw new Error(`bug: the switch's shape passed validation: ${subnet}, ${model}`);
  }
  return {
    model: model ?? `switch with ${count} ports`,
    ports: count,
    subnet,
    gateway: (gateway ?? formatAddress(lastUsable(parsed))) as Address,
  };
}

function buildHosts(config: LabConfig, machines: readonly Machine[]): Host[] {
  const machineOf = new Map(machines.map((machine) => [machine.name as string, machine]));
  return byName(config.hosts).map(([key, host]): Host => {
    const machine = machineOf.get(host.machine);
    if (machine === undefined) throw new Error(`bug: ${key} passed validation without a machine`);
    const base = {
      name: key as HostName,
      formerNames: (host.formerNames ?? []) as HostName[],
      machine,
      port: host.port,
    };
    switch (host.role) {
      case "broker":
        return {
          ...base,
          ...kafkaNode(config, host),
          role: "broker",
          processRoles: host.processRoles ?? defaults.processRoles,
        } satisfies BrokerHost;
      case "controller":
        return {
          ...base,
          ...kafkaNode(config, host),
          role: "controller",
          processRoles: ["controller"],
        } satisfies ControllerHost;
      case "client":
        return { ...base, role: "client", topic: host.topic as TopicName };
      case "host":
        return { ...base, role: "host" };
      default:
        return host satisfies never;
    }
  });
}

/** The part that brokers and controllers have in common. */
function kafkaNode(
  { cluster }: LabConfig,
  host: Extract<LabConfig["hosts"][string], { role: "broker" | "controller" }>,
): Pick<KafkaHost, "nodeId" | "disk" | "heapMib" | "settings"> {
  return {
    nodeId: host.nodeId,
    disk: host.disk,
    heapMib: host.heapMib ?? cluster.heapMib ?? defaults.heapMib,
    settings: sorted(host.settings),
  };
}

/** Sorted, so that nothing that is made of a lab changes when lines of its configuration trade places. */
function byName<T>(record: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(record).sort(([a], [b]) => compareNatural(a, b));
}

function sorted(settings: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(byName(settings));
}
