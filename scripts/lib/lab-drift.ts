import { setMaxListeners } from "node:events";
import { type Host, type HostWants, isKafkaHost, type Lab } from "../../model";
import { parseMeta, type Identity } from "../../provider/node-storage/plan";
import { type Finding, findDrift } from "../../provider/host-state/plan";
import { type HostSeen, lookAt, ProbeError } from "../../provider/host-state/probe";
import { parseWants } from "../../provider/host-state/wire";
import type { Login, OpenShell } from "../../provider/ssh/port";
import { SshError } from "../../plugins/common/ssh";
import { hostWants, kafkaPaths } from "../../render";
import { nameOfUrn } from "./engine-events";
import { virtualHostKeys } from "./known-hosts";
import type { StateResource } from "./leftovers";

/** What one host was seen to be. */
export interface HostDrift {
  readonly host: string;
  readonly address: string;
  /** What differs from the configuration, and from what the last `up` left there. */
  readonly drift: readonly Finding[];
  /** What the last `up` left there and the configuration wants otherwise by now. */
  readonly pending: readonly Finding[];
  /** Why it could not be looked at. */
  readonly error?: string;
}

export interface LabDrift {
  readonly lab: string;
  readonly hosts: readonly HostDrift[];
}

/** How hosts are reached: tests put their own in its place. */
export interface DriftPorts {
  readonly openShell: OpenShell;
  /** Text of the key to log in with; undefined: the SSH agent is asked. */
  readonly privateKey: string | undefined;
  readonly signal: AbortSignal;
  /** Told after each host. */
  readonly progress?: (done: number, all: number) => void;
}

/** What the engine's state knows of hosts, by name of the machine or host. */
export interface KnownOfHosts {
  /** Of machines that the lab has made itself. */
  readonly hostKeys: ReadonlyMap<string, string>;
  /** Ids that the disks were formatted with, by host. */
  readonly storages: ReadonlyMap<string, Partial<Identity>>;
  /** What the last `up` wanted, by host. */
  readonly applied: ReadonlyMap<string, HostWants>;
  /** Host keys of the machines that hosts were on after the last `up`, by host. */
  readonly machines: ReadonlyMap<string, string>;
}

/**
 * Hosts that are asked at once. Each is one connection; the hosts do the work, so that more than this
 * brings nothing but longer queues on the controlling machine.
 */
const AT_ONCE = 32;

/** One try: a host that is off costs this long, and a busy one may take it to let us in. */
const DIAL = { retries: 0, dialTimeoutMs: 10_000 };

/** Compares every host with the configuration, at once and without the engine. Hosts do not wait for each other. */
export async function gatherDrift(
  lab: Lab,
  known: KnownOfHosts,
  ports: DriftPorts,
): Promise<LabDrift> {
  // Every host under way listens.
  setMaxListeners(0, ports.signal);
  const hosts = new Array<HostDrift>(lab.hosts.length);
  const waiting = [...lab.hosts.entries()];
  let done = 0;
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, host] = next;
      hosts[index] = await driftOf(lab, host, known, ports);
      ports.progress?.(++done, hosts.length);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { lab: lab.name, hosts };
}

async function driftOf(
  lab: Lab,
  host: Host,
  known: KnownOfHosts,
  ports: DriftPorts,
): Promise<HostDrift> {
  const base = { host: host.name, address: host.machine.address };
  const wants = {
    ...appliedServices(known.applied.get(host.name)),
    ...withRunning(hostWants(lab, host)),
  };
  const metaFile = isKafkaHost(host) ? `${kafkaPaths.data}/meta.properties` : undefined;
  try {
    const login = loginOf(lab, host, known, ports);
    const seen = await look(login, host, wants, metaFile, ports);
    if (isToCome(host.name, login, known)) {
      return { ...base, drift: [], pending: findDrift(wants, seen) };
    }
    const { drift, pending } = split(
      findDrift(wants, seen),
      known.applied.get(host.name),
      (older) => findDrift(withRunning(older), seen),
    );
    const ids = known.storages.get(host.name);
    const storage =
      metaFile === undefined || ids === undefined ? [] : storageDrift(metaFile, ids, seen.meta);
    return { ...base, drift: [...drift.map(asKafkas), ...storage], pending };
  } catch (error) {
    if (error instanceof SshError && error.code === "host_key_mismatch") {
      return { ...base, drift: [otherHostKey(error.message)], pending: [] };
    }
    if (!(error instanceof SshError) && !(error instanceof ProbeError)) throw error;
    return { ...base, drift: [], pending: [], error: error.message };
  }
}

/** Whether the next `up` brings this host, or brings it to this machine: what it lacks was never there. */
function isToCome(host: string, login: Login, { applied, machines }: KnownOfHosts): boolean {
  const former = machines.get(host);
  return former === undefined ? applied.size > 0 && !applied.has(host) : former !== login.hostKey;
}

function loginOf(lab: Lab, host: Host, known: KnownOfHosts, { privateKey }: DriftPorts): Login {
  const { machine } = host;
  const hostKey = machine.hostKey ?? known.hostKeys.get(machine.name);
  if (hostKey === undefined) {
    throw new ProbeError(
      `${host.name}: the state has no host key of ${machine.name}: it has not been made yet. Run \`up\` first.`,
    );
  }
  const { user, port } = lab.ssh;
  return {
    host: machine.address,
    port,
    user,
    hostKey,
    ...(privateKey === undefined ? {} : { privateKey }),
    sudo: user !== "root",
  };
}

async function look(
  login: Login,
  { name }: Host,
  wants: HostWants,
  metaFile: string | undefined,
  { openShell, signal }: DriftPorts,
): Promise<HostSeen> {
  const shell = await openShell(login, { host: name, signal, ...DIAL });
  try {
    return await lookAt(shell, name, wants, metaFile);
  } finally {
    shell.close();
  }
}

const KAFKA_UNIT = `${kafkaPaths.service}.service`;

/**
 * What programs are made of, and passwords in their files, the engine alone knows: they are compared with what the last `up`
 * left there, and an edit of them is not told as one.
 */
function appliedServices({ node, programs, services }: HostWants = {}): HostWants {
  return {
    ...(node === undefined ? {} : { node }),
    ...(programs === undefined ? {} : { programs }),
    ...(services === undefined ? {} : { services }),
  };
}

/** The engine leaves it to the rollout whether Kafka runs; here nobody else looks. */
function withRunning(wants: HostWants): HostWants {
  const kafka = wants.stage?.units?.[KAFKA_UNIT];
  if (wants.stage === undefined || kafka === undefined) return wants;
  const units = {
    ...wants.stage.units,
    [KAFKA_UNIT]: { ...kafka, activeState: "active" as const },
  };
  return { ...wants, stage: { ...wants.stage, units } };
}

/** No push starts Kafka. */
function asKafkas(finding: Finding): Finding {
  if (finding.name !== KAFKA_UNIT || finding.property !== "activeState") return finding;
  return { ...finding, push: undefined, remedy: "`up --refresh` starts it: its rollout does." };
}

/** An edit of the configuration that was not applied yet is no drift: the host is as it was left. */
export function split(
  findings: readonly Finding[],
  applied: HostWants | undefined,
  compare: (wants: HostWants) => readonly Finding[],
): Pick<HostDrift, "drift" | "pending"> {
  if (applied === undefined) return { drift: findings, pending: [] };
  const key = ({ kind, name, property }: Finding): string => `${kind} ${name} ${property}`;
  const sinceThen = new Set(compare(applied).map(key));
  return {
    drift: findings.filter((finding) => sinceThen.has(key(finding))),
    pending: findings.filter((finding) => !sinceThen.has(key(finding))),
  };
}

function storageDrift(
  metaFile: string,
  want: Partial<Identity>,
  meta: string | undefined,
): Finding[] {
  const found = meta === undefined ? undefined : parseMeta(meta);
  return (["clusterId", "nodeId", "directoryId"] as const).flatMap((key) => {
    const wanted = want[key];
    if (wanted === undefined || found?.[key] === wanted) return [];
    return {
      kind: "storage",
      name: metaFile,
      property: key,
      seen: String(found?.[key] ?? "missing"),
      wanted: String(wanted),
      push: undefined,
      remedy: "Nothing formats or renames that disk: mount the node's own one.",
    };
  });
}

function otherHostKey(message: string): Finding {
  return {
    kind: "host key",
    name: "SSH host key",
    property: "",
    seen: message,
    wanted: "the pinned one",
    push: undefined,
    remedy: "Nothing is asked of that machine, nor pushed to it, before its key is the pinned one.",
  };
}

/** Reads what the engine's state knows; empty for a lab that is down. */
export function knownOfHosts(resources: readonly StateResource[]): KnownOfHosts {
  const ofType = (type: string): StateResource[] =>
    resources.filter((resource) => resource.type === type);
  const storages = ofType("pilab:kafka/nodeStorage:NodeStorage").map(
    ({ outputs = {} }): [string, Partial<Identity>] => {
      const { host, clusterId, nodeId, directoryId } = outputs;
      return [
        String(host),
        {
          ...(typeof clusterId === "string" ? { clusterId } : {}),
          ...(typeof nodeId === "number" ? { nodeId } : {}),
          ...(typeof directoryId === "string" ? { directoryId } : {}),
        },
      ];
    },
  );
  const applied = ofType("pilab:lab/hostState:HostState").map(
    ({ urn, inputs = {} }): [string, HostWants] => [
      typeof inputs["host"] === "string" ? inputs["host"] : nameOfUrn(urn),
      parseWants(inputs["pushes"] as Parameters<typeof parseWants>[0]),
    ],
  );
  return {
    machines: machinesOf(ofType("pilab:lab/swapGate:SwapGate")[0]),
    hostKeys: virtualHostKeys(resources),
    storages: new Map(storages),
    applied: new Map(applied),
  };
}

function machinesOf(gate: StateResource | undefined): Map<string, string> {
  const hosts = (gate?.inputs?.["hosts"] ?? {}) as Record<
    string,
    { connection?: { hostKey?: unknown } } | undefined
  >;
  return new Map(
    Object.entries(hosts).flatMap(([host, one]): [string, string][] => {
      const key = one?.connection?.hostKey;
      return typeof key === "string" ? [[host, key]] : [];
    }),
  );
}
