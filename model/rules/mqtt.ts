import { bridgeUser, LOAD_USER } from "../data/mqtt-users";
import { filterFault } from "../data/mqtt-filter";
import type { ConfigProblem } from "../errors";
import { yamlFault } from "../names";
import type { LabDraft } from "../schema";
import { inOrder, Report } from "./report";
import { checkKnownHost } from "./service-host";

type DeviceDraft = NonNullable<NonNullable<NonNullable<LabDraft["mqtt"]>["devices"]>[string]>;

const MAX_DEVICE_NAME = 64;
const BRIDGE_PREFIX = bridgeUser("");

/** Rules about the MQTT broker, its devices and the telemetry. */
export function mqttProblems(draft: LabDraft): ConfigProblem[] {
  const report = new Report();
  checkNeeds(draft, report);
  if (draft.mqtt === undefined) return report.problems;
  const { host } = draft.mqtt;
  if (host !== undefined) checkKnownHost("mqtt", host, draft.hosts, report);
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
