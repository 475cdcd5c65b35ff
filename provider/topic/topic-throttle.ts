import type { Log } from "../../plugins/common/rpc";
import type { LiveTopic } from "../admin/port";
import { formatBytes } from "./amounts";
import { adding, type ReplicaMove } from "./assignment";
import { type BrokerThrottle, brokersOnTopic, nameThrottled, throttleKeys } from "./throttle";
import type { TopicWatch } from "./topic-watch";

/**
 * The throttle of one topic's moves: names on the topic, limits on brokers. Names are written before limits
 * and removed after them: they show a later run whom to look at.
 */
export class TopicThrottle {
  /** Brokers whose limits this run needs. */
  private readonly held = new Set<number>();
  /** Brokers that it needs no more, and that may still be limited. */
  private owing: readonly number[] = [];
  /** Whether it has named replicas on the topic. */
  private named = false;

  constructor(
    private readonly watching: TopicWatch,
    private readonly brokers: BrokerThrottle,
    private readonly log: Log,
  ) {}

  /** What a run that was killed has named on the topic is removed with ours. */
  takeOver({ config }: LiveTopic): void {
    this.hold(brokersOnTopic(config));
  }

  /** Throttles exactly these moves, and returns once their brokers tell of it. */
  async limit(moves: readonly ReplicaMove[]): Promise<void> {
    const copying = moves.filter((move) => adding(move).length > 0);
    if (copying.length === 0) return;
    const involved = [...new Set(copying.flatMap(({ from, to }) => [...from, ...to]))];
    await this.release([...this.held].filter((id) => !involved.includes(id)));
    await this.name(copying);
    const what = `brokers to throttle topic ${this.watching.topic}`;
    await this.watching.wait(what, async () => {
      // One that is away copies nothing, and could not be told.
      const away = await this.watching.away(involved);
      const serving = involved.filter((id) => !away.includes(id));
      this.hold(serving);
      this.tellOthers(await this.brokers.limit(serving));
      const left = await this.brokers.unheeded(serving);
      return left.length === 0
        ? { done: undefined }
        : { pending: `broker ${left.join(", ")} does not tell of its limit yet` };
    });
  }

  /** Removes all of it. What brokers that are away may keep is told, and stays named. */
  async end(): Promise<void> {
    await this.release([...this.held]);
    const { admin, topic } = this.watching;
    // Someone else's, by now: they name theirs, and see to the end of it.
    if ((await admin.listReassignments([topic])).length > 0) return;
    const what = `topic ${topic} to name no throttled replicas`;
    await this.watching.waitPromptly(what, async () =>
      (await this.name([])) ? { pending: "they were removed a moment ago" } : { done: undefined },
    );
    if (this.owing.length > 0) {
      this.log.warn(
        `topic ${topic}: broker ${this.owing.join(", ")} does not serve and may keep ` +
          "its limit of what moving replicas copy; `pulumi up --refresh` removes it once it serves",
      );
    }
  }

  private tellOthers(limits: ReadonlyMap<number, number>): void {
    for (const [id, rate] of limits) {
      const line = `broker ${id} is limited to ${formatBytes(rate)}/s by others: moves go by that`;
      this.log.debug(`topic ${this.watching.topic}: ${line}`);
    }
  }

  /**
   * Names on the topic those that move, and those that are limited still. Returns whether there was
   * anything to do.
   */
  private async name(moves: readonly ReplicaMove[]): Promise<boolean> {
    const { admin, topic } = this.watching;
    const keys = throttleKeys(moves, this.owing);
    const changed = await nameThrottled(admin, topic, keys, this.named);
    this.named = moves.length > 0;
    return changed;
  }

  /** Has these brokers' limits removed, and those that were owed. */
  private async release(brokers: readonly number[]): Promise<void> {
    for (const id of brokers) this.held.delete(id);
    this.brokers.letGo(brokers);
    this.owing = [...new Set([...this.owing, ...brokers])];
    if (this.owing.length === 0) return;
    const what = `brokers to drop their limits for topic ${this.watching.topic}`;
    this.owing = await this.watching.waitPromptly(what, async () => {
      // One that has just died counts as serving until its session ends.
      const { limited, away } = await this.brokers.clear(this.owing);
      return limited.length === 0
        ? { done: away }
        : { pending: `broker ${limited.join(", ")} has been told to` };
    });
  }

  private hold(brokers: readonly number[]): void {
    const news = brokers.filter((id) => !this.held.has(id));
    this.brokers.hold(news);
    for (const id of news) this.held.add(id);
    this.owing = this.owing.filter((id) => !this.held.has(id));
  }
}
