import type { LabValue } from "../stack";

/** What the templates have for telemetry and loads, beside the exhibit's six hosts. */
const DATA_KEYS = ["mqtt", "telemetry", "bridge"];
const DATA_TOPICS = ["telemetry", "load"];
const DATA_HOST = "data-1";

/** The exhibit's six hosts and the ring, without MQTT. The machine of the data plane's host stays, as a spare. */
export function withoutDataPlane(lab: LabValue): void {
  for (const key of DATA_KEYS) delete lab[key];
  for (const name of DATA_TOPICS) delete lab.topics[name];
  delete lab.hosts[DATA_HOST];
}

/**
 * Keeps only these hosts and the machines that they need (and those named beside them, as spares); without the
 * host of the data plane that goes, too.
 */
export function keepHosts(
  lab: LabValue,
  hosts: readonly string[],
  spares: readonly string[] = [],
): void {
  if (!hosts.includes(DATA_HOST)) withoutDataPlane(lab);
  lab.hosts = Object.fromEntries(
    Object.entries(lab.hosts).filter(([name]) => hosts.includes(name)),
  );
  const used = new Set([...spares, ...Object.values(lab.hosts).map(({ machine }) => machine)]);
  lab.machines = Object.fromEntries(
    Object.entries(lab.machines).filter(([name]) => used.has(name)),
  );
}
