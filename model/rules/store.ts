import { RESERVED_ROLES } from "../data/store-roles";
import { telemetryRoutes } from "../data/telemetry-routes";
import type { ConfigProblem } from "../errors";
import type { LabDraft } from "../schema";
import { Report } from "./report";
import { checkKnownHost } from "./service-host";
import { checkTopicNames } from "./topic-names";

/** PostgreSQL cuts longer names off. */
const MAX_NAME = 63;
/** Databases that PostgreSQL makes itself. */
const OWN_DATABASES: readonly string[] = ["postgres", "template0", "template1"];

/** Rules about the store: where it is, what it keeps, who reads it. */
export function storeProblems(draft: LabDraft): ConfigProblem[] {
  const report = new Report();
  if (draft.store === undefined) return [];
  checkHost(draft, report);
  checkDatabase(draft, report);
  checkTopics(draft, report);
  checkReaders(draft, report);
  return report.problems;
}

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
  checkKnownHost("store", store.host, hosts, report);
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
  checkTopicNames(path, named, draft, report);
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
