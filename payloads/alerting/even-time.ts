/** Between two looks; more, and the program stood still, ms. */
const MOST_BETWEEN_MS = 2_000;
/** What the wall clock may gain or lose meanwhile; more, and it was set, ms. */
const MOST_DRIFT_MS = 1_000;

/**
 * Whether time goes on evenly from one look to the next. Where it does not, "nothing was heard for so long" says
 * nothing of others: the program stood still, and what came meanwhile is not read yet, or the clock was set.
 */
export class EvenTime {
  private last: { readonly wallMs: number; readonly steadyMs: number } | undefined;

  /** @param steadyMs of a clock that nobody sets */
  look(wallMs: number, steadyMs: number): boolean {
    const { last } = this;
    this.last = { wallMs, steadyMs };
    if (last === undefined) return true;
    const passed = steadyMs - last.steadyMs;
    const drift = wallMs - last.wallMs - passed;
    return passed <= MOST_BETWEEN_MS && Math.abs(drift) <= MOST_DRIFT_MS;
  }
}
