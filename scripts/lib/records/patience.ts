/** How often the waiting is counted. */
const TICK_MS = 250;

/**
 * Counts how long brokers have brought nothing, and that alone: neither the time in which a reader is slow
 * to take what was brought, nor one in which this process stood still (Ctrl-Z, a terminal held by Ctrl-S, a
 * machine asleep).
 */
export class Patience {
  private waitedMs = 0;
  private countedAt = performance.now();
  private delivering = 0;
  private last: Promise<unknown> = Promise.resolve();
  private readonly timer: NodeJS.Timeout | undefined;

  /**
   * @param limitMs undefined: without end
   * @param onOver told once the limit is reached
   */
  constructor(
    limitMs: number | undefined,
    private readonly onOver: () => void,
  ) {
    if (limitMs === undefined) return;
    this.timer = setInterval(() => this.count(limitMs), Math.min(TICK_MS, limitMs));
  }

  /** Hands on what was brought, one piece after the other; from its end on the waiting begins anew. */
  async deliver(work: () => Promise<void>): Promise<void> {
    this.delivering += 1;
    const mine = this.last.then(work);
    this.last = mine.catch(() => undefined);
    try {
      await mine;
    } finally {
      this.delivering -= 1;
      this.waitedMs = 0;
      this.countedAt = performance.now();
    }
  }

  /** Resolves once all that was given to `deliver` so far has been taken: more may be asked for. */
  async taken(): Promise<void> {
    await this.last;
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private count(limitMs: number): void {
    const now = performance.now();
    // Much more than a tick: nobody could have told us anything meanwhile.
    const passedMs = Math.min(now - this.countedAt, 2 * TICK_MS);
    this.countedAt = now;
    if (this.delivering > 0) return;
    this.waitedMs += passedMs;
    if (this.waitedMs < limitMs) return;
    this.stop();
    this.onOver();
  }
}
