import { didYouMean } from "../nearest";
import type { LabDraft } from "../schema";
import { inOrder, type Report, some } from "./report";

/**
 * The host of a group that runs on one: a host of the lab, and the MQTT broker's where none is named.
 *
 * @param group a key of the lab, e.g. `databricks`
 */
export function checkServiceHost(
  group: string,
  host: string | undefined,
  { hosts, mqtt }: LabDraft,
  isNamed: boolean,
  report: Report,
): void {
  if (!isNamed && mqtt === undefined) {
    const cause = "is missing, and there is no mqtt whose host it could be";
    report.add([group, "host"], undefined, cause, "Name the host that is to run it.");
  }
  if (host !== undefined) checkKnownHost(group, host, hosts, report);
}

/** That the host of a group is one of the lab's. */
export function checkKnownHost(
  group: string,
  host: string,
  hosts: LabDraft["hosts"],
  report: Report,
): void {
  if (hosts === undefined || Object.hasOwn(hosts, host)) return;
  const known = inOrder(hosts).map(([name]) => name);
  const hint = didYouMean(host, known, `Name one of hosts: ${some(known)}.`);
  report.add([group, "host"], host, "is not a host of the lab", hint);
}
