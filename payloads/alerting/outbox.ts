import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../lib/log";
import type { Alert } from "./core/ledger";
import type { Figures } from "./figures";

/** Where alerts go. */
export interface Output {
  readonly name: string;
  /**
   * Resolves when it has taken the alert.
   * @throws Refusal where another try gives the same; any other error is tried again
   */
  deliver(alert: Alert, signal: AbortSignal): Promise<void>;
}

/** The other side will never take it. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}

export interface OutboxLimits {
  /** Alerts that wait; of more the oldest are dropped. */
  readonly capacity: number;
  /** Between two tries: doubled from the first to the most, ms. */
  readonly firstPauseMs: number;
  readonly mostPauseMs: number;
  /** An alert that could not be delivered for so long is given up, ms; a start of the program begins anew. */
  readonly giveUpMs: number;
}

export const OUTBOX_LIMITS: OutboxLimits = {
  capacity: 1000,
  firstPauseMs: 1_000,
  mostPauseMs: 60_000,
  giveUpMs: 3_600_000,
};

interface Waiting {
  readonly alert: Alert;
  /** Since when, monotonic ms: what the alert says of its time is of a clock that may be set meanwhile. */
  readonly sinceMs: number;
}

const waiting = (alert: Alert): Waiting => ({ alert, sinceMs: performance.now() });

/** The alerts that one output has not taken yet, delivered one after the other in their order. */
export class Outbox {
  private readonly stopping = new AbortController();
  private readonly queue: Waiting[];
  private working: Promise<void> | undefined;
  private problem: string | undefined;

  /** @param saved resolves when what is in the queue now is written down */
  constructor(
    private readonly output: Output,
    queue: readonly Alert[],
    private readonly saved: () => Promise<void>,
    private readonly figures: Figures,
    private readonly log: Log,
    private readonly limits = OUTBOX_LIMITS,
  ) {
    this.queue = queue.map(waiting);
    this.figures.outputUp.set({ output: output.name }, 1);
    this.count();
  }

  /** Goes on with what was in the queue before: once all that is written down beside it is known. */
  begin(): void {
    if (this.queue.length > 0) this.work();
  }

  get name(): string {
    return this.output.name;
  }

  push(alerts: readonly Alert[]): void {
    this.queue.push(...alerts.map(waiting));
    const surplus = this.queue.length - this.limits.capacity;
    if (surplus > 0) {
      // The first may be on its way.
      this.queue.splice(1, surplus);
      this.outcome("dropped", surplus);
      this.log("error", "too many alerts wait for an output: the oldest are dropped", {
        output: this.name,
        dropped: surplus,
      });
    }
    this.count();
    this.work();
  }

  waiting(): readonly Alert[] {
    return this.queue.map(({ alert }) => alert);
  }

  /** Undefined while the output takes what it is given. */
  trouble(): string | undefined {
    return this.problem && `alerts do not go out by ${this.name}: ${this.problem}`;
  }

  /** What is not delivered stays in the state. */
  async stop(timeoutMs: number): Promise<void> {
    const late = sleep(timeoutMs, undefined, { ref: false });
    // One that fails waits for its next try: that is not waited for.
    if (this.problem === undefined && this.working !== undefined) {
      await Promise.race([this.working, late]);
    }
    this.stopping.abort();
    await this.working;
  }

  private work(): void {
    if (this.working !== undefined || this.stopping.signal.aborted) return;
    this.working = this.deliverAll().finally(() => {
      this.working = undefined;
      if (this.queue.length > 0) this.work();
    });
  }

  private async deliverAll(): Promise<void> {
    const { signal } = this.stopping;
    // Whoever is killed in between must know what he has told.
    await this.saved();
    for (let [next] = this.queue; next !== undefined && !signal.aborted; [next] = this.queue) {
      if (!(await this.deliver(next, signal))) return;
      this.queue.shift();
      this.count();
      await this.saved();
    }
  }

  /** Gives whether it is done with: delivered, refused or given up. */
  private async deliver({ alert, sinceMs }: Waiting, signal: AbortSignal): Promise<boolean> {
    const { firstPauseMs, mostPauseMs, giveUpMs } = this.limits;
    for (let pause = firstPauseMs; !signal.aborted; pause = Math.min(pause * 2, mostPauseMs)) {
      try {
        await orAborted(signal, this.output.deliver(alert, signal));
        this.is(undefined);
        this.outcome("delivered");
        return true;
      } catch (error) {
        if (signal.aborted) return false;
        const words = error instanceof Error ? error.message : String(error);
        this.is(words);
        const isOld = performance.now() - sinceMs > giveUpMs;
        if (error instanceof Refusal || isOld) {
          this.outcome("failed");
          const fields = { output: this.name, alert: alert.id, cause: words };
          this.log("error", "an alert was not delivered", fields);
          return true;
        }
        this.outcome("retried");
        // Spread, so that not all come back at once.
        const ms = Math.ceil(pause * (0.75 + Math.random() / 4));
        await sleep(ms, undefined, { signal }).catch(() => {});
      }
    }
    return false;
  }

  private is(problem: string | undefined): void {
    if (problem !== undefined && problem !== this.problem) {
      this.log("warn", "an output does not take alerts", { output: this.name, cause: problem });
    } else if (problem === undefined && this.problem !== undefined) {
      this.log("info", "an output takes alerts again", { output: this.name });
    }
    this.problem = problem;
    this.figures.outputUp.set({ output: this.name }, problem === undefined ? 1 : 0);
  }

  private outcome(outcome: string, count = 1): void {
    this.figures.deliveries.inc({ output: this.name, outcome }, count);
  }

  private count(): void {
    this.figures.queued.set({ output: this.name }, this.queue.length);
  }
}

/** Some outputs wait for ever for whom they talk to. @throws when the signal comes first */
async function orAborted(signal: AbortSignal, work: Promise<void>): Promise<void> {
  let stop = (): void => undefined;
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(new Error("stopped"));
    signal.addEventListener("abort", stop, { once: true });
  });
  await Promise.race([work, stopped]).finally(() => signal.removeEventListener("abort", stop));
}
