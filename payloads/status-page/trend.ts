/** How long one point of a trend stands for, ms, and how many are kept: ten minutes. */
export const POINT_MS = 10_000;
export const POINTS = 60;

/** The last minutes of one figure, as points in equal steps; the newest is under way. Pure: it is told the time. */
export class Trend {
  /** By the number of their step since the epoch. */
  private readonly steps = new Map<number, number>();

  /** The last value within a step is the step's. */
  take(value: number, at: number): void {
    const step = Math.floor(at / POINT_MS);
    this.steps.set(step, value);
    // Those ahead are of a clock that was set back since.
    for (const old of this.steps.keys())
      if (old <= step - POINTS || old > step) this.steps.delete(old);
  }

  /** The oldest first; null where there was none. None where all are. */
  points(now: number): readonly (number | null)[] {
    const last = Math.floor(now / POINT_MS);
    const points = Array.from(
      { length: POINTS },
      (_, i) => this.steps.get(last - POINTS + 1 + i) ?? null,
    );
    // What is not told yet is no gap.
    if (points.at(-1) === null) points[POINTS - 1] = points[POINTS - 2] ?? null;
    const first = points.findIndex((point) => point !== null);
    return first < 0 ? [] : points.slice(first);
  }
}
