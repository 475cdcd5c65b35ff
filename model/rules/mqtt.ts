import { bridgeUser, LOAD_USER } from "../data/mqtt-users";
import { filterFault } from "../data/mqtt-filter";
import { METRICS_PORT } from "../catalogue";
import { programPorts, type ProgramName } from "../data/programs";
import type { ConfigProblem } from "../errors";
import { yamlFault } from "../names";
import { didYouMean } from "../nearest";
import { defaults, type LabDraft } from "../schema";
import { inOrder, Report, some } from "./report";
import { isKafkaRole } from "./service-host";

type DeviceDraft = NonNullable<NonNullable<NonNullable<LabDraft["mqtt"]>["devices"]>[string]>;

const MAX_DEVICE_NAME = 64;
const BRIDGE_PREFIX = bridgeUser("");

/** Rules about the MQTT broker, its devices and the telemetry. */
export function mqttProblems(draft: LabDraft): ConfigProblem[] {
  const report = new Report();
  checkNeeds(draft, report);
  checkProgramPorts(draft, report);
  if (draft.mqtt === undefined) return report.problems;
  checkHost(draft, report);
  checkPort(draft, report);
  checkHostNames(draft, report);
  for (const [name, device] of inOrder(draft.mqtt.devices)) {
    checkDeviceName(name, draft, report);
    checkFilters(name, device, report);
  }
  return report.problems;
}

/** Telemetry and bridge have nothing to talk to without a broker, be it one that is at fault. */
function checkNeeds(draft: LabDraft, report: Report): void {
  for (const key of ["telemetry", "bridge"] as const) {
    if (draft[key] === undefined || Object.hasOwn(draft, "mqtt")) continue;
    report.add(
      [key],
      undefined,
      "needs an MQTT broker, and mqtt is not given",
      `Add mqtt: { host: … } with the host that is to run it, or remove ${key}.`,
    );
  }
}

/** Programs that may run beside sshd and Kafka: their ports are fixed. */
function checkProgramPorts(draft: LabDraft, report: Report): void {
  const { ssh, cluster, hosts } = draft;
  const sshd = [["ssh", "port"], ssh?.port] as const;
  const all = [
    sshd,
    [["cluster", "clientPort"], cluster?.clientPort],
    [["cluster", "controllerPort"], cluster?.controllerPort],
  ] as const;
  // The ring's clients run no Kafka.
  if (inOrder(hosts).some(([, host]) => host?.role === "client")) {
    checkProgramPort("ring", [sshd], report);
  }
  for (const program of ["telemetry", "bridge", "alerting"] as const) {
    if (draft[program] !== undefined) checkProgramPort(program, all, report);
  }
}

function checkProgramPort(
  program: ProgramName,
  listeners: readonly (readonly [path: readonly string[], port: number | undefined])[],
  report: Report,
): void {
  for (const [path, port] of listeners) {
    if (port !== programPorts[program]) continue;
    const cause = `is where the ${program} program tells its health: one host cannot listen twice on a port`;
    report.add(path, port, cause, `Choose another; ${programPortList()} are the programs'.`);
  }
}

const programPortList = (): string => Object.values(programPorts).join(", ");

function checkHost({ mqtt, hosts }: LabDraft, report: Report): void {
  const host = mqtt?.host;
  if (host === undefined || hosts === undefined || Object.hasOwn(hosts, host)) return;
  const known = inOrder(hosts).map(([name]) => name);
  const list = `Name one of hosts: ${some(known)}.`;
  const hint = didYouMean(host, known, "");
  report.add(["mqtt", "host"], host, "is not a host of the lab", hint || list);
}

/** What else listens on the broker's host. */
function checkPort({ mqtt, hosts, ssh, cluster }: LabDraft, report: Report): void {
  const host = hosts?.[mqtt?.host ?? ""];
  const port = mqtt?.port;
  if (port === undefined) return;
  const program = inOrder(programPorts).find(([, its]) => its === port)?.[0];
  const roles: readonly (string | undefined)[] =
    host?.role === "broker" ? (host.processRoles ?? defaults.processRoles) : [host?.role];
  const holder =
    port === ssh?.port
      ? "ssh.port"
      : port === cluster?.clientPort && roles.includes("broker")
        ? "cluster.clientPort"
        : port === cluster?.controllerPort && roles.includes("controller")
          ? "cluster.controllerPort"
          : port === METRICS_PORT && cluster?.metrics === true && roles.some(isKafkaRole)
            ? "where Kafka's nodes tell their figures"
            : program && `the port of the program ${program}`;
  if (holder === undefined) return;
  report.add(
    ["mqtt", "port"],
    port,
    `is ${holder} too: one host cannot listen twice on a port`,
    "Leave it out to have 1883, or choose another.",
  );
}

/** Hosts log in with their names: one must not be another's. */
function checkHostNames({ hosts, bridge, mqtt }: LabDraft, report: Report): void {
  const bridges: readonly (string | undefined)[] = bridge?.hosts ?? (bridge ? [mqtt?.host] : []);
  for (const [name] of inOrder(hosts)) {
    const carrying = bridges.find((host) => host !== undefined && name === bridgeUser(host));
    const whose =
      name === LOAD_USER ? "the load generator's" : carrying && `the bridge's on ${carrying}`;
    if (whose === undefined) continue;
    report.add(
      ["hosts", name],
      undefined,
      `has a name that is ${whose} at the MQTT broker`,
      "Give the host another, and this one under formerNames.",
    );
  }
}

function checkDeviceName(name: string, { hosts }: LabDraft, report: Report): void {
  const path = ["mqtt", "devices", name];
  const yaml = yamlFault(name);
  const reserved =
    name === LOAD_USER
      ? "is the load generator's name at the MQTT broker"
      : name.startsWith(BRIDGE_PREFIX)
        ? `begins with \`${BRIDGE_PREFIX}\`, as the bridges' names at the MQTT broker do`
        : Object.hasOwn(hosts ?? {}, name)
          ? "is a host of the lab, which logs in with its name"
          : undefined;
  if (yaml !== undefined) {
    report.add(path, undefined, yaml, "Put quotes around the name, or choose another.");
  } else if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name) || name.length > MAX_DEVICE_NAME) {
    report.add(
      path,
      undefined,
      `is no device's name: those are at most ${MAX_DEVICE_NAME} letters, digits, \`.\`, \`_\` and \`-\`, a letter or digit first`,
      "Choose another name.",
    );
  } else if (reserved !== undefined) {
    report.add(path, undefined, reserved, "Choose another name.");
  }
}

function checkFilters(name: string, device: DeviceDraft, report: Report): void {
  for (const key of ["publishes", "subscribes"] as const) {
    const filters: readonly (string | undefined)[] = device[key] ?? [];
    filters.forEach((filter, i) => {
      if (filter === undefined) return;
      const path = ["mqtt", "devices", name, key, i];
      const fault = filterFault(filter);
      if (fault !== undefined) {
        const example = key === "publishes" ? `devices/${name}/#` : `devices/${name}/commands`;
        report.add(path, filter, fault, `Write an MQTT topic filter, e.g. ${example}.`);
      } else if (filters.indexOf(filter) < i) {
        report.add(path, filter, "is there before", "Remove one of them.");
      }
    });
  }
  if (device.publishes?.length === 0 && (device.subscribes ?? []).length === 0) {
    report.add(
      ["mqtt", "devices", name],
      undefined,
      "may neither publish nor subscribe",
      `Leave publishes out to have devices/${name}/#, or remove the device.`,
    );
  }
}
