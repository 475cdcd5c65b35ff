import { METRICS_PORT } from "../catalogue";
import { programPorts } from "../data/programs";
import { RESERVED_ROLES } from "../data/store-roles";
import { telemetryRoutes } from "../data/telemetry-routes";
import type { ConfigProblem } from "../errors";
import { didYouMean } from "../nearest";
import { defaults, type LabDraft } from "../schema";
import { inOrder, Report, some } from "./report";
import { isKafkaRole } from "./service-host";

/** PostgreSQL cuts longer names off. */
const MAX_NAME = 63;
/** Databases that PostgreSQL makes itself. */
const OWN_DATABASES: readonly string[] = ["postgres", "template0", "template1"];

/** Rules about the store: where it is, what it keeps, who reads it. */
export function storeProblems(draft: LabDraft): ConfigProblem[] {
  const report = new Report();
  if (draft.store === undefined) return [];
  checkHost(draft, report);
  checkPort(draft, report);
  checkProgramPort(draft, report);
  checkDatabase(draft, report);
  checkTopics(draft, report);
  checkReaders(draft, report);
  return report.problems;
}

const hostOf = ({ store, mqtt }: LabDraft): string | undefined => store?.host ?? mqtt?.host;

function checkHost(draft: LabDraft, report: Report): void {
  const { store, mqtt, hosts } = draft;
  if (store?.host === undefined) {
    if (mqtt !== undefined || Object.hasOwn(draft, "mqtt")) return;
    return report.add(
      ["store", "host"],
      undefined,
      "is missing, and there is no MQTT broker whose host it would be",
      "Name the host that is to run PostgreSQL, or add mqtt.",
    );
  }
  if (hosts === undefined || Object.hasOwn(hosts, store.host)) return;
  const known = inOrder(hosts).map(([name]) => name);
  report.add(
    ["store", "host"],
    store.host,
    "is not a host of the lab",
    didYouMean(store.host, known, `Name one of hosts: ${some(known)}.`),
  );
}

/** What else listens on the store's host. */
function checkPort(draft: LabDraft, report: Report): void {
  const { store, mqtt, hosts, ssh, cluster } = draft;
  const name = hostOf(draft);
  const port = store?.port;
  if (port === undefined) return;
  const host = hosts?.[name ?? ""];
  const roles: readonly (string | undefined)[] =
    host?.role === "broker" ? (host.processRoles ?? defaults.processRoles) : [host?.role];
  const program = inOrder(programPorts).find(([, its]) => its === port)?.[0];
  const holders: readonly (readonly [held: boolean, what: string])[] = [
    [port === ssh?.port, "ssh.port"],
    [port === cluster?.clientPort && roles.includes("broker"), "cluster.clientPort"],
    [port === cluster?.controllerPort && roles.includes("controller"), "cluster.controllerPort"],
    [
      port === METRICS_PORT && cluster?.metrics === true && roles.some(isKafkaRole),
      "where Kafka's nodes tell their figures",
    ],
    [port === mqtt?.port && mqtt.host === name, "mqtt.port"],
    [program !== undefined, `the port of the program ${program}`],
  ];
  const holder = holders.find(([held]) => held)?.[1];
  if (holder === undefined) return;
  report.add(
    ["store", "port"],
    port,
    `is ${holder} too: one host cannot listen twice on a port`,
    "Leave it out to have 5432, or choose another.",
  );
}

/** The sink's own port is fixed. */
function checkProgramPort({ ssh, cluster }: LabDraft, report: Report): void {
  const listeners = [
    [["ssh", "port"], ssh?.port],
    [["cluster", "clientPort"], cluster?.clientPort],
    [["cluster", "controllerPort"], cluster?.controllerPort],
  ] as const;
  for (const [path, port] of listeners) {
    if (port !== programPorts.sink) continue;
    const cause =
      "is where the sink program tells its health: one host cannot listen twice on a port";
    const ports = Object.values(programPorts).join(", ");
    report.add(path, port, cause, `Choose another; ${ports} are the programs'.`);
  }
}

function checkDatabase({ store }: LabDraft, report: Report): void {
  const name = store?.database;
  if (name === undefined) return;
  const fault = OWN_DATABASES.includes(name) ? "is PostgreSQL's own" : nameFault(name);
  if (fault !== undefined) {
    report.add(
      ["store", "database"],
      name,
      fault,
      "Leave it out to have pilab, or choose another.",
    );
  }
}

/** A name that needs no quotes anywhere. */
function nameFault(name: string): string | undefined {
  return /^[a-z][a-z0-9_]*$/.test(name) && name.length <= MAX_NAME
    ? undefined
    : `is no plain name: those are at most ${MAX_NAME} small letters, digits and \`_\`, a letter first`;
}

function checkTopics(draft: LabDraft, report: Report): void {
  const path = ["store", "topics"];
  const named: readonly (string | undefined)[] | undefined = draft.store?.topics;
  if (named === undefined) {
    // What is misshapen in the bridge is told there.
    if (draft.bridge === undefined && Object.hasOwn(draft, "bridge")) return;
    if (telemetryRoutes(draft.bridge).length > 0) return;
    return report.add(
      path,
      undefined,
      "is missing, and no route of the bridge carries the hosts' telemetry",
      "Name the topics that are to be kept, or add such a route to bridge, e.g. { from: hosts/+/telemetry, topic: telemetry }.",
    );
  }
  if (named.length === 0) {
    report.add(
      path,
      undefined,
      "is empty: nothing would be kept",
      "Name a topic, leave it out for those of the telemetry, or remove store.",
    );
  }
  const known = Object.keys(draft.topics ?? {});
  named.forEach((topic, i) => {
    if (topic === undefined) return;
    if (!known.includes(topic)) {
      const hint = [didYouMean(topic, known, ""), "Add it to topics, or name one of those."];
      const remedy = hint.filter((part) => part !== "").join(" ");
      report.add([...path, i], topic, "is not one of topics", remedy);
    } else if (named.indexOf(topic) < i) {
      report.add([...path, i], topic, "is named before", "Name each topic once.");
    }
  });
}

function checkReaders({ store }: LabDraft, report: Report): void {
  const readers: readonly (string | undefined)[] = store?.readers ?? [];
  readers.forEach((role, i) => {
    if (role === undefined) return;
    const path = ["store", "readers", i];
    const fault =
      RESERVED_ROLES.includes(role) || role.startsWith("pg_")
        ? "is a role that the lab or PostgreSQL makes itself"
        : nameFault(role);
    if (fault !== undefined) report.add(path, role, fault, "Choose another name.");
    else if (readers.indexOf(role) < i) {
      report.add(path, role, "is named before", "Name each role once.");
    }
  });
}
