import { METRICS_PORT } from "../catalogue";
import { programPorts } from "../data/programs";
import type { ConfigProblem } from "../errors";
import { didYouMean } from "../nearest";
import { defaults, type LabDraft } from "../schema";
import { inOrder, Report, some } from "./report";
import { isKafkaRole } from "./service-host";

/** It stands above the page on a phone, too. */
const MAX_TITLE = 60;

/** Rules about the status page: where it is served, and what it reads. */
export function statusPageProblems(draft: LabDraft): ConfigProblem[] {
  const report = new Report();
  const { statusPage } = draft;
  if (statusPage === undefined) return [];
  checkHost(draft, report);
  checkPort(draft, report);
  checkProgramPort(draft, report);
  const { title } = statusPage;
  if (title !== undefined && title.length > MAX_TITLE) {
    const cause = `has ${title.length} characters; at most ${MAX_TITLE} fit`;
    report.add(["statusPage", "title"], title, cause, "Shorten it.");
  } else if (title !== undefined && /\p{Cc}|\p{Bidi_Control}/u.test(title)) {
    const cause = "holds a line break or another control character";
    report.add(["statusPage", "title"], title, cause, "Write it in one line.");
  }
  for (const key of ["telemetryTopics", "alertTopics"] as const) checkTopics(key, draft, report);
  return report.problems;
}

function checkHost(draft: LabDraft, report: Report): void {
  const { statusPage, hosts } = draft;
  const host = statusPage?.host;
  const path = ["statusPage", "host"];
  const known = inOrder(hosts).map(([name]) => name);
  const list = `Name one of hosts: ${some(known)}.`;
  if (host !== undefined) {
    if (hosts === undefined || Object.hasOwn(hosts, host)) return;
    return report.add(path, host, "is not a host of the lab", didYouMean(host, known, list));
  }
  if (Object.hasOwn(draft, "mqtt")) return;
  const cause = "is missing, and there is no mqtt whose host would serve the page";
  report.add(path, undefined, cause, list);
}

/** What else listens on the page's host. */
function checkPort(draft: LabDraft, report: Report): void {
  const { statusPage, hosts, ssh, cluster, mqtt, store, dashboards } = draft;
  const name = statusPage?.host ?? mqtt?.host;
  const port = statusPage?.port;
  if (port === undefined) return;
  const host = hosts?.[name ?? ""];
  const roles: readonly (string | undefined)[] =
    host?.role === "broker" ? (host.processRoles ?? defaults.processRoles) : [host?.role];
  const program = inOrder(programPorts).find(([, its]) => its === port)?.[0];
  const holders: readonly (readonly [string, boolean])[] = [
    ["ssh.port", port === ssh?.port],
    ["cluster.clientPort", port === cluster?.clientPort && roles.includes("broker")],
    ["cluster.controllerPort", port === cluster?.controllerPort && roles.includes("controller")],
    [
      "where Kafka's nodes tell their figures",
      port === METRICS_PORT && cluster?.metrics === true && roles.some(isKafkaRole),
    ],
    ["mqtt.port", port === mqtt?.port && name === mqtt.host],
    ["store.port", port === store?.port && name === (store.host ?? mqtt?.host)],
    ["dashboards.port", port === dashboards?.port && name === (dashboards.host ?? mqtt?.host)],
    [`the port of the program ${program}`, program !== undefined],
  ];
  const holder = holders.find(([, isHeld]) => isHeld)?.[0];
  if (holder === undefined) return;
  report.add(
    ["statusPage", "port"],
    port,
    `is ${holder} too: one host cannot listen twice on a port`,
    "Leave it out to have 8080, or choose another.",
  );
}

/** Where the program tells its health, which may be beside sshd and Kafka. */
function checkProgramPort({ ssh, cluster }: LabDraft, report: Report): void {
  const listeners = [
    [["ssh", "port"], ssh?.port],
    [["cluster", "clientPort"], cluster?.clientPort],
    [["cluster", "controllerPort"], cluster?.controllerPort],
  ] as const;
  for (const [path, port] of listeners) {
    if (port !== programPorts["status-page"]) continue;
    const cause =
      "is where the status-page program tells its health: one host cannot listen twice on a port";
    report.add(path, port, cause, "Choose another.");
  }
}

function checkTopics(
  key: "telemetryTopics" | "alertTopics",
  { statusPage, topics }: LabDraft,
  report: Report,
): void {
  const named: readonly (string | undefined)[] = statusPage?.[key] ?? [];
  const known = Object.keys(topics ?? {});
  named.forEach((topic, i) => {
    if (topic === undefined) return;
    const path = ["statusPage", key, i];
    if (topics !== undefined && !known.includes(topic)) {
      const hint = didYouMean(topic, known, "Add it to topics, or name one of those.");
      report.add(path, topic, "is not one of topics", hint);
    } else if (named.indexOf(topic) < i) {
      report.add(path, topic, "is named before", "Name each topic once.");
    }
  });
}
