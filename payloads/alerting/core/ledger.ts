import type { AlertRule, AlertSeverity } from "../../../model";

/** What outputs are told, as JSON: see docs/alerting.md. */
export interface Alert {
  /** `RULE/SUBJECT@SINCE`: the same for the firing, its repetitions and its end. */
  readonly id: string;
  readonly status: "firing" | "resolved";
  readonly rule: string;
  readonly type: AlertRule["type"];
  readonly severity: AlertSeverity;
  /** Device, broker's host, supply, switch, bridge's host, or `cluster`. */
  readonly subject: string;
  readonly summary: string;
  readonly value: number | null;
  /** Since when the condition holds, ISO 8601. */
  readonly since: string;
  /** When this was told, ISO 8601. */
  readonly at: string;
  /** Which telling of the same alert it is, from 1. */
  readonly told: number;
  /** Those that it is about, where it is about several. */
  readonly members: readonly string[];
}

export interface Condition {
  readonly rule: Pick<AlertRule, "name" | "type" | "severity">;
  readonly subject: string;
  readonly sinceMs: number;
  readonly summary: string;
  readonly value?: number | undefined;
  readonly members?: readonly string[] | undefined;
}

/** What is written down of one alert. */
interface Entry {
  condition: Condition;
  isRaised: boolean;
  /** When it was last told as firing; undefined before the first time. */
  toldMs: number | undefined;
  told: number;
  /** Whether the outputs believe it to be firing. */
  isOpen: boolean;
}

export type LedgerState = readonly Entry[];

/** Alerts that are remembered at most; of more those that are over are forgotten first, and new ones not told. */
const MAX_ENTRIES = 20_000;

/** Which alerts hold, and what of it is told: each once in its period, and its end. */
export class Ledger {
  private readonly entries = new Map<string, Entry>();
  private notices: Alert[] = [];
  /** Alerts that were not told, since the same one had been within the period. */
  suppressed = 0;

  constructor(
    private readonly periodMs: number,
    state: LedgerState = [],
  ) {
    for (const entry of state) this.entries.set(keyOf(entry.condition), { ...entry });
  }

  raise(condition: Condition, nowMs: number): void {
    const key = keyOf(condition);
    const entry = this.entries.get(key);
    if (entry === undefined) {
      if (this.entries.size >= MAX_ENTRIES && !this.forgetOne()) return;
      const fresh = { condition, isRaised: true, toldMs: undefined, told: 0, isOpen: false };
      this.entries.set(key, fresh);
      this.tell(fresh, nowMs);
      return;
    }
    const { sinceMs } = entry.isRaised ? entry.condition : condition;
    entry.condition = { ...condition, sinceMs };
    if (entry.isRaised) return;
    entry.isRaised = true;
    entry.told = 0;
    if (this.isDue(entry, nowMs)) this.tell(entry, nowMs);
    else this.suppressed += 1;
  }

  /** @param summary says how it is now */
  clear(rule: string, subject: string, summary: string, nowMs: number): void {
    const entry = this.entries.get(`${rule}/${subject}`);
    if (entry?.isRaised !== true) return;
    entry.isRaised = false;
    if (!entry.isOpen) return;
    entry.isOpen = false;
    this.notices.push(noticeOf(entry, "resolved", nowMs, summary));
  }

  /** Tells again what still holds after its period, and forgets what is over. */
  tick(nowMs: number): void {
    for (const [key, entry] of this.entries) {
      // A clock that was set back must not make an alert wait for longer than its period.
      if (entry.toldMs !== undefined && entry.toldMs > nowMs) entry.toldMs = nowMs;
      if (!this.isDue(entry, nowMs)) continue;
      if (entry.isRaised) this.tell(entry, nowMs);
      else this.entries.delete(key);
    }
  }

  /** Those that hold, told or not. */
  raised(): Condition[] {
    return [...this.entries.values()].flatMap(({ isRaised, condition }) =>
      isRaised ? [condition] : [],
    );
  }

  /** What is to be told since the last time that this was asked. */
  take(): Alert[] {
    const notices = this.notices;
    this.notices = [];
    return notices;
  }

  snapshot(): LedgerState {
    return [...this.entries.values()].map((entry) => ({ ...entry }));
  }

  private isDue({ toldMs }: Entry, nowMs: number): boolean {
    return toldMs === undefined || nowMs - toldMs >= this.periodMs;
  }

  private tell(entry: Entry, nowMs: number): void {
    entry.toldMs = nowMs;
    entry.told += 1;
    entry.isOpen = true;
    this.notices.push(noticeOf(entry, "firing", nowMs, entry.condition.summary));
  }

  private forgetOne(): boolean {
    for (const [key, { isRaised }] of this.entries) if (!isRaised) return this.entries.delete(key);
    return false;
  }
}

const keyOf = ({ rule, subject }: Condition): string => `${rule.name}/${subject}`;

function noticeOf(
  { condition, told }: Entry,
  status: Alert["status"],
  nowMs: number,
  summary: string,
): Alert {
  const { rule, subject, sinceMs, value, members = [] } = condition;
  const since = new Date(sinceMs).toISOString();
  return {
    id: `${rule.name}/${subject}@${since}`,
    status,
    rule: rule.name,
    type: rule.type,
    severity: rule.severity,
    subject,
    summary,
    value: value ?? null,
    since,
    at: new Date(nowMs).toISOString(),
    told,
    members,
  };
}
