/** Moves a topic's replicas to where they are wanted: in portions, throttled, and with a way back. */
import type { CallContext } from "../../plugins/common/rpc";
import { EngineGoneError } from "../../plugins/common/rpc";
import type { KafkaAdmin, PartitionState, Reassignment } from "../admin/port";
import { KafkaError } from "../admin/port";
import { formatBytes } from "./amounts";
import type { MovePlan, ReplicaMove, ReplicaWant } from "./assignment";
import { BATCH, meets, notYet, planMoves, sameList, sameSet, targetOf } from "./assignment";
import { electPreferred } from "./election";
import { copiesUnderWay, replicaFacts } from "./replicas";
import type { BrokerThrottle } from "./throttle";
import { TopicThrottle } from "./topic-throttle";
import { type MoverTimes, TIMES, TopicWatch } from "./topic-watch";

/** Moves that ended before they were done. What is true by now is the cluster's to say. */
export class MoveError extends Error {
  override readonly name = "MoveError";
  /** Each as a sentence without its end. */
  readonly reasons: readonly string[];

  constructor(
    cause: Error | undefined,
    /** What became of what was under way, and what was left behind. */
    left: readonly string[],
  ) {
    const reasons = [...(cause === undefined ? [] : [cause.message]), ...left];
    super(reasons.join("; "), { cause });
    this.reasons = reasons;
  }
}

export class Mover {
  private readonly moved = new Set<number>();
  /** Under way on behalf of this run, and not seen to have ended. */
  private open: readonly ReplicaMove[] = [];
  private readonly watching: TopicWatch;
  private readonly throttle: TopicThrottle;

  constructor(
    private readonly topic: string,
    private readonly want: ReplicaWant,
    private readonly admin: KafkaAdmin,
    brokers: BrokerThrottle,
    private readonly context: CallContext,
    times: MoverTimes = TIMES,
  ) {
    this.watching = new TopicWatch(topic, admin, context, times);
    this.throttle = new TopicThrottle(this.watching, brokers, context.log);
  }

  /**
   * Returns once all partitions that are there have the replicas wanted, led by the preferred ones, and
   * nothing of a throttle is left. What a run that was killed left under way is waited for, or taken back
   * if it leads elsewhere. Throws a `MoveError`; but once the engine is gone it sends nothing more, and
   * leaves all as it stands.
   *
   * @param minInsyncReplicas what is in force while replicas move
   */
  async run(minInsyncReplicas: number): Promise<void> {
    const failure = await this.attempt(async () => {
      this.throttle.takeOver(await this.watching.look());
      while (await this.step(minInsyncReplicas));
    });
    this.watching.outliveCancellation();
    const left = [
      ...(await this.tidy("what moves could not be taken back", () => this.takeOpenBack())),
      ...(await this.tidy("the throttle could not be removed", () => this.throttle.end())),
    ];
    if (failure !== undefined || left.length > 0) throw new MoveError(failure, left);
    this.watching.heedCancellation();
    const { placement } = this.want;
    const unled = await this.attempt(() =>
      electPreferred(this.watching, (id) => this.moved.has(id) || placement?.[id] !== undefined),
    );
    if (unled !== undefined) throw new MoveError(unled, []);
  }

  /** Returns why it failed. */
  private async attempt(work: () => Promise<void>): Promise<Error | undefined> {
    const { signal } = this.context;
    try {
      await work();
      signal.throwIfAborted();
      return undefined;
    } catch (error) {
      const cause: unknown = signal.aborted ? signal.reason : error;
      if (cause instanceof EngineGoneError) throw cause;
      return cause instanceof Error ? cause : new Error(String(cause));
    }
  }

  /** Returns what it came to, in words. */
  private async tidy(what: string, work: () => Promise<string[] | void>): Promise<string[]> {
    try {
      return (await work()) ?? [];
    } catch (error) {
      const { reason } = this.context.signal as { reason: unknown };
      if (reason instanceof EngineGoneError) throw reason;
      return [`${what}: ${error instanceof Error ? error.message : String(error)}`];
    }
  }

  /** One portion. Returns whether there may be another one. */
  private async step(minInsyncReplicas: number): Promise<boolean> {
    this.watching.throwIfAborted();
    const { topic } = this;
    // The moves first: what ends before the second question shows in the replicas.
    const facts = await replicaFacts(this.admin, { topic, partitions: [], minInsyncReplicas });
    const { partitions } = await this.watching.look();
    const open = partitions.filter(({ partition }) => !this.moved.has(partition));
    const plan = planMoves(this.want, { ...facts, partitions: open });
    if (plan.takeBack.length > 0) {
      await this.takeBack(plan.takeBack);
      await this.awaitNoMove(plan.takeBack);
      return true;
    }
    if (plan.underWay.length > 0) {
      this.open = plan.underWay;
      await this.throttle.limit(plan.underWay);
      await this.watch(plan);
      return true;
    }
    if (plan.refusals.length > 0) throw new Error(plan.refusals.join("\n  "));
    const batch = plan.moves.slice(0, BATCH);
    if (batch.length === 0) return false;
    await this.passGate(batch, minInsyncReplicas);
    await this.throttle.limit(batch);
    this.watching.throwIfAborted();
    this.open = batch;
    await this.admin.reassign(
      this.topic,
      new Map(batch.map(({ partition, to }) => [partition, to])),
    );
    // Another process that has just ended its own moves may have removed the limits meanwhile.
    await this.throttle.limit(batch);
    await this.watch(plan);
    return true;
  }

  private async passGate(batch: readonly ReplicaMove[], minIsr: number): Promise<void> {
    const what = `it to be safe that replicas of topic ${this.topic} move`;
    await this.watching.wait(what, async () => {
      const [live, brokers] = await Promise.all([this.watching.look(), this.admin.listBrokers()]);
      const reasons = batch.flatMap((move) => {
        const state = live.partitions.find(({ partition }) => partition === move.partition);
        return notYet(move, state, brokers, minIsr) ?? [];
      });
      return reasons.length === 0 ? { done: undefined } : { pending: reasons.join("; ") };
    });
  }

  /** Waits for what is open to end, for as long as it brings bytes forward. */
  private async watch(plan: MovePlan): Promise<void> {
    const open = this.open.map(({ partition }) => partition);
    const all = this.moved.size + plan.moves.length + plan.underWay.length;
    const seen = new Map<string, number>();
    let left = open.length;
    const what = `replicas of topic ${this.topic} to move`;
    await this.watching.wait(what, async (extend) => {
      const running = await this.watching.movesOf(open);
      if (running.length === 0) return { done: undefined };
      const copies = await copiesUnderWay(this.admin, await this.watching.look(), running);
      const grown = copies.filter(({ name, bytes }) => bytes > (seen.get(name) ?? -1));
      for (const { name, bytes } of grown) seen.set(name, bytes);
      if (grown.length > 0 || running.length < left) extend();
      left = running.length;
      const done = this.moved.size + open.length - left;
      const behind = copies.reduce((sum, copy) => sum + copy.behind, 0);
      const away = await this.watching.away(running.flatMap(targetOf));
      const lacks = away.length === 0 ? "" : `; broker ${away.join(", ")} does not serve`;
      return {
        pending: `${done} of ${all} partitions done, ${formatBytes(behind)} behind${lacks}`,
      };
    });
    await this.assertMoved(open);
    for (const partition of open) this.moved.add(partition);
    this.open = [];
  }

  /** A move that ended elsewhere was taken back, or led elsewhere, by someone else. */
  private async assertMoved(partitions: readonly number[]): Promise<void> {
    const what = `topic ${this.topic} to have its replicas where they were moved to`;
    await this.watching.waitPromptly(what, async () => {
      const live = await this.watching.look();
      const other = live.partitions.filter(
        ({ partition, replicas }) =>
          partitions.includes(partition) && !meets(this.want, partition, replicas),
      );
      const shown = other.map(
        ({ partition, replicas }) => `${partition} has ${replicas.join(",")}`,
      );
      return other.length === 0
        ? { done: undefined }
        : {
            pending:
              `partition ${shown.join("; partition ")}: someone else has led them elsewhere, ` +
              "another run perhaps",
          };
    });
  }

  private async takeBack(partitions: readonly number[]): Promise<void> {
    const { log } = this.context;
    log.status(`topic ${this.topic}: taking back what is under way`);
    try {
      await this.admin.reassign(this.topic, new Map(partitions.map((one) => [one, null])));
    } catch (error) {
      // One of them has ended meanwhile; the others were taken back all the same.
      const hasEnded = error instanceof KafkaError && error.code === "NO_REASSIGNMENT_IN_PROGRESS";
      if (!hasEnded) throw error;
    }
  }

  private async awaitNoMove(partitions: readonly number[]): Promise<void> {
    const what = `moves of topic ${this.topic} to be taken back`;
    await this.watching.waitPromptly(what, async () => {
      const left = (await this.watching.movesOf(partitions)).map(({ partition }) => partition);
      return left.length === 0
        ? { done: undefined }
        : { pending: `partition ${left.join(", ")} still moves` };
    });
  }

  /** Returns what was taken back, in words. What someone else leads elsewhere by now is theirs. */
  private async takeOpenBack(): Promise<string[]> {
    const running = await this.watching.movesOf(this.open.map(({ partition }) => partition));
    const isOurs = (one: Reassignment): boolean =>
      this.open.some(
        ({ partition, to }) => partition === one.partition && sameSet(to, targetOf(one)),
      );
    const partitions = running.filter(isOurs).map(({ partition }) => partition);
    if (partitions.length === 0) return [];
    await this.takeBack(partitions);
    await this.awaitNoMove(partitions);
    await this.reorder(this.open.filter(({ partition }) => partitions.includes(partition)));
    return [`the move of partition ${partitions.join(", ")} was taken back`];
  }

  /** Kafka takes moves back to the former replicas in any order: the first one is to lead again. */
  private async reorder(moves: readonly ReplicaMove[]): Promise<void> {
    const what = `topic ${this.topic} to have its former replicas`;
    const partitions = await this.watching.waitPromptly(what, async () => {
      const now = (await this.watching.look()).partitions;
      const other = moves.filter((move) => !sameSet(replicasIn(now, move.partition), move.from));
      return other.length === 0
        ? { done: now }
        : { pending: `partition ${other.map((move) => move.partition).join(", ")} has not` };
    });
    const targets = moves.flatMap(({ partition, from }): [number, readonly number[]][] =>
      sameList(replicasIn(partitions, partition), from) ? [] : [[partition, from]],
    );
    if (targets.length > 0) await this.admin.reassign(this.topic, new Map(targets));
  }
}

const replicasIn = (partitions: readonly PartitionState[], partition: number): readonly number[] =>
  partitions.find((one) => one.partition === partition)?.replicas ?? [];
