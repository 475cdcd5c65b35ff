import type { ConfigProblem } from "../errors";
import type { LabDraft } from "../schema";
import { inOrder, Report, some } from "./report";
import { checkKnownHost } from "./service-host";
import { checkTopicNames } from "./topic-names";

/** It stands above the page on a phone, too. */
const MAX_TITLE = 60;

/** Rules about the status page: where it is served, and what it reads. */
export function statusPageProblems(draft: LabDraft): ConfigProblem[] {
  const report = new Report();
  const { statusPage } = draft;
  if (statusPage === undefined) return [];
  checkHost(draft, report);
  const { title } = statusPage;
  if (title !== undefined && title.length > MAX_TITLE) {
    const cause = `has ${title.length} characters; at most ${MAX_TITLE} fit`;
    report.add(["statusPage", "title"], title, cause, "Shorten it.");
  } else if (title !== undefined && /\p{Cc}|\p{Bidi_Control}/u.test(title)) {
    const cause = "holds a line break or another control character";
    report.add(["statusPage", "title"], title, cause, "Write it in one line.");
  }
  for (const key of ["telemetryTopics", "alertTopics"] as const) {
    // Topics that are misshapen are told of once, as themselves.
    if (draft.topics === undefined) continue;
    checkTopicNames(["statusPage", key], statusPage[key] ?? [], draft, report);
  }
  return report.problems;
}

function checkHost(draft: LabDraft, report: Report): void {
  const { statusPage, hosts } = draft;
  const host = statusPage?.host;
  if (host !== undefined) return checkKnownHost("statusPage", host, hosts, report);
  if (Object.hasOwn(draft, "mqtt")) return;
  const cause = "is missing, and there is no mqtt whose host would serve the page";
  const known = inOrder(hosts).map(([name]) => name);
  report.add(["statusPage", "host"], undefined, cause, `Name one of hosts: ${some(known)}.`);
}
