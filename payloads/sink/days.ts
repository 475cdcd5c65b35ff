import { FIRST_MS, LAST_MS } from "../lib/event-time";

/** Days in UTC, by their number since the epoch: what the store's records are parted by. */
export type Day = number;

const DAY_MS = 86_400_000;

export const dayOfMs = (ms: number): Day => Math.floor(ms / DAY_MS);

/** @param text `YYYY-MM-DD` */
export function dayOfText(text: string): Day {
  return dayOfMs(Date.parse(`${text}T00:00:00Z`));
}

/** The days of times that are believed, also where the own clock is not set. */
const FIRST: Day = dayOfMs(FIRST_MS);
const LAST: Day = dayOfMs(LAST_MS);

/** `YYYY-MM-DD`, as PostgreSQL takes it. */
export const textOfDay = (day: Day): string => new Date(day * DAY_MS).toISOString().slice(0, 10);

/** The name of a day's partition. */
export const partitionOf = (day: Day): string => `records_${textOfDay(day).replaceAll("-", "")}`;

/** The day of a partition by its name; undefined for a table that is none. */
export function dayOfPartition(name: string): Day | undefined {
  const [, year, month, day] = /^records_(\d{4})(\d{2})(\d{2})$/.exec(name) ?? [];
  if (year === undefined) return undefined;
  const found = dayOfText(`${year}-${month}-${day}`);
  return Number.isNaN(found) ? undefined : found;
}

/** What the days of records are judged by. */
export interface Clock {
  /** By the sink's own clock. */
  readonly today: Day;
  /** The newest day of which the store holds records; undefined where it holds none. */
  readonly newest: Day | undefined;
}

/**
 * The day that a record is kept under: that of its time stamp in Kafka, which never changes, wherever that is
 * believable. One that is not (a clock that was not set, a producer that says anything) is kept under the
 * newest day there is, so that it lives as long as what arrived with it.
 *
 * @param timestampMs epoch ms, as Kafka has it
 */
export function dayOfRecord(timestampMs: number, { today, newest = today }: Clock): Day {
  const present = Math.max(today, newest);
  const day = dayOfMs(timestampMs);
  // A clock that was not set judges nobody else's.
  const last = today < FIRST ? LAST : Math.min(LAST, present + 1);
  return day >= FIRST && day <= last ? day : Math.min(LAST, Math.max(FIRST, present));
}

/**
 * The first day that is still kept. Both the records and the own clock must say that time has passed: a clock
 * that jumps ahead erases nothing by itself, nor does a record from the future.
 */
export function firstKept(retentionDays: number, { today, newest = today }: Clock): Day {
  return Math.min(today, newest) - retentionDays;
}
