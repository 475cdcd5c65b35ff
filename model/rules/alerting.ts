import { telemetryRoutes } from "../data/telemetry-routes";
import type { ConfigProblem } from "../errors";
import { didYouMean } from "../nearest";
import type { LabDraft } from "../schema";
import { ALERT_NAMES, alertRuleProblems, isAlertName } from "./alert-rules";
import { inOrder, Report, some } from "./report";
import { checkServiceHost } from "./service-host";
import { checkTopicName, checkTopicNames } from "./topic-names";

/** Rules about what tells when something is wrong, and about supplies. */
export function alertingProblems(draft: LabDraft): ConfigProblem[] {
  const report = new Report();
  checkSupplies(draft, report);
  const { alerting, mqtt } = draft;
  if (!Object.hasOwn(draft, "alerting") || alerting === undefined) return report.problems;
  const isNamed = Object.hasOwn(alerting, "host");
  checkServiceHost("alerting", alerting.host ?? mqtt?.host, draft, isNamed, report);
  checkTopicNames(["alerting", "topics"], alerting.topics ?? [], draft, report);
  alertRuleProblems(draft, report);
  checkOutputs(draft, report);
  return report.problems;
}

/** Secrets that the configuration holds beside the lab. */
export interface AlertingSecrets {
  /** Signs what is posted to the webhook. */
  readonly webhookSecret?: string | undefined;
  /** Of the user who logs in at the mail server. */
  readonly smtpPassword?: string | undefined;
}

/** As long as a guess must be to cost more than a lab is worth. */
const SHORTEST_SECRET = 16;

/** That those are given that are needed. None is repeated in a problem. */
export function alertingSecretProblems(
  { alerting }: LabDraft,
  { webhookSecret, smtpPassword }: AlertingSecrets,
): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const add = (key: string, cause: string, remedy: string) =>
    problems.push({ path: `pi-lab:${key}`, value: undefined, cause, remedy });
  const set = (key: string) => `\`pulumi config set --secret pi-lab:${key}\``;
  const { webhook, email } = alerting?.outputs ?? {};
  if (webhook?.signed === true && webhookSecret === undefined) {
    add(
      "webhookSecret",
      "is missing: alerting.outputs.webhook is to be signed with it",
      `Set it, e.g. to what \`openssl rand -hex 32\` prints: ${set("webhookSecret")}. Or write signed: false.`,
    );
  }
  if (webhookSecret !== undefined && webhookSecret.length < SHORTEST_SECRET) {
    const cause = `is too easy to guess: it has fewer than ${SHORTEST_SECRET} characters`;
    add("webhookSecret", cause, `Set another: ${set("webhookSecret")}.`);
  }
  if (email?.user !== undefined && smtpPassword === undefined) {
    const cause = "is missing: alerting.outputs.email.user logs in with it";
    add("smtpPassword", cause, `Set it: ${set("smtpPassword")}.`);
  }
  if (smtpPassword === "") add("smtpPassword", "is empty", `Set it: ${set("smtpPassword")}.`);
  return problems;
}

function checkSupplies(draft: LabDraft, report: Report): void {
  const { supplies, hosts } = draft;
  const holders = new Map<string, string>();
  for (const [name, list] of inOrder(supplies)) {
    const path = ["supplies", name];
    const named: readonly (string | undefined)[] = list;
    if (!isAlertName(name)) {
      report.add(path, undefined, `is no supply's name: ${ALERT_NAMES}`, "Choose another name.");
    }
    const other = otherSubject(name, draft);
    if (other !== undefined) {
      const remedy = "Choose another name: alerts are told apart by it.";
      report.add(path, undefined, `is ${other}, too`, remedy);
    }
    if (named.length === 0) {
      report.add(path, undefined, "feeds nobody", "Name its hosts, or remove it.");
    }
    named.forEach((host, i) => {
      if (host === undefined) return;
      const holder = holders.get(host);
      if (hosts !== undefined && !Object.hasOwn(hosts, host)) {
        const known = inOrder(hosts).map(([one]) => one);
        const hint = didYouMean(host, known, `Name one of hosts: ${some(known)}.`);
        report.add([...path, i], host, "is not one of hosts", hint);
      } else if (holder !== undefined) {
        report.add([...path, i], host, `is on ${holder} already`, "A host hangs on one supply.");
      } else holders.set(host, name);
    });
  }
}

/** What else an alert may be about under that name. */
function otherSubject(name: string, lab: LabDraft): string | undefined {
  if (Object.hasOwn(lab.hosts ?? {}, name)) return "a host's name";
  if (Object.hasOwn(lab.mqtt?.devices ?? {}, name)) return "a device's name";
  return name === lab.switch?.model ? "the switch's model" : undefined;
}

function checkOutputs(draft: LabDraft, report: Report): void {
  const { topic, webhook, email } = draft.alerting?.outputs ?? {};
  const path = ["alerting", "outputs"];
  if (topic !== undefined) {
    checkTopicName([...path, "topic"], topic, draft, report);
    const read = draft.alerting?.topics ?? telemetryRoutes(draft.bridge);
    if (read.includes(topic)) {
      const cause = "is a topic of telemetry: alerts would be taken for readings";
      report.add([...path, "topic"], topic, cause, "Name another topic.");
    }
  }
  if (webhook?.url !== undefined) checkUrl([...path, "webhook", "url"], webhook.url, report);
  if (email !== undefined) checkMail([...path, "email"], email, report);
}

function checkUrl(path: readonly string[], text: string, report: Report): void {
  const example = "Write one as https://example.org/hook.";
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    report.add(path, text, "is not an address of the web (http or https)", example);
  } else if (url.username !== "" || url.password !== "") {
    const cause = "holds a login, which does not belong into the lab's configuration";
    report.add(path, undefined, cause, `${example} Requests prove themselves by their signature.`);
  }
}

type Mail = NonNullable<NonNullable<NonNullable<LabDraft["alerting"]>["outputs"]>["email"]>;

function checkMail(path: readonly string[], mail: Mail, report: Report): void {
  const { server, security, user, from } = mail;
  const to: readonly (string | undefined)[] | undefined = mail.to;
  if (server !== undefined && !/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(server)) {
    const cause = "is neither a host name nor an address";
    report.add([...path, "server"], server, cause, "Name the server alone, e.g. smtp.example.org.");
  }
  const addresses = [
    [[...path, "from"], from] as const,
    ...(to ?? []).map((one, i) => [[...path, "to", i], one] as const),
  ];
  for (const [at, address] of addresses) {
    if (address === undefined || /^[^\s@<>(),;:"\\]+@[^\s@<>(),;:"\\]+$/.test(address)) continue;
    report.add(at, address, "is no mail address", "Write one as lab@example.org.");
  }
  if (to?.length === 0) {
    report.add([...path, "to"], undefined, "is empty", "Name who gets the mail.");
  }
  if (user !== undefined && security === "none") {
    report.add(
      [...path, "user"],
      user,
      "would log in over a connection that is not encrypted",
      "Write security: starttls or tls, or leave user out.",
    );
  }
}
