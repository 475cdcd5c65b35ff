import * as pulumi from "@pulumi/pulumi";
import { formerNames, type Host, isController, isKafkaHost, type Lab } from "../../model";
import { type PilabProvider, SwapGate, type SwapGateHost } from "../../provider/resources";
import { diskIdentity, kafkaPaths } from "../../render";
import type { Machines } from "./machines";

/** The lab's gate: all that is pushed to a host, or made for one, waits until it lets the edit pass. */
export function swapGate(lab: Lab, machines: Machines, provider: PilabProvider): SwapGate {
  const hosts = lab.hosts.map((host) => [host.name, gateHost(lab, host, machines)] as const);
  const made =
    lab.substrate.kind === "virtual"
      ? { machines: Object.fromEntries(lab.machines.map(({ name, address }) => [name, address])) }
      : {};
  return new SwapGate(
    "swap-gate",
    {
      hosts: Object.fromEntries(hosts),
      ...made,
      formerNames: formerNames(lab),
      dataDir: kafkaPaths.data,
    },
    { provider },
  );
}

function gateHost(lab: Lab, host: Host, machines: Machines): SwapGateHost {
  const connection = machines.connectionOf(host);
  const made = lab.substrate.kind === "virtual";
  const base = { machine: host.machine.name, connection, made };
  if (!isKafkaHost(host)) return { ...base, disk: connection.hostKey };
  const isBroker = host.role === "broker";
  const ports = [
    ...(isBroker ? [lab.cluster.clientPort] : []),
    ...(isController(host) ? [lab.cluster.controllerPort] : []),
  ];
  return {
    ...base,
    disk: pulumi.output(connection.hostKey).apply((key) => diskIdentity(key, host.disk)),
    kafka: {
      nodeId: host.nodeId,
      broker: isBroker,
      listeners: ports.map((port) => `${host.machine.address}:${port}`),
    },
  };
}
