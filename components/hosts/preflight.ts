import type * as pulumi from "@pulumi/pulumi";
import { formerNames, type Host, isController, isKafkaHost, type Lab } from "../../model";
import { type PilabProvider, Preflight, type PreflightHost } from "../../provider/resources";
import { kafkaPaths, servicePrograms } from "../../render";
import type { ReachableHost } from "../remote";
import type { BootedMachines } from "./machines";

export interface LabPreflightArgs {
  readonly lab: Lab;
  /** The machine that each host is on. */
  readonly machines: BootedMachines;
  readonly clusterId: pulumi.Input<string>;
  readonly provider: PilabProvider;
}

/**
 * Looks at all machines at once, before the first push to any of them, and again at each that is new.
 *
 * @returns for each host its machine, which counts as ready only once all were found fit
 */
export function labPreflight(
  name: string,
  { lab, machines, clusterId, provider }: LabPreflightArgs,
): (host: Host) => ReachableHost {
  const reachable = new Map(lab.hosts.map((host) => [host.name, machines.of(host)]));
  const machineOf = (host: Host): ReachableHost => {
    const found = reachable.get(host.name);
    if (found === undefined) throw new Error(`${host.name} is no host of this lab`);
    return found;
  };
  const preflight = new Preflight(
    name,
    {
      hosts: Object.fromEntries(
        lab.hosts.map((host) => [host.name, preflightHost(lab, host, machineOf(host))]),
      ),
      formerNames: formerNames(lab),
      clusterId,
    },
    { provider, dependsOn: [...new Set([...reachable.values()].flatMap((one) => one.readyAfter))] },
  );
  return (host) => {
    const before = machineOf(host);
    return { ...before, readyAfter: [...before.readyAfter, preflight] };
  };
}

function preflightHost(
  lab: Lab,
  host: Host,
  { connection, identity }: ReachableHost,
): PreflightHost {
  const programs = servicePrograms(lab, host).length;
  const base = {
    ...{ connection, identity, role: host.role, board: host.machine.board },
    ...(programs === 0 ? {} : { programs }),
    ...(lab.packagesFrom === "internet" ? {} : { packagesFrom: lab.packagesFrom }),
    ...(lab.packageMirrors.length === 0 ? {} : { packageMirrors: lab.packageMirrors }),
  };
  if (!isKafkaHost(host)) return base;
  const { clientPort, controllerPort } = lab.cluster;
  const { nodeId, heapMib, disk } = host;
  const kafka = {
    ...{ nodeId, heapMib, dataDir: kafkaPaths.data },
    ...(host.role === "broker" ? { clientPort } : {}),
    ...(isController(host) ? { controllerPort } : {}),
  };
  // Another disk in the same machine is one that was not looked at.
  return { ...base, kafka, identity: disk === 1 ? identity : [...identity, `disk ${disk}`] };
}
