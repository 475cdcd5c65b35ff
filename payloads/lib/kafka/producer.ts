import { setTimeout as sleep } from "node:timers/promises";
import type { KafkaAccess } from "../../../model";
import type { Log } from "../log";
import { type OutRecord, type RecordProducer, RefusedRecords } from "../records";
import { sizeOf } from "./batch";
import { Cluster } from "./cluster";
import { Code, nameOf } from "./codes";
import { type KafkaLink, LinkError } from "./link";
import type { PartitionQueue } from "./partition-queue";
import { numberProducer, PRODUCE_MS, type ProducerNumber, writeBatches } from "./produce-request";
import { TopicQueue } from "./topic-queue";

/** Between two tries, ms. */
const PAUSE_MS = 200;
/** How often brokers are asked who leads what, and so whether they answer, ms. */
const LOOK_MS = 1_000;
/** A broker closes the connection on whom sends it more than 100 MiB, so that it cannot say no, bytes. */
const RECORD_BYTES = 64 << 20;
/** What one request may take, bytes; at least one batch. */
const REQUEST_BYTES = 8 << 20;

/** `RecordProducer` on the client library's low-level requests; see docs/decisions/0024 for why. */
export class KafkaProducer implements RecordProducer {
  private readonly cluster: Cluster;
  private readonly topics = new Map<string, TopicQueue>();
  private readonly driven = new Set<string>();
  private readonly stop = new AbortController();
  private looking: Promise<void> | undefined;
  private number: ProducerNumber | undefined;
  private readonly timer: NodeJS.Timeout;
  private pumping = false;
  private underWay = 0;
  private onIdle: (() => void) | undefined;
  private closing = false;

  constructor(
    access: KafkaAccess,
    private readonly log: Log,
  ) {
    this.cluster = new Cluster(access, log);
    this.timer = setInterval(() => void this.look(), LOOK_MS);
    void this.look();
  }

  /** Undefined while brokers answer, else what is wrong in words. */
  trouble(): string | undefined {
    return this.cluster.trouble();
  }

  send(records: readonly OutRecord[]): Promise<void> {
    if (this.closing) return Promise.reject(new Error("the producer is closed"));
    const tooLarge = records.find((record) => sizeOf(record) > RECORD_BYTES);
    if (tooLarge !== undefined) {
      const words = `a record for ${tooLarge.topic} takes ${sizeOf(tooLarge)} bytes, more than any broker takes`;
      return Promise.reject(new RefusedRecords(nameOf(Code.messageTooLarge), words));
    }
    if (records.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      let left = records.length;
      let refusal: Error | undefined;
      const settled = (error?: Error): void => {
        refusal ??= error;
        left -= 1;
        if (left > 0) return;
        this.underWay -= 1;
        if (refusal === undefined) resolve();
        else reject(refusal);
        if (this.underWay === 0) this.onIdle?.();
      };
      this.underWay += 1;
      const timestampMs = Date.now();
      for (const record of records) {
        this.topic(record.topic).push({ record: { ...record, timestampMs }, call: { settled } });
      }
      this.pump();
    });
  }

  async close(timeoutMs: number): Promise<void> {
    this.closing = true;
    const idle = new Promise<void>((resolve) => {
      this.onIdle = resolve;
    });
    if (this.underWay > 0) {
      const waited = new AbortController();
      await Promise.race([idle, sleep(timeoutMs, undefined, { signal: waited.signal })]);
      waited.abort();
    }
    clearInterval(this.timer);
    this.stop.abort();
    const error = new Error(`not acknowledged within ${timeoutMs / 1000} s of the stop`);
    for (const topic of this.topics.values()) topic.abandon(error);
    this.cluster.close();
  }

  private topic(name: string): TopicQueue {
    let topic = this.topics.get(name);
    if (topic === undefined) {
      topic = new TopicQueue(name);
      this.topics.set(name, topic);
      void this.look();
    }
    return topic;
  }

  /** Has every leader that something waits for driven, once what is sent in this moment has been queued. */
  private pump(): void {
    if (this.pumping) return;
    this.pumping = true;
    setImmediate(() => {
      this.pumping = false;
      if (this.stop.signal.aborted) return;
      for (const topic of this.topics.values()) {
        for (const leader of topic.leadersWanted()) {
          if (!this.driven.has(leader)) void this.drive(leader);
        }
      }
    });
  }

  /** Sends what waits for one leader, one request after the other, until nothing does. */
  private async drive(leader: string): Promise<void> {
    this.driven.add(leader);
    try {
      for (let queues = this.queuesOf(leader); queues.length > 0; queues = this.queuesOf(leader)) {
        if (this.stop.signal.aborted) return;
        if (await this.exchange(leader, queues)) continue;
        await sleep(PAUSE_MS, undefined, { signal: this.stop.signal }).catch(() => {});
        await this.look();
      }
    } finally {
      this.driven.delete(leader);
    }
    // Something may have come, or have moved to another leader, meanwhile.
    this.pump();
  }

  private queuesOf(leader: string): PartitionQueue[] {
    return [...this.topics.values()].flatMap((topic) => topic.queuesOf(leader));
  }

  /** One request. Gives whether all went well. */
  private async exchange(leader: string, queues: readonly PartitionQueue[]): Promise<boolean> {
    let asked: readonly PartitionQueue[] = [];
    try {
      const link = await this.cluster.link(leader, "produce", PRODUCE_MS);
      const numbered = await this.numberAll(link, queues);
      if (!numbered) return false;
      const request = pack(queues);
      asked = request.queues;
      // All of it went to another leader while this one was dialled.
      if (asked.length === 0) return true;
      for (const queue of asked) queue.askedAt = leader;
      const answers = await writeBatches(link, request.packed);
      const found = asked.map((queue) => {
        const answer = answers.find(
          ({ topic, partition }) => topic === queue.topic && partition === queue.partition,
        );
        if (answer === undefined) throw new LinkError(`${leader} gave no answer to a write`);
        return { queue, answer };
      });
      const all = found.map(({ queue, answer: { errorCode, errorMessage } }) => {
        const next = queue.answered(errorCode, errorMessage, Date.now());
        if (next === "try-again") this.tellAgain(`${queue.topic}: ${nameOf(errorCode)}`);
        return next;
      });
      return all.every((next) => next === "go-on");
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      for (const queue of asked) queue.lost();
      this.tellAgain(error.message);
      return false;
    }
  }

  /** Gives whether each has its number now; those that a broker gives none hear why. */
  private async numberAll(link: KafkaLink, queues: readonly PartitionQueue[]): Promise<boolean> {
    const lacksNumber = ({ numbering, askedAt }: PartitionQueue) =>
      numbering !== "numbered" && askedAt === undefined;
    for (const queue of queues) {
      if (!lacksNumber(queue)) continue;
      const { numbering } = queue;
      const known = numbering === "any" ? this.number : undefined;
      const given = known ?? (await numberProducer(link));
      if ("errorCode" in given) {
        for (const one of queues.filter(lacksNumber)) {
          one.answered(given.errorCode, undefined, Date.now());
        }
        this.tellAgain(`no producer number: ${nameOf(given.errorCode)}`);
        return false;
      }
      this.number ??= given;
      queue.number(given);
    }
    return true;
  }

  /** Asks who leads what. Those who ask at once share the answer. */
  private look(): Promise<void> {
    this.looking ??= this.lookOnce().finally(() => {
      this.looking = undefined;
    });
    return this.looking;
  }

  private async lookOnce(): Promise<void> {
    try {
      const metadata = await this.cluster.metadata([...this.topics.keys()]);
      for (const [name, topic] of metadata.topics) this.topics.get(name)?.update(topic, Date.now());
      // A host that was cut off does not say so: what it was asked goes to the new leader at once.
      for (const topic of this.topics.values()) {
        for (const former of topic.formerLeaders()) this.cluster.drop(former, "produce");
      }
      this.pump();
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
    }
    if (this.stop.signal.aborted || ![...this.topics.values()].some((one) => one.isStuck)) return;
    setTimeout(() => void this.look(), PAUSE_MS);
  }

  private tellAgain(why: string): void {
    if (!this.stop.signal.aborted) this.log("debug", `trying again: ${why}`);
  }
}

/** One batch of each, as many as a request has room for. */
function pack(queues: readonly PartitionQueue[]) {
  const packed = new Map<string, Map<number, Buffer>>();
  const asked: PartitionQueue[] = [];
  let bytes = 0;
  for (const queue of queues) {
    const batch = queue.batch();
    if (batch === undefined || (bytes > 0 && bytes + batch.length > REQUEST_BYTES)) continue;
    bytes += batch.length;
    const ofTopic = packed.get(queue.topic) ?? new Map<number, Buffer>();
    packed.set(queue.topic, ofTopic.set(queue.partition, batch));
    asked.push(queue);
  }
  return { packed, queues: asked };
}
