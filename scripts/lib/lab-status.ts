import { createConnection } from "node:net";
import {
  bootstrapServers,
  type BrokerHost,
  controllerServers,
  type Host,
  isController,
  isKafkaHost,
  type KafkaHost,
  type Lab,
} from "../../model";
import {
  type AdminOptions,
  type KafkaAdmin,
  type LiveTopic,
  type Quorum,
  type TopicPartitions,
} from "../../provider/admin/port";
import { CAUGHT_UP_MS } from "../../provider/rollout/gates";
import { reasonOf as reason } from "./errors";
import { hostOfNode, topicProblems, topicStatuses, type TopicStatus } from "./topic-status";

/** What one host is seen to do from here. */
export interface HostStatus {
  readonly name: string;
  readonly role: Host["role"];
  readonly machine: string;
  readonly address: string;
  /** Whether sshd greets. */
  readonly ssh: boolean;
  /** Brokers only: `up` serves; `fenced` is registered but serves nothing (yet); `down` is neither. */
  readonly broker?: "up" | "fenced" | "down" | "unknown";
  /**
   * Controllers only, as the quorum's leader has it: `up` votes and has caught up; `behind` does not follow
   * (any more); `no voter` is not known to the quorum by its node id.
   */
  readonly controller?: "active" | "up" | "behind" | "no voter" | "unknown";
}

/** A lab as it is seen now. */
export interface LabStatus {
  readonly lab: string;
  readonly bootstrapServers: readonly string[];
  readonly hosts: readonly HostStatus[];
  /** Host name of the active controller; undefined when no controller answers as the leader. */
  readonly quorumLeader: string | undefined;
  /** The lab's topics, in the configuration's order; those that do not exist are left out. */
  readonly topics: readonly TopicStatus[];
  /** One sentence for each thing that is not as the configuration wants it; none when the lab is well. */
  readonly problems: readonly string[];
}

/** How the status is asked for: tests put their own in its place. */
export interface StatusPorts {
  /** Undefined when sshd greets, else why it does not. */
  greet(address: string, port: number): Promise<string | undefined>;
  connectAdmin(servers: readonly string[], options: AdminOptions): KafkaAdmin;
}

/** Limit of one host's answer, ms. */
const GREETING_TIMEOUT_MS = 2000;

/** Asks every host and the cluster, all at once; each question is bounded to a few seconds. */
export async function gatherStatus(lab: Lab, ports: StatusPorts): Promise<LabStatus> {
  const problems: string[] = [];
  const [greetings, cluster] = await Promise.all([
    Promise.all(lab.hosts.map((host) => ports.greet(host.machine.address, lab.ssh.port))),
    askCluster(lab, ports),
  ]);
  const hosts = lab.hosts.map((host, i): HostStatus => {
    const silent = greetings[i];
    if (silent !== undefined) {
      problems.push(
        `${host.name} (${host.machine.address}): no answer on SSH, port ${lab.ssh.port}: ${silent}.`,
      );
    }
    const base = {
      name: host.name,
      role: host.role,
      machine: host.machine.name,
      address: host.machine.address,
      ssh: silent === undefined,
    };
    return {
      ...base,
      ...(host.role === "broker" ? { broker: cluster.stateOf(host) } : {}),
      ...(isKafkaHost(host) && isController(host) ? { controller: cluster.voteOf(host) } : {}),
    };
  });
  problems.push(...cluster.problems, ...hosts.flatMap(brokerProblem));
  problems.push(...hosts.flatMap(controllerProblem));
  const topics = topicStatuses(lab, cluster.partitions);
  if (cluster.partitions) problems.push(...topicProblems(lab, topics, cluster.settings));
  return {
    lab: lab.name,
    bootstrapServers: bootstrapServers(lab).split(","),
    hosts,
    quorumLeader: hostOfNode(lab, cluster.quorum?.leaderId),
    topics,
    problems,
  };
}

interface ClusterAnswers {
  readonly partitions: readonly TopicPartitions[] | undefined;
  /** By topic, of the lab's own. */
  readonly settings: ReadonlyMap<string, LiveTopic["config"]> | undefined;
  readonly quorum: Quorum | undefined;
  readonly problems: readonly string[];
  stateOf(host: BrokerHost): NonNullable<HostStatus["broker"]>;
  voteOf(host: KafkaHost): NonNullable<HostStatus["controller"]>;
}

/** Asked once: a broker that logs its first clients in on a busy machine is waited for. */
const LIMITS: AdminOptions = { connectTimeoutMs: 3_000, requestTimeoutMs: 6_000 };

async function askCluster(lab: Lab, ports: StatusPorts): Promise<ClusterAnswers> {
  const servers = bootstrapServers(lab).split(",");
  const admin = ports.connectAdmin(servers, LIMITS);
  try {
    const [listed, partitions, quorum, described] = await Promise.allSettled([
      admin.listBrokers(),
      admin.listPartitions(),
      admin.describeQuorum(controllerServers(lab)),
      Promise.all(
        lab.topics.map(({ name, config }) => admin.describeTopic(name, Object.keys(config))),
      ),
    ]);
    const problems: string[] = [];
    if (listed.status === "rejected")
      problems.push(`The brokers do not answer: ${reasonOf(listed.reason)}.`);
    else if (partitions.status === "rejected")
      problems.push(`The topics cannot be listed: ${reasonOf(partitions.reason)}.`);
    else if (described.status === "rejected")
      problems.push(`The topics' settings cannot be read: ${reasonOf(described.reason)}.`);
    if (quorum.status === "rejected")
      problems.push(`The controllers have no leader: ${reasonOf(quorum.reason)}.`);
    return {
      partitions: partitions.status === "fulfilled" ? partitions.value : undefined,
      settings: described.status === "fulfilled" ? settingsOf(described.value) : undefined,
      quorum: quorum.status === "fulfilled" ? quorum.value : undefined,
      problems,
      stateOf: ({ nodeId }) => {
        if (listed.status === "rejected") return "unknown";
        const found = listed.value.find(({ id }) => id === nodeId);
        return found === undefined ? "down" : found.fenced ? "fenced" : "up";
      },
      voteOf: ({ nodeId }) => {
        if (quorum.status === "rejected") return "unknown";
        const { leaderId, voters } = quorum.value;
        if (leaderId === nodeId) return "active";
        const found = voters.find(({ id }) => id === nodeId);
        if (found === undefined) return "no voter";
        return found.behindMs > CAUGHT_UP_MS ? "behind" : "up";
      },
    };
  } finally {
    await admin.close();
  }
}

const settingsOf = (
  topics: readonly (LiveTopic | undefined)[],
): ReadonlyMap<string, LiveTopic["config"]> =>
  new Map(topics.flatMap((one) => (one === undefined ? [] : [[one.topic, one.config]])));

function brokerProblem({ name, address, broker }: HostStatus): string[] {
  const at = `${name} (${address})`;
  switch (broker) {
    case "down":
      return [`${at}: its broker is not in the cluster.`];
    case "fenced":
      return [
        `${at}: its broker is registered, but serves nothing: it is starting, recovering its log, or has lost the controllers.`,
      ];
    case "up":
    case "unknown": // told once for all brokers
    case undefined:
      return [];
    default:
      return broker satisfies never;
  }
}

function controllerProblem({ name, address, controller }: HostStatus): string[] {
  const at = `${name} (${address})`;
  switch (controller) {
    case "behind":
      return [
        `${at}: its controller does not follow the quorum: it is down, starting, or cut off from the active one.`,
      ];
    case "no voter":
      return [`${at}: its controller has no vote in the quorum. \`up\` gives it one.`];
    case "active":
    case "up":
    case "unknown": // told once for all controllers
    case undefined:
      return [];
    default:
      return controller satisfies never;
  }
}

/** Dials a host and waits for the greeting of an SSH server. */
export function greet(address: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: address, port });
    const end = (reason?: string): void => {
      socket.destroy();
      resolve(reason);
    };
    socket.setTimeout(GREETING_TIMEOUT_MS, () => end(`silent for ${GREETING_TIMEOUT_MS / 1000} s`));
    socket.once("error", (error) => end(error.message));
    socket.once("close", () => end("it closed the connection"));
    socket.once("data", (data) =>
      end(
        data.toString("latin1").startsWith("SSH-") ? undefined : "something else than SSH answers",
      ),
    );
  });
}

/** Without the full stop, which the sentence around it sets. */
function reasonOf(error: unknown): string {
  return reason(error).replace(/\.$/, "");
}
