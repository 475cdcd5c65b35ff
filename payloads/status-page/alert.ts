import { z } from "zod";
import type { InRecord } from "../lib/records";
import { plainText } from "./text";

/** An alert as somebody told it. */
export interface Alert {
  /** The same for what is told of one alert: that it fires, again, and that it is over. */
  readonly id: string;
  readonly rule: string;
  /** Known words have a sign of their own on the page; others are shown as they are. */
  readonly severity: string;
  readonly isFiring: boolean;
  readonly summary: string;
  /** Whom it is about. */
  readonly subjects: readonly string[];
  /** Since when it fires; epoch ms. */
  readonly sinceMs: number;
  /** When it was over; epoch ms. */
  readonly untilMs: number | undefined;
}

const MAX_ID = 200;
const MAX_NAME = 64;
const MAX_SUMMARY = 300;
const MAX_SUBJECTS = 20;

const text = z.string().max(10_000);
const time = z.iso.datetime({ offset: true });

/** Those keys of an alert's JSON that are shown (docs/alerting.md); whoever writes it may have others. */
const shape = z.object({
  id: text.min(1),
  status: z.enum(["firing", "resolved"]),
  rule: text.min(1),
  severity: text.nullish(),
  subject: text.nullish(),
  summary: text.nullish(),
  since: time.nullish(),
  at: time.nullish(),
  members: z.array(text).nullish(),
});

/** Undefined for a record that is no alert: the topic is open to others. */
export function readAlert(record: Pick<InRecord, "value" | "timestampMs">): Alert | undefined {
  let json: unknown;
  try {
    json = JSON.parse(record.value.toString("utf8"));
  } catch {
    return undefined;
  }
  const alert = shape.safeParse(json).data;
  if (alert === undefined) return undefined;
  const isFiring = alert.status === "firing";
  const { subject, members } = alert;
  const toldMs = asDate(record.timestampMs);
  const subjects = members?.length ? members : subject ? [subject] : [];
  return {
    id: plainText(alert.id, MAX_ID),
    rule: plainText(alert.rule, MAX_NAME),
    severity: plainText(alert.severity ?? "warning", MAX_NAME),
    isFiring,
    summary: plainText(alert.summary ?? "", MAX_SUMMARY),
    subjects: subjects.slice(0, MAX_SUBJECTS).map((one) => plainText(one, MAX_NAME)),
    sinceMs: epochMs(alert.since) ?? toldMs,
    untilMs: isFiring ? undefined : (epochMs(alert.at) ?? toldMs),
  };
}

const epochMs = (value: string | null | undefined): number | undefined =>
  value === null || value === undefined ? undefined : Date.parse(value);

/** As far as a date goes. A record's time stamp is whatever its writer says, and the page cannot show what is none. */
const MAX_DATE_MS = 8.64e15;
const asDate = (ms: number): number => Math.min(Math.max(ms, -MAX_DATE_MS), MAX_DATE_MS);

/** So many are kept, those that are over being the first to go, the oldest before others. */
const MAX_ALERTS = 200;
/** How long one that is over is still shown, ms. */
const SHOWN_AFTER_MS = 24 * 3_600_000;

/** What alerts there are, in bounded memory. Pure: it is told the time. */
export class Alerts {
  private readonly byId = new Map<string, Alert>();

  take(alert: Alert): void {
    this.byId.delete(alert.id);
    this.byId.set(alert.id, alert);
    if (this.byId.size <= MAX_ALERTS) return;
    const goes = [...this.byId.values()].find(({ isFiring }) => !isFiring);
    this.byId.delete((goes ?? [...this.byId.values()][0])?.id ?? "");
  }

  list(now: number): readonly Alert[] {
    return [...this.byId.values()].filter(
      ({ untilMs }) => untilMs === undefined || now - untilMs <= SHOWN_AFTER_MS,
    );
  }
}
