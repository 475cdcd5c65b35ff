import type { AlertGroup, AlertRule, ClusterRule, LevelRule, SilenceRule } from "../../../model";
import { type Alert, type Condition, Ledger, type LedgerState } from "./ledger";
import { FINE, step, type LevelState } from "./level";
import type { Reading } from "./reading";
import { type Outcome, Series, type SeriesState } from "./series";
import { Silence, type SilenceState } from "./silence";
import * as words from "./words";

export interface CoreSettings {
  /** The host that the program runs on. */
  readonly host: string;
  readonly rules: readonly AlertRule[];
  /** Smaller ones first. */
  readonly groups: readonly AlertGroup[];
  readonly periodSeconds: number;
  readonly lateSeconds: number;
}

/** A partition with fewer replicas in sync than a write needs. */
export interface WeakPartition {
  readonly topic: string;
  readonly partition: number;
  readonly inSync: number;
  readonly needed: number;
}

/** What is written down: JSON. */
export interface CoreState {
  readonly series: Readonly<Record<string, SeriesState>>;
  readonly bridges: Readonly<Record<string, SeriesState>>;
  readonly silence: Readonly<Record<string, SilenceState>>;
  readonly cluster: Readonly<Record<string, LevelState>>;
  readonly ledger: LedgerState;
}

/** Readings that are older than that when they are read tell nobody anything any more, ms. */
export const STALE_MS = 60_000;
/** A device that is not heard of for so long is forgotten: whether its number is still bad nobody knows. */
export const FORGET_MS = 300_000;
/** Devices whose readings are kept at once. */
const MAX_DEVICES = 10_000;

/** What became of a reading. `crowded`: there are too many devices. */
export type ReadingOutcome = Outcome | "stale" | "crowded";

/**
 * What the alerts depend on: what is told goes in, with the time at which that is, and alerts come out of
 * `take`. No clock, no network, no disk; what `snapshot` gives makes another one that goes on the same way.
 */
export class Alerting {
  private readonly ledger: Ledger;
  private readonly levelRules: readonly LevelRule[];
  private readonly bridgeRules: readonly LevelRule[];
  private readonly clusterRules: readonly ClusterRule[];
  private readonly silences: readonly (readonly [string, Silence])[];
  private readonly series = new Map<string, Series>();
  private readonly bridges = new Map<string, Series>();
  private readonly cluster: Map<string, LevelState>;
  private readonly downSubjects = new Map<string, boolean>();
  private weak: readonly WeakPartition[] = [];
  private flowsSinceMs: number | undefined;
  private readonly lateMs: number;

  constructor(settings: CoreSettings, state?: CoreState) {
    const { rules, groups, host } = settings;
    this.lateMs = settings.lateSeconds * 1000;
    this.ledger = new Ledger(settings.periodSeconds * 1000, state?.ledger);
    const levels = rules.filter((rule) => "level" in rule);
    this.levelRules = levels.filter(({ type }) => type !== "bridge-lag");
    this.bridgeRules = levels.filter(({ type }) => type === "bridge-lag");
    this.clusterRules = rules.filter(
      (rule): rule is ClusterRule => rule.type === "broker-down" || rule.type === "under-min-isr",
    );
    this.silences = rules
      .filter((rule): rule is SilenceRule => rule.type === "silence")
      .map((rule) => [
        rule.name,
        new Silence(rule, groups, host, this.ledger, state?.silence[rule.name]),
      ]);
    this.cluster = new Map(Object.entries(state?.cluster ?? {}));
    for (const [device, one] of Object.entries(state?.series ?? {})) {
      this.series.set(device, new Series(this.rulesOf(device), this.lateMs, one));
    }
    for (const [name, one] of Object.entries(state?.bridges ?? {})) {
      this.bridges.set(name, new Series(this.bridgeRules, this.lateMs, one));
    }
  }

  /** The fields of telemetry that rules are about. */
  fields(): ReadonlySet<string> {
    return new Set(this.levelRules.map(({ level }) => level.field));
  }

  reading(reading: Reading, nowMs: number): ReadingOutcome {
    const { device, timeMs, arrivedMs } = reading;
    for (const [, silence] of this.silences) silence.hear(device, arrivedMs, nowMs);
    if (timeMs < nowMs - Math.max(STALE_MS, this.lateMs)) return "stale";
    let series = this.series.get(device);
    if (series === undefined) {
      if (this.series.size >= MAX_DEVICES) return "crowded";
      series = new Series(this.rulesOf(device), this.lateMs);
      this.series.set(device, series);
    }
    const outcome = series.take(reading);
    if (outcome === "used") this.tellLevels(device, series, nowMs);
    return outcome;
  }

  /** How far a bridge is behind. */
  bridge(host: string, lagSeconds: number, nowMs: number): void {
    let series = this.bridges.get(host);
    if (series === undefined) {
      series = new Series(this.bridgeRules, this.lateMs);
      this.bridges.set(host, series);
    }
    const values = { [words.LAG_FIELD]: lagSeconds };
    series.take({ device: host, timeMs: nowMs, arrivedMs: nowMs, values });
    this.tellLevels(host, series, nowMs);
  }

  broker(host: string, isUp: boolean, nowMs: number): void {
    this.downSubjects.set(host, !isUp);
    this.tellCluster(nowMs);
  }

  /** All partitions that are below their min ISR now. */
  partitions(weak: readonly WeakPartition[], nowMs: number): void {
    this.weak = weak;
    this.downSubjects.set(words.CLUSTER, weak.length > 0);
    this.tellCluster(nowMs);
  }

  /** Whether what devices tell comes through to us: while it does not, nobody is called silent. */
  flows(isFlowing: boolean, nowMs: number): void {
    if (!isFlowing) this.flowsSinceMs = undefined;
    else this.flowsSinceMs ??= nowMs;
  }

  tick(nowMs: number): void {
    for (const [, silence] of this.silences) silence.tick(this.flowsSinceMs, nowMs);
    this.tellCluster(nowMs);
    this.forget(nowMs);
    this.ledger.tick(nowMs);
  }

  /** Alerts and their ends, since the last time that this was asked. */
  take(): Alert[] {
    return this.ledger.take();
  }

  /** What holds, told or not. */
  raised(): Condition[] {
    return this.ledger.raised();
  }

  get suppressed(): number {
    return this.ledger.suppressed;
  }

  /** Ends alerts of a former configuration: of rules, brokers and devices that are no more. */
  dropForeign(isKnown: (rule: string, subject: string) => boolean, nowMs: number): void {
    for (const { rule, subject } of this.ledger.raised()) {
      if (isKnown(rule.name, subject)) continue;
      this.ledger.clear(rule.name, subject, `${subject} is not watched any more`, nowMs);
    }
  }

  snapshot(): CoreState {
    const all = (series: ReadonlyMap<string, Series>) =>
      Object.fromEntries([...series].map(([name, one]) => [name, one.snapshot()]));
    return {
      series: all(this.series),
      bridges: all(this.bridges),
      silence: Object.fromEntries(this.silences.map(([name, one]) => [name, one.snapshot()])),
      cluster: Object.fromEntries(this.cluster),
      ledger: this.ledger.snapshot(),
    };
  }

  private rulesOf(device: string): readonly LevelRule[] {
    return this.levelRules.filter(({ devices }) => devices?.includes(device) ?? true);
  }

  private tellLevels(subject: string, series: Series, nowMs: number): void {
    for (const rule of series.rules) {
      const state = series.stateOf(rule);
      const value = series.valueOf(rule.level.field);
      if (state.phase !== "firing") {
        this.ledger.clear(rule.name, subject, words.levelIsFine(rule, subject, value), nowMs);
        continue;
      }
      const summary = words.levelIsBad(rule, subject, value);
      this.ledger.raise({ rule, subject, sinceMs: state.sinceMs, summary, value }, nowMs);
    }
  }

  private tellCluster(nowMs: number): void {
    for (const rule of this.clusterRules) {
      for (const [subject, isBad] of this.downSubjects) {
        if ((subject === words.CLUSTER) !== (rule.type === "under-min-isr")) continue;
        const key = `${rule.name}/${subject}`;
        const before = this.cluster.get(key) ?? FINE;
        const state = step(before, isBad ? "bad" : "good", nowMs, rule.forSeconds * 1000);
        this.cluster.set(key, state);
        if (state.phase === "firing") {
          const condition = words.clusterIsBad(rule, subject, this.weak);
          this.ledger.raise({ rule, subject, sinceMs: state.sinceMs, ...condition }, nowMs);
        } else {
          this.ledger.clear(rule.name, subject, words.clusterIsFine(rule, subject), nowMs);
        }
      }
    }
  }

  private forget(nowMs: number): void {
    // Where nothing comes through, nobody can be heard of.
    if (this.flowsSinceMs === undefined) return;
    for (const [device, series] of this.series) {
      if (nowMs - Math.max(series.heardMs, this.flowsSinceMs) < FORGET_MS) continue;
      this.series.delete(device);
      for (const { name } of series.rules) {
        this.ledger.clear(name, device, `${device} has told nothing for a while`, nowMs);
      }
    }
  }
}
