/** One topic, looked at again and again while something is done to it. */
import type { CallContext } from "../../plugins/common/rpc";
import { EngineGoneError } from "../../plugins/common/rpc";
import type { KafkaAdmin, LiveTopic, Reassignment } from "../admin/port";
import { isUnreachable } from "../admin/port";
import { type Probe, waitFor } from "../wait";

const PROMPT_INTERVAL_MS = 100;

/** How long things may take, ms. Tests have their own. */
export interface MoverTimes {
  /** Pause between two looks. */
  readonly intervalMs: number;
  /** How long a move may bring no byte forward, and how long brokers may be away before one is begun. */
  readonly stallMs: number;
  /** How long the cluster may take to do at once what it was told to, or for brokers to hear of it. */
  readonly promptMs: number;
}

export const TIMES: MoverTimes = { intervalMs: 500, stallMs: 120_000, promptMs: 30_000 };

export class TopicWatch {
  /** Ends what is waited for. */
  private signal: AbortSignal;

  constructor(
    readonly topic: string,
    readonly admin: KafkaAdmin,
    private readonly context: CallContext,
    private readonly times: MoverTimes,
  ) {
    this.signal = context.signal;
  }

  /** What is tidied up after a cancellation must not end with it: the engine's death alone ends it. */
  outliveCancellation(): void {
    this.signal = unlessEngineGone(this.context.signal);
  }

  heedCancellation(): void {
    this.signal = this.context.signal;
  }

  throwIfAborted(): void {
    this.signal.throwIfAborted();
  }

  async movesOf(partitions: readonly number[]): Promise<readonly Reassignment[]> {
    if (partitions.length === 0) return [];
    const running = await this.admin.listReassignments([this.topic]);
    return running.filter(({ partition }) => partitions.includes(partition));
  }

  /** Those of these brokers that do not serve. */
  async away(ids: readonly number[]): Promise<number[]> {
    const brokers = await this.admin.listBrokers();
    const serving = new Set(brokers.filter(({ fenced }) => !fenced).map(({ id }) => id));
    return [...new Set(ids)].filter((id) => !serving.has(id)).sort((a, b) => a - b);
  }

  async look(): Promise<LiveTopic> {
    const live = await this.admin.describeTopic(this.topic);
    if (live === undefined) throw new Error("it is gone from the cluster");
    return live;
  }

  /** For what takes its time, see `MoverTimes.stallMs`. */
  wait<T>(what: string, probe: (extend: () => void) => Promise<Probe<T>>): Promise<T> {
    const { stallMs, intervalMs } = this.times;
    return this.probed(what, stallMs, intervalMs, probe);
  }

  /** For what comes at once, see `MoverTimes.promptMs`. */
  waitPromptly<T>(what: string, probe: () => Promise<Probe<T>>): Promise<T> {
    const { promptMs, intervalMs } = this.times;
    return this.probed(what, promptMs, Math.min(intervalMs, PROMPT_INTERVAL_MS), probe);
  }

  /** Brokers that do not answer may be starting: they are asked again, for as long as the wait may take. */
  private probed<T>(
    what: string,
    timeoutMs: number,
    intervalMs: number,
    probe: (extend: () => void) => Promise<Probe<T>>,
  ): Promise<T> {
    const progress = (line: string): void => this.context.log.status(line);
    return waitFor({ what, timeoutMs, intervalMs, signal: this.signal, progress }, (extend) =>
      probe(extend).catch((error: unknown) => {
        if (!isUnreachable(error)) throw error;
        return { pending: error.message };
      }),
    );
  }
}

/** Aborted by the engine's death alone: what was begun is tidied up after a cancellation. */
function unlessEngineGone(signal: AbortSignal): AbortSignal {
  const controller = new AbortController();
  signal.addEventListener("abort", () => {
    if (signal.reason instanceof EngineGoneError) controller.abort(signal.reason);
  });
  return controller.signal;
}
