import type { Alert } from "../../payloads/alerting/core/ledger";
import { alertName } from "./alert-watch";
import type { DataEndured, Incident } from "./ordeal";

/** Whoever is no later than that (p99) reads in real time, ms. */
const REAL_TIME_MS = 2000;
/** Beyond it one that reads on may be so much later than before: a machine that is busy makes all late. */
const AS_BEFORE = 1.5;

/**
 * What is not as it must be: something sent is not acknowledged, in Kafka, or read by each consumer; one that
 * reads on is late while another is stopped; a host's telemetry has a gap. Empty where all is well.
 * @param hosts those that publish telemetry
 */
export function shortcomings(endured: DataEndured, hosts: readonly string[]): string[] {
  const { stage, incidents, readers, steadyMs, telemetry } = endured;
  const { due, sent, acknowledged, read, lost, lostMessages, end } = stage;
  const unequal = (what: string, count: number): string[] =>
    count === due ? [] : [`of ${due} messages ${count} were ${what}`];
  return [
    ...unequal("sent", sent),
    ...unequal("acknowledged", acknowledged),
    ...unequal("read back", read),
    ...unequal("read by a consumer that was there all the time", readers.steady),
    ...unequal("read by a consumer that was stopped for a while", readers.stopped),
    ...(lost === 0 ? [] : [`LOST: ${lost}, among them ${lostMessages.join(", ")}`]),
    ...(end === "complete" ? [] : [`the load's end was ${end}`]),
    ...late(steadyMs),
    ...incidents.flatMap(({ what, problem }) =>
      problem === undefined ? [] : [`${what}: ${problem}`],
    ),
    ...hosts
      .filter((host) => !telemetry.hosts.includes(host))
      .map((host) => `no telemetry of ${host} was heard`),
    ...telemetry.gaps.map((gap) => `telemetry is missing: ${gap}`),
    ...wrongAlerts(endured),
  ];
}

/** Alerts that came later than so after what they tell, ms. */
export function lateAlerts({ incidents }: DataEndured, mostMs: number): string[] {
  return incidents.flatMap(({ alert }) =>
    alert?.afterMs === undefined || alert.afterMs <= mostMs
      ? []
      : [`the alert ${alert.name} was told after ${Math.round(alert.afterMs)} ms`],
  );
}

/** What was told without a reason, twice, or never to be over. */
function wrongAlerts({ incidents, alerts }: DataEndured): string[] {
  const firing = alerts.told.filter(({ status }) => status === "firing");
  const names = firing.map(alertName);
  const twice = [...new Set(names.filter((name, i) => names.indexOf(name) !== i))];
  const over = new Set(
    alerts.told.filter(({ status }) => status === "resolved").map(({ id }) => id),
  );
  return [
    ...firing
      .filter((alert) => !isExpected(alert, incidents))
      .map((alert) => `an alert without a reason: ${alert.summary} (${alert.at})`),
    ...twice.map((name) => `the alert ${name} was told twice`),
    ...firing
      .filter(({ id }) => !over.has(id))
      .map((alert) => `the alert ${alertName(alert)} was not told to be over`),
  ];
}

/** Whether it is the alert of the incident that was the last one when it was told, or may come with it. */
function isExpected(alert: Alert, incidents: readonly Incident[]): boolean {
  const last = incidents.findLast(({ fellMs }) => fellMs <= Date.parse(alert.at));
  if (last === undefined) return false;
  return last.alert?.name === alertName(alert) || last.mayTell.includes(alert.type);
}

function late({ before, meanwhile }: DataEndured["steadyMs"]): string[] {
  if (meanwhile === undefined)
    return ["a consumer that read on got nothing while another was stopped"];
  const most = Math.max(REAL_TIME_MS, AS_BEFORE * (before?.p99 ?? 0));
  if (meanwhile.p99 <= most) return [];
  const ms = Math.round(meanwhile.p99);
  return [`a consumer that read on was ${ms} ms late (p99) while another was stopped`];
}

/** What is worth telling beside the load's own table. */
export function remarks(endured: DataEndured): string[] {
  const { stage, incidents, readers, steadyMs, telemetry, alerts } = endured;
  const figure = (count: number): string => count.toLocaleString("en-US");
  const ms = (value: number | undefined): string =>
    value === undefined ? "none" : `${Math.round(value)} ms`;
  const told = alerts.told.map((alert) => `${alert.status} ${alertName(alert)}`);
  const first = incidents[0]?.fellMs ?? Infinity;
  const quiet = alerts.told.filter(({ at }) => Date.parse(at) < first);
  return [
    ...incidents.map(
      ({ what, recoveryMs, alert }) =>
        `${what}: ${recoveryMs === undefined ? "not well again in time" : `all well ${(recoveryMs / 1000).toFixed(1)} s later`}${alert === undefined ? "" : `; alert ${alert.name} ${ms(alert.afterMs)} after its condition`}`,
    ),
    `messages came to a consumer within ${ms(steadyMs.before?.p99)} (p99) before another one was stopped, and within ${ms(steadyMs.meanwhile?.p99)} meanwhile; both have read ${figure(readers.steady)} and ${figure(readers.stopped)}`,
    `sent = acknowledged = in Kafka = read, by id: ${figure(stage.sent)}, ${figure(stage.acknowledged)}, ${figure(stage.read)} and ${figure(stage.inKafka - stage.read)} duplicates`,
    `${quiet.length} alerts in the ${Math.round(alerts.quietMs / 1000)} s before the first of that; told in all: ${told.join(", ") || "none"}`,
    `telemetry of ${telemetry.hosts.join(", ")}: ${telemetry.gaps.length === 0 ? "no gap" : telemetry.gaps.join(", ")}`,
  ];
}
