import { bootstrapServers, type Host, isController, isKafkaHost, type Lab } from "../../model";
import type { ConnectAdmin } from "../../provider/admin/port";
import type { HostFacts } from "../../provider/preflight/facts";
import { isError, type Finding } from "../../provider/preflight/findings";
import { acceptLiving, livingClusterId, lookAt } from "../../provider/preflight/look";
import type { Wanted } from "../../provider/preflight/wanted";
import type { OpenShell } from "../../provider/ssh/port";
import { kafkaPaths, servicePrograms } from "../../render";
import { UserError } from "./errors";
import { pinnedKeys } from "./known-hosts";
import type { StateResource } from "./leftovers";
import { renderTable } from "./table";

const NODE_STORAGE = "pilab:kafka/nodeStorage:NodeStorage";

/** A host's machine, as it is found. */
export interface LookedAtHost {
  readonly host: string;
  readonly role: Host["role"];
  readonly machine: string;
  readonly address: string;
  /** Errors first. */
  readonly findings: readonly Finding[];
  /** Undefined for a machine that could not be looked at. */
  readonly facts: HostFacts | undefined;
}

export interface LabPreflight {
  readonly lab: string;
  readonly hosts: readonly LookedAtHost[];
  /** How many findings would keep `up` from pushing anything. */
  readonly errors: number;
  readonly warnings: number;
}

export interface PreflightMeans {
  /** Text of the private key; undefined: the SSH agent is asked. */
  readonly privateKey: string | undefined;
  /** What the engine's state has of this lab. */
  readonly state: readonly StateResource[];
  readonly open: OpenShell;
  readonly connectAdmin: ConnectAdmin;
}

/** Looks at all machines at once; one that does not answer is dialled once. */
export async function lookAtLab(lab: Lab, means: PreflightMeans): Promise<LabPreflight> {
  const keys = pinnedKeys(lab, means.state);
  const clusterId = clusterIdIn(means.state);
  const looks = await Promise.all(
    lab.hosts.map(async (host) => {
      const { machine, name } = host;
      const login = {
        host: machine.address,
        port: lab.ssh.port,
        user: lab.ssh.user,
        hostKey: keys.get(machine.name) ?? notMade(lab),
        ...(means.privateKey === undefined ? {} : { privateKey: means.privateKey }),
        sudo: lab.ssh.user !== "root",
      };
      const wanted = wantedOf(lab, host, clusterId);
      const look = await lookAt(means.open, login, wanted, {
        host: name,
        signal: new AbortController().signal,
        status: () => undefined,
        patienceMs: 0,
      });
      return [look, wanted] as const;
    }),
  );
  const judged = await acceptLiving(looks, () =>
    livingClusterId(means.connectAdmin, bootstrapServers(lab).split(",")),
  );
  const hosts = lab.hosts.map(({ name, role, machine }, i): LookedAtHost => {
    const { findings = [], facts } = judged[i] ?? {};
    return { host: name, role, machine: machine.name, address: machine.address, findings, facts };
  });
  const all = hosts.flatMap(({ findings }) => findings);
  const errors = all.filter(isError).length;
  return { lab: lab.name, hosts, errors, warnings: all.length - errors };
}

/** What the disks of the cluster were seen to have; before there are any, what was proposed for its birth. */
function clusterIdIn(state: readonly StateResource[]): string | undefined {
  const idOf = (resources: readonly StateResource[]): string | undefined =>
    resources
      .map(({ outputs }) => outputs?.["clusterId"])
      .find((id): id is string => typeof id === "string");
  return idOf(state.filter(({ type }) => type === NODE_STORAGE)) ?? idOf(state);
}

function notMade(lab: Lab): never {
  throw new UserError(
    `The machines of the lab ${lab.name} are containers, which \`up\` makes: there is nothing to look at before.`,
  );
}

function wantedOf(lab: Lab, host: Host, clusterId: string | undefined): Wanted {
  const { board, address } = host.machine;
  const programs = servicePrograms(lab, host).length;
  const { packagesFrom, packageMirrors } = lab;
  const base = { board, address, programs, packagesFrom, packageMirrors };
  if (!isKafkaHost(host)) return { ...base, role: host.role };
  const { clientPort, controllerPort } = lab.cluster;
  const { role, nodeId, heapMib } = host;
  const dataDir = kafkaPaths.data;
  return {
    ...base,
    role,
    kafka: {
      ...{ nodeId, heapMib, dataDir, clusterId },
      clientPort: role === "broker" ? clientPort : undefined,
      controllerPort: isController(host) ? controllerPort : undefined,
    },
  };
}

/** The same as a person reads it. */
export function renderPreflight({ lab, hosts, errors, warnings }: LabPreflight): string {
  const table = renderTable(
    ["HOST", "ROLE", "MACHINE", "ADDRESS", "BOARD", "SYSTEM", "MEMORY", "DATA", "WRITES", "STATE"],
    hosts.map(({ host, role, machine, address, facts, findings }) => [
      host,
      role,
      machine,
      address,
      ...figures(facts),
      stateOf(findings),
    ]),
  );
  const told = hosts
    .filter(({ findings }) => findings.length > 0)
    .flatMap(({ host, findings }) => [
      "",
      `${host}:`,
      ...findings.map(
        ({ severity, found, remedy }) => `  ${severity.padEnd(7)}  ${found}. ${remedy}`,
      ),
    ]);
  const summary =
    errors > 0
      ? `\`up\` would push nothing: ${count(errors, "error")}, ${count(warnings, "warning")}.`
      : `\`up\` would go on: no error, ${count(warnings, "warning")}.`;
  return [`Lab ${lab}`, "", table, ...told, "", summary].join("\n");
}

function figures(facts: HostFacts | undefined): string[] {
  if (facts === undefined) return ["-", "-", "-", "-", "-"];
  const { system, memory, disk } = facts;
  const { data, streamMibPerSecond, syncMs } = disk;
  return [
    system.board?.replace(/^Raspberry /, "") ?? (system.isContainer ? "container" : "-"),
    [system.name?.replace(/ GNU\/Linux| \(.*\)/g, ""), system.userland].filter(Boolean).join(" "),
    memory.mib === undefined ? "-" : `${memory.mib} MiB`,
    data === undefined ? "-" : `${data.freeMib} MiB free, ${data.type}`,
    streamMibPerSecond === undefined
      ? "-"
      : `${streamMibPerSecond.toFixed(1)} MiB/s, ${syncMs === undefined ? "?" : syncMs.toFixed(1)} ms`,
  ];
}

function stateOf(findings: readonly Finding[]): string {
  const errors = findings.filter(isError).length;
  const warnings = findings.length - errors;
  if (findings.length === 0) return "fit";
  return [
    ...(errors > 0 ? [count(errors, "error")] : []),
    ...(warnings > 0 ? [count(warnings, "warning")] : []),
  ].join(", ");
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`;
