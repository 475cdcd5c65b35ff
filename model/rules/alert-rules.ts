import { alertDefaults, silenceDefault } from "../data/alerting-config";
import { telemetryRoutes } from "../data/telemetry-routes";
import type { AlertRule } from "../data/payload-configs";
import { didYouMean } from "../nearest";
import type { LabDraft } from "../schema";
import { dataDefaults } from "../schema-data";
import { inOrder, type Report, some } from "./report";

/** Rules and supplies are in alerts' ids. */
export const isAlertName = (name: string): boolean =>
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name);
export const ALERT_NAMES =
  "those are at most 64 letters, digits, `.`, `_` and `-`, a letter or digit first";

type Path = readonly (string | number)[];
type RuleDraft = Partial<NonNullable<NonNullable<LabDraft["alerting"]>["rules"]>[number]>;
type Type = AlertRule["type"];

/** What each type of rules may say besides name, type and severity. */
const KEYS: Readonly<Record<Type, readonly (keyof RuleDraft)[]>> = {
  threshold: ["field", "above", "below", "clear", "forSeconds", "devices"],
  silence: ["afterSeconds", "together", "devices"],
  "broker-down": ["forSeconds"],
  "under-min-isr": ["forSeconds"],
  "bridge-lag": ["above", "clear", "forSeconds"],
  "under-voltage": ["forSeconds", "devices"],
  "clock-offset": ["above", "clear", "forSeconds", "devices"],
};
const ALWAYS: readonly string[] = ["name", "type", "severity"];
const OF_TELEMETRY: readonly Type[] = ["threshold", "silence", "under-voltage", "clock-offset"];
/** The last bucket of the bridge's histogram: more it cannot tell, seconds. */
const MOST_LAG = 60;
/** A silence of fewer messages than that is a message that is late. */
const LEAST_PERIODS = 3;

export function alertRuleProblems(draft: LabDraft, report: Report): void {
  const rules: readonly RuleDraft[] | undefined = draft.alerting?.rules;
  if (rules?.length === 0) {
    const remedy = "Write a rule, or leave rules out for a set that fits most labs.";
    report.add(["alerting", "rules"], undefined, "is empty: nothing would be told", remedy);
  }
  rules?.forEach((rule, i) => {
    const path = ["alerting", "rules", i];
    checkName(path, rule, rules.slice(0, i), report);
    if (rule.type === undefined) return;
    checkKeys(path, rule, rule.type, report);
    checkSource(path, rule.type, draft, report);
    checkDevices(path, rule, draft, report);
    if (rule.type === "threshold") checkThreshold(path, rule, report);
    if (rule.type === "clock-offset" || rule.type === "bridge-lag") checkAbove(path, rule, report);
    if (rule.type === "silence") checkSilence(path, rule, draft, report);
  });
}

function checkName(path: Path, { name }: RuleDraft, before: readonly RuleDraft[], report: Report) {
  if (name === undefined) return;
  if (!isAlertName(name)) {
    report.add(
      [...path, "name"],
      name,
      `is no rule's name: ${ALERT_NAMES}`,
      "Choose another name.",
    );
  }
  const other = before.findIndex((one) => one.name === name);
  if (other >= 0) {
    const cause = `is the name of alerting.rules[${other}], too`;
    report.add([...path, "name"], name, cause, "Choose another name: alerts are told apart by it.");
  }
}

function checkKeys(path: Path, rule: RuleDraft, type: Type, report: Report): void {
  const known = KEYS[type];
  for (const key of Object.keys(rule) as (keyof RuleDraft)[]) {
    if (rule[key] === undefined || ALWAYS.includes(key) || known.includes(key)) continue;
    const cause = `says nothing in a rule of type ${type}`;
    report.add([...path, key], undefined, cause, `Keys here: ${[...known].sort().join(", ")}.`);
  }
}

function checkSource(path: Path, type: Type, { alerting, bridge }: LabDraft, report: Report): void {
  if (type === "bridge-lag" && bridge === undefined) {
    report.add([...path, "type"], type, "is about the bridge, and there is none", "Remove it.");
  }
  if (!OF_TELEMETRY.includes(type)) return;
  const topics = alerting?.topics ?? telemetryRoutes(bridge);
  if (topics.length > 0) return;
  report.add(
    [...path, "type"],
    type,
    "is about telemetry, and no topic has any",
    "Let the bridge carry hosts/+/telemetry into a topic, or name topics under alerting.topics.",
  );
}

function checkDevices(
  path: Path,
  rule: RuleDraft,
  { hosts, mqtt }: LabDraft,
  report: Report,
): void {
  const devices: readonly (string | undefined)[] | undefined = rule.devices;
  const known = [...inOrder(hosts), ...inOrder(mqtt?.devices)].map(([name]) => name);
  if (devices?.length === 0) {
    report.add([...path, "devices"], undefined, "is empty", "Name a host, or leave it out.");
  }
  devices?.forEach((device, i) => {
    if (device === undefined || hosts === undefined) return;
    if (!known.includes(device)) {
      const hint = didYouMean(device, known, `Known: ${some(known)}.`);
      report.add([...path, "devices", i], device, "is neither a host nor a device of mqtt", hint);
    } else if (devices.indexOf(device) < i) {
      report.add([...path, "devices", i], device, "is named before", "Name each once.");
    }
  });
}

function checkThreshold(path: Path, rule: RuleDraft, report: Report): void {
  const { field, above, below, clear } = rule;
  if (field === undefined) {
    const remedy = "Give a key of the telemetry's JSON, e.g. temperatureC.";
    report.add([...path, "field"], undefined, "is missing", remedy);
  }
  if (above === undefined && below === undefined) {
    report.add(path, undefined, "has neither above nor below", "Give one of them, e.g. above: 80.");
  } else if (above !== undefined && below !== undefined) {
    report.add([...path, "below"], below, "stands beside above", "Make two rules of them.");
  } else if (clear !== undefined) {
    const isWrong = above !== undefined ? clear > above : clear < (below ?? clear);
    if (!isWrong) return;
    const [side, limit] = above !== undefined ? ["below", above] : ["above", below];
    const remedy = `Give a value ${side} ${limit}, or ${limit} itself.`;
    report.add([...path, "clear"], clear, `lies where it is bad (limit ${limit})`, remedy);
  }
}

function checkAbove(path: Path, { type, above, clear }: RuleDraft, report: Report): void {
  const { clockOffset, bridgeLag } = alertDefaults;
  const limit = above ?? (type === "bridge-lag" ? bridgeLag : clockOffset).above;
  if (limit <= 0) {
    report.add([...path, "above"], limit, "is always exceeded", "Give seconds, above 0.");
  } else if (type === "bridge-lag" && limit >= MOST_LAG) {
    const cause = `is never exceeded: a bridge's figures tell no more than ${MOST_LAG} s`;
    report.add([...path, "above"], limit, cause, `Give less than ${MOST_LAG}.`);
  } else if (clear !== undefined && clear > limit) {
    const remedy = `Give a value below ${limit}, or ${limit} itself.`;
    report.add([...path, "clear"], clear, `lies where it is bad (limit ${limit})`, remedy);
  } else if (clear !== undefined && clear < 0) {
    report.add([...path, "clear"], clear, "is never reached", "Give seconds, 0 or above.");
  }
}

function checkSilence(path: Path, rule: RuleDraft, draft: LabDraft, report: Report): void {
  const everySeconds = draft.telemetry?.everySeconds ?? dataDefaults.everySeconds;
  const { afterSeconds = silenceDefault(everySeconds) } = rule;
  if (afterSeconds < LEAST_PERIODS * everySeconds) {
    report.add(
      [...path, "afterSeconds"],
      afterSeconds,
      `is fewer than ${LEAST_PERIODS} messages of telemetry take (telemetry.everySeconds is ${everySeconds})`,
      `Give ${LEAST_PERIODS * everySeconds} or more.`,
    );
  }
  if (draft.telemetry === undefined && rule.devices === undefined) {
    const cause = "is missing: hosts tell nothing without telemetry";
    report.add([...path, "devices"], undefined, cause, "Name who is expected to be heard of.");
  }
}
