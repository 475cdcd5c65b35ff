import type { LevelRule } from "../../../model";
import { FINE, judge, step, type LevelState } from "./level";
import type { Reading } from "./reading";

/** A reading as it is kept while others may still come before it. */
interface Kept {
  readonly timeMs: number;
  readonly values: Readonly<Record<string, number>>;
}

/** What is written down of a series. */
export interface SeriesState {
  readonly heardMs: number;
  readonly base: Readonly<Record<string, LevelState>>;
  readonly window: readonly Kept[];
  readonly floorMs: number;
}

export type Outcome = "used" | "late" | "duplicate";

/** Records come a little out of order, from several bridges; by more than that a clock was set back, ms. */
const SET_BACK_MS = 60_000;
/** Readings of one device that are kept at most; of more the oldest are settled early. */
const MAX_WINDOW = 512;

/**
 * The readings of one device, in the order of their time stamps. Where the rules stand is a matter of that
 * order alone, not of the one in which readings came: those of the last `lateMs` are kept, and one that
 * comes between them is put into its place.
 */
export class Series {
  private base: Record<string, LevelState> = {};
  private current: Record<string, LevelState> = {};
  private window: Kept[] = [];
  /** All up to here is settled. */
  private floorMs = 0;
  /** When it was last heard of, epoch ms. */
  heardMs = 0;

  /** @param rules those that are about the device */
  constructor(
    readonly rules: readonly LevelRule[],
    private readonly lateMs: number,
    state?: SeriesState,
  ) {
    if (state === undefined) return;
    this.base = pick(state.base, rules);
    this.window = [...state.window];
    this.floorMs = state.floorMs;
    this.heardMs = state.heardMs;
    this.current = this.foldAll();
  }

  take({ timeMs, arrivedMs, values }: Reading): Outcome {
    if (arrivedMs < this.heardMs - SET_BACK_MS) this.beginAnew();
    this.heardMs = Math.max(this.heardMs, arrivedMs);
    if (timeMs < arrivedMs - this.lateMs || timeMs <= this.floorMs) return "late";
    const kept = { timeMs, values };
    const at = this.window.findLastIndex((one) => compare(one, kept) <= 0);
    const before = this.window[at];
    if (before !== undefined && compare(before, kept) === 0) return "duplicate";
    this.window.splice(at + 1, 0, kept);
    if (at + 2 === this.window.length) this.current = this.fold(this.current, kept);
    else this.current = this.foldAll();
    this.settle(arrivedMs - this.lateMs);
    return "used";
  }

  /** Kafka's clock was set back: its time so far is none to order by. */
  private beginAnew(): void {
    this.base = this.current;
    this.window = [];
    this.floorMs = 0;
    this.heardMs = 0;
  }

  stateOf(rule: LevelRule): LevelState {
    return this.current[rule.name] ?? FINE;
  }

  /** The newest value of a field among those that are kept. */
  valueOf(field: string): number | undefined {
    return this.window.findLast(({ values }) => values[field] !== undefined)?.values[field];
  }

  snapshot(): SeriesState {
    const { heardMs, base, window, floorMs } = this;
    return { heardMs, base: { ...base }, window: [...window], floorMs };
  }

  /** Nothing comes any more that is older than that. */
  private settle(floorMs: number): void {
    let count = this.window.findIndex(({ timeMs }) => timeMs >= floorMs);
    // The newest stays, for its value.
    if (count < 0) count = this.window.length - 1;
    count = Math.max(count, this.window.length - MAX_WINDOW);
    if (count <= 0) return;
    const settled = this.window.splice(0, count);
    for (const one of settled) this.base = this.fold(this.base, one);
    this.floorMs = settled.at(-1)?.timeMs ?? this.floorMs;
  }

  private foldAll(): Record<string, LevelState> {
    return this.window.reduce((states, one) => this.fold(states, one), this.base);
  }

  private fold(states: Record<string, LevelState>, kept: Kept): Record<string, LevelState> {
    const next = { ...states };
    for (const { name, level, forSeconds } of this.rules) {
      const value = kept.values[level.field];
      if (value === undefined) continue;
      const state = step(next[name] ?? FINE, judge(level, value), kept.timeMs, forSeconds * 1000);
      next[name] = state;
    }
    return next;
  }
}

/** By time; of one time by what they say, so that it does not matter which came first. */
function compare(a: Kept, b: Kept): number {
  if (a.timeMs !== b.timeMs) return a.timeMs - b.timeMs;
  const [x, y] = [textOf(a), textOf(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

const textOf = ({ values }: Kept): string => JSON.stringify(Object.entries(values).sort());

/** What is known of rules that there still are. */
function pick(
  states: Readonly<Record<string, LevelState>>,
  rules: readonly LevelRule[],
): Record<string, LevelState> {
  return Object.fromEntries(
    rules.flatMap(({ name }): [string, LevelState][] => {
      const state = states[name];
      return state === undefined ? [] : [[name, state]];
    }),
  );
}
