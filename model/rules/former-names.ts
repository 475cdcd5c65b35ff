import { labelFault, MAX_HOST_NAME } from "../names";
import type { LabDraft } from "../schema";
import { inOrder, type Report } from "./report";

/** A former name leads to what one host had under it: nobody may have it now, and no two claim it. */
export function checkFormerNames({ hosts }: LabDraft, report: Report): void {
  const holders = new Map<string, string>();
  for (const [host, { formerNames = [] }] of inOrder(hosts)) {
    formerNames.forEach((name, i) => {
      if (name === undefined) return;
      const add = (cause: string, remedy: string): void =>
        report.add(["hosts", host, "formerNames", i], name, cause, remedy);
      const fault = labelFault(name, MAX_HOST_NAME);
      const holder = holders.get(name);
      if (fault !== undefined) {
        add(`was no host's name: it ${fault}`, "Write the name as it stood in the configuration.");
      } else if (name === host) {
        add("is the name that the host has", "Leave it out.");
      } else if (hosts !== undefined && Object.hasOwn(hosts, name)) {
        add(
          "is a host of the lab",
          "Leave it out; or, if two hosts trade names, rename one, run `up`, and then rename the other.",
        );
      } else if (holder !== undefined) {
        const twice = holder === host ? "stands here twice" : `is a former name of ${holder} too`;
        add(twice, "Leave it out of one of the two.");
      } else {
        holders.set(name, host);
      }
    });
  }
}
