/** What became of the moments at which a change was to be killed. Pure. */
export class Rounds {
  private readonly killed = new Set<string>();
  private readonly missed = new Set<string>();

  constructor(private readonly wanted: readonly string[]) {}

  /** @param killed false where the moment did not come by: some are short, or come only sometimes */
  ended(point: string, killed: boolean): void {
    (killed ? this.killed : this.missed).add(point);
  }

  notes(): string[] {
    const untried = this.wanted.filter(
      (point) => !this.killed.has(point) && !this.missed.has(point),
    );
    return [
      `killed at ${this.killed.size} of ${this.wanted.length} moments`,
      ...[...this.missed].map((point) => `"${point}" did not come by again: not killed there`),
      ...untried.map((point) => `"${point}" was not tried any more`),
    ];
  }

  /** A trial that killed nothing has shown nothing. */
  problems(): string[] {
    if (this.killed.size > 0) return [];
    const why =
      this.wanted.length === 0
        ? "there was no moment to choose (fewer than --part has parts?)"
        : `none of ${this.wanted.length} moments came by again`;
    return [`the engine was never killed: ${why}`];
  }
}

/**
 * Says why so many rounds cannot be done in the time that is left. Each takes the change's own time at
 * least: what the killed `up` has not done the next one does.
 * @param leftMs for how long records will still be written
 */
export function timeProblem(rounds: number, onceMs: number, leftMs: number): string | undefined {
  const neededMs = rounds * onceMs;
  if (neededMs <= leftMs) return undefined;
  const minutes = (ms: number): number => Math.floor(ms / 60_000);
  return (
    `${rounds} kills take ${minutes(neededMs)} minutes at the least, and records are written for ` +
    `${minutes(leftMs)} more. Choose fewer with --kills N, or share them out between more runs with --part I/N`
  );
}
