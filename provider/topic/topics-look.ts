/** What a refresh sees of many topics: a look at all of them in place of a question about each few. */
import type { LiveTopic } from "../admin/port";
import type { ClusterAccess } from "../cluster";
import { bounded } from "./look";

/** Topics that are asked for one by one before all are looked at: a small stack never is in need of it. */
export const SINGLY = 16;
/** Topics that a cluster may have at most: beyond, what others have there would be most of the answer. */
export const MOST = 2_000;
/** How long a look is answered from, ms, reckoned from its first question. */
export const FRESH_MS = 10_000;
/** Limit of a look, ms. */
const LOOK_MS = 5_000;

interface Look {
  readonly sinceMs: number;
  readonly keys: ReadonlySet<string>;
  /** Empty where the look came to nothing. */
  readonly topics: Promise<ReadonlyMap<string, LiveTopic>>;
}

/**
 * One a run. The engine reads a few topics at a time and waits for them, so that a thousand are hundreds of
 * requests. Once some were read all others are looked at together, with the settings that were asked for so far.
 *
 * Nothing is told from it once this process has begun to change something, nor after a look that failed: then
 * each topic is asked for alone, with its own answer and its own error.
 */
export class TopicsLook {
  /** Settings that were asked for. */
  private readonly keys = new Set<string>();
  private current: Look | undefined;
  /** Questions that no look answered, since the last one. */
  private unanswered = 0;
  private failed = false;

  constructor(
    private readonly cluster: Pick<ClusterAccess, "admin" | "mayDiffer">,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** The topic with these settings, and perhaps others; undefined where it is to be asked for alone. */
  async topic(name: string, keys: readonly string[]): Promise<LiveTopic | undefined> {
    for (const key of keys) this.keys.add(key);
    const look = this.lookWith(keys);
    const seen = (await look?.topics)?.get(name);
    return this.mayAnswer() ? seen : undefined;
  }

  private lookWith(keys: readonly string[]): Look | undefined {
    if (!this.mayAnswer()) return undefined;
    const { current } = this;
    const isFresh = current !== undefined && this.nowMs() - current.sinceMs < FRESH_MS;
    if (isFresh && keys.every((key) => current.keys.has(key))) return current;
    if (this.unanswered++ < SINGLY) return undefined;
    this.unanswered = 0;
    const keysNow = new Set(this.keys);
    this.current = { sinceMs: this.nowMs(), keys: keysNow, topics: this.all([...keysNow]) };
    return this.current;
  }

  private mayAnswer(): boolean {
    return !this.failed && !this.cluster.mayDiffer;
  }

  private async all(keys: readonly string[]): Promise<ReadonlyMap<string, LiveTopic>> {
    const answer = await bounded(LOOK_MS, () => this.cluster.admin().describeTopics(keys, MOST));
    const found = "found" in answer ? answer.found : undefined;
    this.failed ||= found === undefined;
    return found ?? new Map();
  }
}
