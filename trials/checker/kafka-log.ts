import { abortable } from "../../provider/wait";
import { KafkaLink } from "../../provider/admin/kafka-link";
import { KafkaError } from "../../provider/admin/port";
import { listOffsets } from "../../provider/admin/records";
import {
  appendBatch,
  fetchRecords,
  type FetchedPartition,
} from "../../scripts/lib/records/requests";
import { Leaders } from "./leaders";
import type { Appended, RecordLog } from "./log";

/**
 * How long a broker may wait for the replicas before it answers that they were too slow. Longer than a
 * session of the brokers (9 s): until that has ended a replica that hangs counts as in sync, and a write
 * that is given up meanwhile would be a duplicate.
 */
const WRITE_MS = 15_000;

/** Of a dial, and of a request beside what the server may take. */
const PATIENCE_MS = 2000;

/** Of a write with all its waiting, and of a reading, where the caller says nothing. */
const DEFAULT_MS = 30_000;

/** How long a leader may wait for a first record where there is none. */
const FIRST_RECORD_MS = 500;

/** How often it is asked, while a broker does not answer a write, whether another one leads now. */
const WATCH_MS = 1000;

/**
 * A topic's log in a cluster, by plain requests: a producer would try again behind the caller's back, and
 * would wait for a leader that hangs as long as for one that waits for its replicas. One connection a
 * partition, so that none is held up by another one's leader.
 */
export class KafkaLog implements RecordLog {
  private readonly links = new Map<number, KafkaLink>();
  private readonly leaders: Leaders;

  private constructor(
    private readonly topic: string,
    readonly partitions: number,
    leaders: Leaders,
  ) {
    this.leaders = leaders;
  }

  /** @param bootstrap `host:port` each; the other brokers are learnt from whom answers */
  static async open(bootstrap: readonly string[], topic: string): Promise<KafkaLog> {
    const leaders = new Leaders(bootstrap, topic);
    try {
      const view = await leaders.look();
      return new KafkaLog(topic, view.leaders.length, leaders);
    } catch (error) {
      await leaders.close();
      throw error;
    }
  }

  async append(
    partition: number,
    values: readonly string[],
    signal: AbortSignal = AbortSignal.timeout(DEFAULT_MS),
  ): Promise<Appended> {
    try {
      const link = await abortable(this.leaderLink(partition), signal);
      const watch = this.watchLeader(partition, link.server);
      try {
        const answer = this.produce(link, partition, values);
        return await abortable(Promise.race([answer, watch.moved]), signal);
      } finally {
        watch.stop();
      }
    } catch (error) {
      // The partition may have another leader now, and a late answer must not be taken for the next one's.
      void this.links.get(partition)?.close();
      this.links.delete(partition);
      throw error;
    }
  }

  /** @param upTo default: as far as the leader serves */
  async read(
    partition: number,
    upTo?: bigint,
    signal: AbortSignal = AbortSignal.timeout(DEFAULT_MS),
  ): Promise<string[]> {
    const { topicId, leaders } = await this.leaders.look();
    const server = leaders[partition]?.server;
    if (server === undefined) throw noLeader(this.topic, partition);
    const link = await abortable(dial(server, PATIENCE_MS), signal);
    try {
      const ask = listOffsets(link, this.topic, [partition], "earliest");
      const values: string[] = [];
      for (let next = (await abortable(ask, signal)).get(partition) ?? 0n; ;) {
        const got = await abortable(this.fetch(link, topicId, partition, next), signal);
        values.push(...got.records.map(({ value }) => value?.toString() ?? ""));
        if (got.next === next && got.highWatermark > next) {
          throw new Error(`${server} serves nothing of ${this.topic}-${partition} at ${next}`);
        }
        next = got.next;
        if (next > (upTo ?? got.highWatermark - 1n)) return values;
      }
    } finally {
      await link.close();
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.links.values()].map((link) => link.close()));
    await this.leaders.close();
  }

  private async produce(
    link: KafkaLink,
    partition: number,
    values: readonly string[],
  ): Promise<Appended> {
    const records = values.map((value) => ({ key: null, value: Buffer.from(value) }));
    const append = { topic: this.topic, partition, records, replicasMs: WRITE_MS };
    const offset = await appendBatch(link, append);
    const lastOffset = offset + BigInt(values.length - 1);
    return { server: link.server, offset, lastOffset };
  }

  private async fetch(
    link: KafkaLink,
    topicId: string,
    partition: number,
    position: bigint,
  ): Promise<FetchedPartition> {
    const { topic } = this;
    const positions = new Map([[partition, position]]);
    const [found] = await fetchRecords(link, { topic, topicId }, positions, FIRST_RECORD_MS);
    if (found === undefined) throw new Error(`${link.server} gave an empty answer`);
    if (!found.outOfRange) return found;
    throw new Error(`${topic}-${partition}: ${link.server} has no offset ${position}`);
  }

  private async leaderLink(partition: number): Promise<KafkaLink> {
    const known = this.links.get(partition);
    if (known?.alive === true) return known;
    const { leaders } = await this.leaders.look();
    const server = leaders[partition]?.server;
    if (server === undefined) throw noLeader(this.topic, partition);
    const link = await dial(server, WRITE_MS + PATIENCE_MS);
    this.links.set(partition, link);
    return link;
  }

  /** `moved` rejects once somebody else leads; a write to the former leader is not going to count. */
  private watchLeader(partition: number, server: string): { moved: Promise<never>; stop(): void } {
    let reject: (reason: Error) => void = () => undefined;
    const moved = new Promise<never>((_resolve, fail) => (reject = fail));
    const timer = setInterval(() => {
      this.leaders.look().then(
        ({ leaders }) => {
          const now = leaders[partition]?.server;
          if (now === undefined || now === server) return;
          const what = `${server} does not answer; ${now} leads ${this.topic}-${partition} now`;
          reject(new KafkaError("unreachable", what));
        },
        () => undefined, // nobody answers: the write's own limit stands
      );
    }, WATCH_MS);
    return { moved, stop: () => clearInterval(timer) };
  }
}

function dial(server: string, requestTimeoutMs: number): Promise<KafkaLink> {
  return KafkaLink.dial(server, { connectTimeoutMs: PATIENCE_MS, requestTimeoutMs });
}

function noLeader(topic: string, partition: number): KafkaError {
  return new KafkaError("refused", `${topic}-${partition} has no leader`, "LEADER_NOT_AVAILABLE");
}
