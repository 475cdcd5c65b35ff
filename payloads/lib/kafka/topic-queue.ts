import { RefusedRecords } from "../records";
import type { Topic } from "./cluster";
import { Code, nameOf, verdictOf, wordsOf } from "./codes";
import { type Call, type Item, PartitionQueue, SETTLING_MS } from "./partition-queue";
import { partitionOfKey } from "./partitioner";

/** What waits for one topic, by partition, and who leads them. Pure but for what it is told. */
export class TopicQueue {
  private readonly queues: PartitionQueue[] = [];
  private leaders: readonly (string | undefined)[] = [];
  /** What came before it was known how many partitions there are. */
  private unrouted: Item[] = [];
  private settlingSince: number | undefined;
  private id: string | undefined;
  private turn = Math.floor(Math.random() * 1024);
  private lastCall: Call | undefined;

  constructor(readonly name: string) {}

  push(item: Item): void {
    if (this.queues.length === 0) this.unrouted.push(item);
    else this.route(item);
  }

  /** What a broker says of the topic. */
  update({ id, errorCode, partitions }: Topic, now: number): void {
    if (errorCode !== Code.none) {
      this.failed(errorCode, now);
      return;
    }
    this.settlingSince = undefined;
    for (let next = this.queues.length; next < partitions.length; next++) {
      this.queues.push(new PartitionQueue(this.name, next));
    }
    this.leaders = partitions.map(({ leader }) => leader);
    // Fewer of the same topic are told by a broker that is behind; of one that was made again they are all.
    if (this.id !== undefined && id !== this.id) {
      for (const gone of this.queues.splice(partitions.length)) this.unrouted.push(...gone.take());
    }
    this.id = id;
    const items = this.unrouted;
    this.unrouted = [];
    for (const item of items) this.route(item);
  }

  /** The leaders of partitions that something waits for. */
  leadersWanted(): ReadonlySet<string> {
    const wanted = this.leaders.filter((_, i) => isReady(this.queues[i]!));
    return new Set(wanted.filter((leader) => leader !== undefined));
  }

  /** Whether something waits that no leader is known for. */
  get isStuck(): boolean {
    if (this.unrouted.length > 0) return true;
    return this.queues.some((queue, i) => !queue.isEmpty && this.leaders[i] === undefined);
  }

  /** The partitions of one leader that something waits for. */
  queuesOf(leader: string): PartitionQueue[] {
    return this.queues.filter((queue, i) => this.leaders[i] === leader && isReady(queue));
  }

  /** Brokers that were asked to write to partitions that others lead by now. */
  formerLeaders(): string[] {
    return this.queues.flatMap(({ askedAt }, i) => {
      const leader = this.leaders[i];
      return askedAt === undefined || leader === undefined || leader === askedAt ? [] : [askedAt];
    });
  }

  abandon(error: Error): void {
    for (const { call } of this.unrouted.splice(0)) call.settled(error);
    for (const queue of this.queues) queue.abandon(error);
  }

  private failed(errorCode: number, now: number): void {
    const verdict = verdictOf(errorCode);
    if (verdict === "passing") return;
    this.settlingSince ??= now;
    if (verdict === "settling" && now - this.settlingSince < SETTLING_MS) return;
    const words = `Kafka refuses to write to ${this.name}: ${wordsOf(errorCode)}`;
    this.abandon(new RefusedRecords(nameOf(errorCode), words));
  }

  private route(item: Item): void {
    const { key } = item.record;
    // The records of one call that have no key stay together.
    if (item.call !== this.lastCall) this.turn += 1;
    this.lastCall = item.call;
    const count = this.queues.length;
    this.queues[key === undefined ? this.turn % count : partitionOfKey(key, count)]!.push(item);
  }
}

/** Whether a batch of it may go: one at a time is under way. */
const isReady = (queue: PartitionQueue): boolean => !queue.isEmpty && queue.askedAt === undefined;
