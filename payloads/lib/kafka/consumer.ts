import { setTimeout as sleep } from "node:timers/promises";
import type { KafkaAccess } from "../../../model";
import type { Log } from "../log";
import type { ConsumeOptions, InRecord, Progress, RecordConsumer } from "../records";
import { Cluster, type Metadata } from "./cluster";
import { Code, verdictOf, wordsOf } from "./codes";
import { Commits } from "./commits";
import {
  ANSWER_MS,
  AT_ONCE,
  fetchRecords,
  type Gathering,
  type Offset,
  type Place,
  type PlaceById,
} from "./fetch-request";
import { countBacklog } from "./backlog";
import { LinkError } from "./link";
import { Membership } from "./membership";
import { findPositions, keyOf, type Owned, type Taken, toInRecord, unpackAnswers } from "./owned";

/** Between two tries, ms. */
const PAUSE_MS = 200;
/** How often brokers are asked who leads what, ms. */
const LOOK_MS = 1_000;
/** How long the last commit may take when closing, ms. */
const LAST_COMMIT_MS = 5_000;

type Handle = (batch: readonly InRecord[]) => Promise<void>;

/**
 * `RecordConsumer` on the client library's low-level requests. What is read and not handled yet is bounded by
 * one answer of each broker, 4 MiB. Records of transactions are read as they come, aborted ones too.
 */
export class KafkaConsumer implements RecordConsumer {
  private readonly cluster: Cluster;
  private readonly stop = new AbortController();
  private readonly owned = new Map<string, Owned>();
  private readonly driven = new Set<string>();
  private readonly membership: Membership | undefined;
  private metadata: Metadata | undefined;
  /** Topics that have been seen before, with their ids. */
  private readonly seen = new Map<string, string>();
  private readonly commits: Commits;
  private readonly gather: Gathering;
  private handling: Promise<void> = Promise.resolve();
  private problem: string | undefined;
  private failure: Error | undefined;
  private running: Promise<void> | undefined;

  constructor(
    access: KafkaAccess,
    private readonly options: ConsumeOptions,
    private readonly log: Log,
  ) {
    this.cluster = new Cluster(access, log);
    const { group, topics, gather = AT_ONCE } = options;
    this.gather = gather;
    const reader = {
      own: (places: readonly Place[]) => this.own(places),
      fenced: () => this.fenced(),
    };
    const { signal } = this.stop;
    const membership =
      group === undefined
        ? undefined
        : new Membership(this.cluster, group, topics, reader, signal, log);
    this.membership = membership;
    this.commits = new Commits((commits) => membership?.commit(commits) ?? Promise.resolve([]));
  }

  /**
   * Undefined while it reads all that is its, else what is wrong in words: what is written from then on is
   * handed over, from wherever it was to begin.
   */
  trouble(): string | undefined {
    const lost = [...this.owned.values()].filter(({ position }) => position === undefined);
    return (
      this.cluster.trouble() ??
      this.problem ??
      this.membership?.trouble() ??
      (lost.length === 0 ? undefined : `${lost.length} partitions are not read yet`)
    );
  }

  /** How far each partition is read, of those of which an answer has told. */
  progress(): Progress[] {
    return [...this.owned.values()].flatMap(({ topic, topicId, partition, position, end }) =>
      position === undefined || end === undefined
        ? []
        : [{ topic, topicId, partition, next: position, end }],
    );
  }

  /** Offsets that are written and not handled yet, of the partitions that it reads; undefined while a leader does not tell. */
  backlog(): Promise<bigint | undefined> {
    return countBacklog(this.cluster, [...this.owned.values()], (place) => this.leaderOf(place));
  }

  /**
   * Reads until `close`. Rejects when `handle` does, which leaves its batch uncommitted, or for a batch that
   * cannot be unpacked.
   */
  run(handle: Handle): Promise<void> {
    this.running ??= this.work(handle);
    return this.running;
  }

  async close(): Promise<void> {
    this.stop.abort();
    // Without a group there is nothing to commit and nobody to take leave of: no answer is worth waiting for.
    if (this.membership === undefined || this.metadata === undefined) this.cluster.close();
    await this.running?.catch(() => {});
    this.cluster.close();
  }

  private async work(handle: Handle): Promise<void> {
    const { signal } = this.stop;
    let member: Promise<void> | undefined;
    while (!signal.aborted) {
      await this.look();
      // Assignments go by topics' ids, which metadata tell.
      if (this.metadata !== undefined) member ??= this.stay();
      this.pump(handle);
      await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
    }
    await this.handling;
    await member;
    if (this.membership !== undefined) await this.goodBye(this.membership);
    if (this.failure !== undefined) throw this.failure;
  }

  private async stay(): Promise<void> {
    await this.membership?.run().catch((error: unknown) => this.fail(error));
  }

  /** Commits what has been handled, and leaves the group. */
  private async goodBye(membership: Membership): Promise<void> {
    const late = sleep(LAST_COMMIT_MS, undefined, { ref: false });
    await Promise.race([this.commits.flush(), late]);
    // What could not be committed will be handed over again.
    this.commits.clear();
    await Promise.race([membership.leave().catch(() => {}), late]);
  }

  private fail(error: unknown): void {
    this.failure ??= error instanceof Error ? error : new Error(String(error));
    this.stop.abort();
  }

  private async look(): Promise<void> {
    const { topics } = this.options;
    try {
      this.metadata = await this.cluster.metadata(topics);
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      return;
    }
    this.membership?.update(this.metadata);
    let problem: string | undefined;
    for (const [name, { id, errorCode, partitions }] of this.metadata.topics) {
      if (errorCode !== Code.none) {
        if (verdictOf(errorCode) !== "passing") problem ??= `${name}: ${wordsOf(errorCode)}`;
        continue;
      }
      const before = this.seen.get(name);
      this.seen.set(name, id);
      if (before !== undefined && before !== id) this.begunAnew(name, id);
      if (this.membership === undefined) {
        for (const { partition } of partitions) {
          this.add({ topic: name, topicId: id, partition }, before);
        }
      }
    }
    if (problem !== undefined && this.problem === undefined) this.log("warn", problem);
    this.problem = problem;
  }

  /** @param before the topic's id when it was seen before: then the partition is new, and read from its start */
  private add({ topic, topicId, partition }: PlaceById, before: string | undefined): void {
    const key = keyOf({ topic, partition });
    if (this.owned.has(key)) return;
    const from = before === undefined ? this.options.from : "earliest";
    this.owned.set(key, {
      ...{ topic, topicId, partition, from },
      ...{ position: undefined, end: undefined, busy: false, isVoid: false },
    });
  }

  /** Somebody has deleted the topic and made it again. What was read of it before is void. */
  private begunAnew(topic: string, topicId: string): void {
    for (const owned of [...this.owned.values()]) {
      if (owned.topic !== topic) continue;
      owned.isVoid = true;
      this.commits.drop(owned);
      this.owned.delete(keyOf(owned));
      this.add({ ...owned, topicId }, "seen");
    }
  }

  private async own(places: readonly Place[]): Promise<void> {
    const keep = new Set(places.map(keyOf));
    let gone = false;
    for (const key of [...this.owned.keys()]) {
      if (!keep.has(key)) gone = this.owned.delete(key) || gone;
    }
    if (gone) {
      await this.handling;
      await this.commits.flush().catch((error: unknown) => this.fail(error));
    }
    for (const place of places) {
      // An assignment goes by ids that metadata have told.
      const topicId = this.metadata?.topics.get(place.topic)?.id;
      if (topicId !== undefined) this.add({ ...place, topicId }, undefined);
    }
  }

  private fenced(): void {
    for (const owned of this.owned.values()) owned.isVoid = true;
    this.owned.clear();
    this.commits.clear();
  }

  private pump(handle: Handle): void {
    const leaders = new Set([...this.owned.values()].map((one) => this.leaderOf(one)));
    for (const leader of leaders) {
      if (leader === undefined || this.driven.has(leader)) continue;
      // What its former leader has not answered about yet is driven once that has ended.
      if (this.ledBy(leader).length > 0) void this.drive(leader, handle);
    }
    for (const leader of this.driven) {
      // A host that was cut off does not say so.
      if (!leaders.has(leader)) this.cluster.drop(leader, "fetch");
    }
  }

  /** Reads what one broker leads, one answer after the other. */
  private async drive(leader: string, handle: Handle): Promise<void> {
    const { signal } = this.stop;
    this.driven.add(leader);
    try {
      for (let mine = this.ledBy(leader); mine.length > 0; mine = this.ledBy(leader)) {
        if (signal.aborted) break;
        if (await this.readOnce(leader, mine, handle)) continue;
        await sleep(PAUSE_MS, undefined, { signal }).catch(() => {});
        if (!signal.aborted) await this.look();
      }
    } catch (error) {
      this.fail(error);
    } finally {
      this.driven.delete(leader);
    }
    // What it led is another's by now.
    if (!signal.aborted) this.pump(handle);
  }

  /** Gives whether all went well. */
  private async readOnce(leader: string, mine: readonly Owned[], handle: Handle): Promise<boolean> {
    for (const owned of mine) owned.busy = true;
    try {
      const link = await this.cluster.link(leader, "fetch", this.gather.waitMs + ANSWER_MS);
      const lost = mine.filter(({ position }) => position === undefined);
      if (lost.length > 0) await findPositions(link, lost, this.committed());
      const asked = mine.filter(hasPosition);
      if (asked.length === 0) return false;
      const answers = await fetchRecords(link, asked, this.gather);
      const taken = await unpackAnswers(link, answers, asked, this.log);
      if (taken.length > 0) await this.hand(taken, handle);
      return answers.every(({ errorCode }) => errorCode === Code.none);
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      return false;
    } finally {
      for (const owned of mine) owned.busy = false;
    }
  }

  /** Where it is asked how far partitions were read before; undefined where nobody keeps that. */
  private committed(): ((places: readonly PlaceById[]) => Promise<readonly Offset[]>) | undefined {
    const { membership } = this;
    const { positions } = this.options;
    if (membership !== undefined) return (places) => membership.committed(places);
    if (positions === undefined) return undefined;
    return async (places) => {
      const offsets = await positions(places);
      return places.map((place, i) => ({ ...place, errorCode: 0, offset: offsets[i] ?? -1n }));
    };
  }

  /** One batch at a time is handled, whatever broker it is from. */
  private async hand(taken: readonly Taken[], handle: Handle): Promise<void> {
    const mine = this.handling.then(async () => {
      if (this.stop.signal.aborted) return;
      const ours = taken.filter(({ owned }) => this.isOurs(owned));
      const batch = ours.flatMap(({ owned, records }) =>
        records.map((one) => toInRecord(owned, one)),
      );
      if (batch.length > 0) await handle(batch);
      for (const { owned, next } of ours) {
        owned.position = next;
        if (owned.isVoid || this.membership === undefined) continue;
        const { topic, partition } = owned;
        this.commits.add({ topic, partition, offset: next });
      }
    });
    this.handling = mine.catch(() => {});
    await mine;
    void this.commits.flush().catch((error: unknown) => this.fail(error));
  }

  private isOurs(owned: Owned): boolean {
    return this.owned.get(keyOf(owned)) === owned;
  }

  private ledBy(leader: string): Owned[] {
    return [...this.owned.values()].filter((one) => !one.busy && this.leaderOf(one) === leader);
  }

  private leaderOf({ topic, partition }: Place): string | undefined {
    return this.metadata?.topics.get(topic)?.partitions[partition]?.leader;
  }
}

const hasPosition = (owned: Owned): owned is Owned & { position: bigint } =>
  owned.position !== undefined;
