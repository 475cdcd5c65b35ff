import type { DataEndured } from "./ordeal";

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
  ];
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
export function remarks({ stage, incidents, readers, steadyMs, telemetry }: DataEndured): string[] {
  const figure = (count: number): string => count.toLocaleString("en-US");
  const ms = (value: number | undefined): string =>
    value === undefined ? "none" : `${Math.round(value)} ms`;
  return [
    ...incidents.map(
      ({ what, recoveryMs }) =>
        `${what}: ${recoveryMs === undefined ? "not well again in time" : `all well ${(recoveryMs / 1000).toFixed(1)} s later`}`,
    ),
    `messages came to a consumer within ${ms(steadyMs.before?.p99)} (p99) before another one was stopped, and within ${ms(steadyMs.meanwhile?.p99)} meanwhile; both have read ${figure(readers.steady)} and ${figure(readers.stopped)}`,
    `sent = acknowledged = in Kafka = read, by id: ${figure(stage.sent)}, ${figure(stage.acknowledged)}, ${figure(stage.read)} and ${figure(stage.inKafka - stage.read)} duplicates`,
    `telemetry of ${telemetry.hosts.join(", ")}: ${telemetry.gaps.length === 0 ? "no gap" : telemetry.gaps.join(", ")}`,
  ];
}
