import { being, inSync, joined, stopping } from "../provider/rollout/telling";
import { nameOfUrn } from "../scripts/lib/engine-events";
import { plain } from "../scripts/lib/progress";
import type { SwapPart } from "./measures";
import type { TimedEvent } from "./timeline";

/** What a run's rollout has told, and when, since the engine was started. */
interface Told {
  readonly atMs: number;
  readonly text: string;
}

/** What was seen of a broker's process from outside, in the time of the run's events. */
export interface Started {
  /** When systemd started it. */
  readonly startedMs: number;
  /** When its client listener began to answer after that. */
  readonly servesMs: number;
}

const ROLLOUT = "pilab:kafka/rollout:Rollout";

/**
 * How long each part of a swap took, seconds; together they are the whole run.
 * @param host the broker that was given another machine
 * @param servesMs when the client listener of the new machine began to answer
 * @param endMs when the engine ended
 * @throws Error naming the moment that did not come
 */
export function swapTimes(
  events: readonly TimedEvent[],
  host: string,
  servesMs: number,
  endMs: number,
): Readonly<Record<SwapPart, number>> {
  const told = toldByRollout(events);
  const storage = `${host}-storage`;
  const previewEnd = at(events, "the end of the preview", ({ event }) =>
    Boolean(event.summaryEvent?.isPreview),
  );
  const update = events.filter(({ atMs }) => atMs >= previewEnd);
  const formatBegin = at(update, `the begin of ${storage}`, ({ event }) =>
    isStep(event.resourcePreEvent?.metadata.urn, storage),
  );
  const formatEnd = at(update, `the end of ${storage}`, ({ event }) =>
    isStep(event.resOutputsEvent?.metadata.urn, storage),
  );
  const fenceBegin = when(told, stopping(host));
  const startBegin = when(told, being("started", host));
  const full = when(told, inSync("started", host));
  const voted = lastWhen(told, joined(""));
  const cuts: readonly (readonly [SwapPart, number])[] = [
    ["preview", previewEnd],
    ["prepare", formatBegin],
    ["format", formatEnd],
    ["gate", fenceBegin],
    ["fence", startBegin],
    ["start", servesMs],
    ["fill", full],
    ["voters", voted],
    ["rest", endMs],
  ];
  return inTurn(cuts);
}

/** One broker's restart within a roll, seconds. */
export interface RestartTimes {
  /** From the former broker's return, or the rollout's begin. */
  readonly gate: number;
  /** Until the new process is started. */
  readonly stop: number;
  /** Until that one serves. */
  readonly start: number;
  /** Until all its replicas are in sync. */
  readonly sync: number;
}

/** What the rollout told of one broker's restart. */
export interface RestartTold {
  readonly host: string;
  /** When the gate before it began to be asked. */
  readonly gateMs: number;
  readonly beginMs: number;
  readonly backMs: number;
}

/**
 * The brokers that a run restarted, in the order in which it did.
 * @throws Error where one did not come back
 */
export function restartsTold(events: readonly TimedEvent[]): RestartTold[] {
  const told = toldByRollout(events);
  let gateMs = at(events, "the begin of the rollout", ({ event }) => {
    const step = event.resourcePreEvent;
    return step?.planning !== true && step?.metadata.type === ROLLOUT;
  });
  const begins = new RegExp(`^${being("restarted", "(\\S+)")}$`);
  return told.flatMap(({ atMs, text }) => {
    const host = begins.exec(text)?.[1];
    if (host === undefined) return [];
    const backMs = when(told, inSync("restarted", host));
    const restart = { host, gateMs, beginMs: atMs, backMs };
    gateMs = backMs;
    return [restart];
  });
}

export function restartTimes(told: RestartTold, { startedMs, servesMs }: Started): RestartTimes {
  const { host, gateMs, beginMs, backMs } = told;
  if (startedMs < beginMs || servesMs > backMs) {
    throw new Error(`${host}: what was seen of its restart does not fit what the rollout told`);
  }
  return inTurn([
    ["gate", beginMs, gateMs],
    ["stop", startedMs],
    ["start", servesMs],
    ["sync", backMs],
  ]);
}

/**
 * Cuts time into parts that follow each other.
 * @param cuts each part's name and end, ms; the first may have its begin, default 0
 */
function inTurn<Part extends string>(
  cuts: readonly (readonly [Part, number, number?])[],
): Readonly<Record<Part, number>> {
  let begin = cuts[0]?.[2] ?? 0;
  const parts = cuts.map(([part, end]): [Part, number] => {
    // Two observers see the same moment some milliseconds apart.
    const seconds = Math.max(0, end - begin) / 1000;
    begin = Math.max(begin, end);
    return [part, seconds];
  });
  return Object.fromEntries(parts) as Record<Part, number>;
}

function toldByRollout(events: readonly TimedEvent[]): Told[] {
  return events.flatMap(({ atMs, event: { diagnosticEvent } }) =>
    diagnosticEvent?.urn?.includes(ROLLOUT) === true
      ? [{ atMs, text: plain(diagnosticEvent.message).trim() }]
      : [],
  );
}

function at(
  events: readonly TimedEvent[],
  what: string,
  matches: (event: TimedEvent) => boolean,
): number {
  const found = events.find(matches);
  if (found === undefined) throw new Error(`the run's events have not told ${what}`);
  return found.atMs;
}

function isStep(urn: string | undefined, name: string): boolean {
  return urn !== undefined && nameOfUrn(urn) === name;
}

function when(told: readonly Told[], begin: string): number {
  const found = told.find(({ text }) => text.startsWith(begin));
  if (found === undefined) throw new Error(`the rollout has not told "${begin}"`);
  return found.atMs;
}

function lastWhen(told: readonly Told[], end: string): number {
  const found = told.findLast(({ text }) => text.endsWith(end));
  if (found === undefined) throw new Error(`the rollout has not told of anybody "${end.trim()}"`);
  return found.atMs;
}
