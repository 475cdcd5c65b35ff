import type { Host, Lab } from "../types";

/** The programs of ours that run on hosts, by the names of their folders below payloads/. */
export const programNames = [
  "ring",
  "telemetry",
  "bridge",
  "alerting",
  "sink",
  "dashboards",
  "databricks",
  "status-page",
] as const;
export type ProgramName = (typeof programNames)[number];

/**
 * The TCP port of each program's endpoint for health and figures. Fixed, so that who scrapes a lab knows
 * them; 9100 is that of Prometheus' node exporter and 9104 others', so ours begin at 9180.
 */
export const programPorts: Readonly<Record<ProgramName, number>> = {
  ring: 9181,
  telemetry: 9182,
  bridge: 9183,
  alerting: 9184,
  sink: 9185,
  dashboards: 9186,
  databricks: 9187,
  "status-page": 9188,
};

/** The programs that a host runs, in the order of `programNames`. */
export function hostPrograms({ data }: Pick<Lab, "data">, host: Host): ProgramName[] {
  const runs: Readonly<Record<ProgramName, boolean>> = {
    ring: host.role === "client" && data.ring !== undefined,
    telemetry: data.telemetry !== undefined,
    bridge: data.bridge?.hosts.includes(host.name) ?? false,
    alerting: data.alerting?.host === host.name,
    sink: data.store?.host === host.name,
    dashboards: data.dashboards?.host === host.name,
    databricks: data.databricks?.host === host.name,
    "status-page": data.statusPage?.host === host.name,
  };
  return programNames.filter((name) => runs[name]);
}

/** The programs that some host of the lab runs, in the order of `programNames`. */
export function labPrograms(lab: Pick<Lab, "data" | "hosts">): ProgramName[] {
  const running = new Set(lab.hosts.flatMap((host) => hostPrograms(lab, host)));
  return programNames.filter((name) => running.has(name));
}

/** The MQTT topic of a host's telemetry. */
export const telemetryTopic = (host: string): string => `hosts/${host}/telemetry`;
