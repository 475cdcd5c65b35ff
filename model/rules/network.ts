import { METRICS_PORT, switchModels } from "../catalogue";
import type { ConfigProblem } from "../errors";
import { nearest } from "../nearest";
import {
  formatAddress,
  freeAddresses,
  isUsable,
  lastUsable,
  parseAddress,
  parseSubnet,
  type Subnet,
} from "../network";
import type { LabDraft } from "../schema";
import { inOrder, Report, some } from "./report";

/** Rules on the switch and what is plugged into it: ports, subnet, addresses. */
export function networkProblems(draft: LabDraft): ConfigProblem[] {
  const report = new Report();
  checkSwitch(draft, report);
  checkSwitchPorts(draft, report);
  const subnet = draft.switch?.subnet === undefined ? undefined : parseSubnet(draft.switch.subnet);
  if (subnet !== undefined) {
    checkGateway(draft, subnet, report);
    checkAddresses(draft, subnet, report);
  }
  checkTcpPorts(draft, report);
  return report.problems;
}

function checkSwitch({ switch: lan }: LabDraft, report: Report): void {
  if (lan === undefined) return;
  const { model, ports } = lan;
  const models = Object.keys(switchModels);
  const known = model === undefined ? undefined : switchModels[model]?.ports;
  if (model === undefined && ports === undefined) {
    report.add(
      ["switch", "model"],
      undefined,
      "is missing, and so is ports",
      `Give the model (${some(models)}), or for any other switch its number of ports.`,
    );
  } else if (known === undefined && ports === undefined) {
    const near = nearest(model ?? "", models);
    report.add(
      ["switch", "model"],
      model,
      "is not in the catalogue of switches",
      `${near === undefined ? "" : `Did you mean ${near}? `}Known: ${some(models)}. For another, give switch.ports too.`,
    );
  } else if (known !== undefined && ports !== undefined && ports !== known) {
    report.add(
      ["switch", "ports"],
      ports,
      `contradicts the model: the ${model} has ${known} ports`,
      "Leave ports out, or leave the model out if it is another switch.",
    );
  }
}

function portCount({ switch: lan }: LabDraft): number | undefined {
  return lan?.ports ?? (lan?.model === undefined ? undefined : switchModels[lan.model]?.ports);
}

function checkSwitchPorts(draft: LabDraft, report: Report): void {
  const count = portCount(draft);
  const hosts = inOrder(draft.hosts);
  const used = new Set(hosts.map(([, { port }]) => port));
  const free = Array.from({ length: count ?? 0 }, (_, i) => i + 1).filter((p) => !used.has(p));
  const name = draft.switch?.model === undefined ? "switch" : draft.switch.model;
  const extent = count === undefined ? "" : `; the ${name} has ports 1 to ${count}`;
  const remedy =
    free.length > 0
      ? `Choose a free one: ${some(free)}.`
      : "All ports are taken: remove a host, or take a larger switch.";

  const holders = new Map<number, string>();
  for (const [host, { port }] of hosts) {
    if (port === undefined) continue;
    const holder = holders.get(port);
    if (count !== undefined && port > count) {
      report.add(["hosts", host, "port"], port, `is not a port of the switch${extent}`, remedy);
    } else if (holder !== undefined) {
      report.add(["hosts", host, "port"], port, `is taken by ${holder}${extent}`, remedy);
    } else {
      holders.set(port, host);
    }
  }
  if (count !== undefined && hosts.length > count) {
    report.add(
      ["hosts"],
      `${hosts.length} hosts`,
      `are more than the ${name} has ports: ${count}`,
      `Remove ${hosts.length - count} of them, or take a larger switch.`,
    );
  }
}

function gatewayOf({ switch: lan }: LabDraft, subnet: Subnet): string {
  return lan?.gateway ?? formatAddress(lastUsable(subnet));
}

function checkGateway({ switch: lan }: LabDraft, subnet: Subnet, report: Report): void {
  const gateway = lan?.gateway;
  const address = gateway === undefined ? undefined : parseAddress(gateway);
  if (address === undefined || isUsable(subnet, address)) return;
  report.add(
    ["switch", "gateway"],
    gateway,
    `cannot be an address of a machine in ${subnet.text}`,
    `Leave it out to have the last one, ${formatAddress(lastUsable(subnet))}, or choose one between.`,
  );
}

function checkAddresses(draft: LabDraft, subnet: Subnet, report: Report): void {
  const gateway = gatewayOf(draft, subnet);
  const machines = inOrder(draft.machines);
  const taken = new Set([gateway, ...machines.flatMap(([, { address }]) => address ?? [])]);
  const free = freeAddresses(subnet, taken, 5);
  const remedy =
    free.length > 0
      ? `Choose a free one: ${some(free)}.`
      : "No address is free: take a larger subnet.";

  const holders = new Map<string, string>();
  for (const [machine, { address }] of machines) {
    if (address === undefined) continue;
    const cause = addressFault(address, subnet, gateway, draft.switch?.gateway === undefined);
    const holder = holders.get(address);
    if (cause !== undefined) {
      report.add(["machines", machine, "address"], address, cause, remedy);
    } else if (holder !== undefined) {
      report.add(["machines", machine, "address"], address, `is taken by ${holder}`, remedy);
    } else {
      holders.set(address, machine);
    }
  }
}

function addressFault(
  text: string,
  subnet: Subnet,
  gateway: string,
  isDefaultGateway: boolean,
): string | undefined {
  const address = parseAddress(text);
  if (address === undefined) return undefined;
  if (address === subnet.network) return `is the address of the network ${subnet.text} itself`;
  if (address === subnet.broadcast) return `is the broadcast address of ${subnet.text}`;
  if (!isUsable(subnet, address)) return `lies outside the switch's subnet ${subnet.text}`;
  if (text !== gateway) return undefined;
  return isDefaultGateway
    ? "is the gateway's, which has the last address where switch.gateway names no other"
    : "is the gateway's (switch.gateway)";
}

/** sshd and Kafka's two listeners share a host. */
function checkTcpPorts({ ssh, cluster }: LabDraft, report: Report): void {
  const holders = new Map<number, string>();
  if (cluster?.metrics === true) holders.set(METRICS_PORT, "where nodes tell their figures");
  if (ssh?.port !== undefined) {
    const holder = holders.get(ssh.port);
    if (holder !== undefined) addTaken(["ssh", "port"], ssh.port, holder, report);
    holders.set(ssh.port, "ssh.port");
  }
  for (const key of ["clientPort", "controllerPort"] as const) {
    const port = cluster?.[key];
    if (port === undefined) continue;
    const holder = holders.get(port);
    if (holder === undefined) {
      holders.set(port, `cluster.${key}`);
    } else {
      addTaken(["cluster", key], port, holder, report);
    }
  }
}

function addTaken(path: readonly string[], port: number, holder: string, report: Report): void {
  report.add(
    path,
    port,
    `is ${holder} too: one host cannot listen twice on a port`,
    path[0] === "ssh"
      ? "Choose another, or leave cluster.metrics out."
      : "Choose another, e.g. 9092 for clients and 9093 for controllers.",
  );
}
