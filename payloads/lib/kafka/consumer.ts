import { setTimeout as sleep } from "node:timers/promises";
import type { KafkaAccess } from "../../../model";
import { unpackBatches } from "../../../shared/kafka/batches";
import type { StoredRecord } from "../../../shared/kafka/batches";
import type { Log } from "../log";
import type { ConsumeOptions, InRecord, RecordConsumer } from "../records";
import { Cluster, type Metadata } from "./cluster";
import { Code, nameOf, verdictOf, wordsOf } from "./codes";
import { FETCH_MS, type Fetched, fetchRecords, logEnds, type Place } from "./fetch-request";
import type { Commit } from "./group-request";
import { LinkError } from "./link";
import { Membership } from "./membership";

/** Between two tries, ms. */
const PAUSE_MS = 200;
/** How often brokers are asked who leads what, ms. */
const LOOK_MS = 1_000;
/** How long the last commit may take when closing, ms. */
const LAST_COMMIT_MS = 5_000;

/** A partition that is read. Whoever gets it again later gets another object. */
interface Owned extends Place {
  /** The offset that is read next; undefined until it has been asked for. */
  position: bigint | undefined;
  /** Where it begins if nothing is committed. */
  readonly from: "earliest" | "latest";
  /** Being asked for or handled. */
  busy: boolean;
  /** What was read of it cannot be committed: the group went on without us, or the log begins anew. */
  isVoid: boolean;
}

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
  private readonly commits = new Map<string, Commit>();
  private committing: Promise<void> | undefined;
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
    const { group, topics } = options;
    const reader = {
      own: (places: readonly Place[]) => this.own(places),
      fenced: () => this.fenced(),
    };
    const { signal } = this.stop;
    this.membership =
      group === undefined
        ? undefined
        : new Membership(this.cluster, group, topics, reader, signal, log);
  }

  /** Undefined while brokers answer and have what is to be read, else what is wrong in words. */
  trouble(): string | undefined {
    return this.cluster.trouble() ?? this.problem ?? this.membership?.trouble();
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
    await this.running?.catch(() => {});
    await this.cluster.close();
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
    await Promise.race([this.commitAll(membership), late]);
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
      if (before !== undefined && before !== id) this.begunAnew(name);
      if (this.membership === undefined) {
        for (const { partition } of partitions) this.add({ topic: name, partition }, before);
      }
    }
    if (problem !== undefined && this.problem === undefined) this.log("warn", problem);
    this.problem = problem;
  }

  /** @param before the topic's id when it was seen before: then the partition is new, and read from its start */
  private add(place: Place, before: string | undefined): void {
    const key = keyOf(place);
    if (this.owned.has(key)) return;
    const from = before === undefined ? this.options.from : "earliest";
    this.owned.set(key, { ...place, position: undefined, from, busy: false, isVoid: false });
  }

  /** Somebody has deleted the topic and made it again. */
  private begunAnew(topic: string): void {
    for (const [key, owned] of this.owned) {
      if (owned.topic !== topic) continue;
      this.findAgain(owned, "earliest");
      this.commits.delete(key);
    }
  }

  /** Its position is asked for anew; what was read of it before is void. */
  private findAgain(owned: Owned, from: Owned["from"]): void {
    owned.isVoid = true;
    this.owned.set(keyOf(owned), {
      ...owned,
      position: undefined,
      from,
      busy: false,
      isVoid: false,
    });
  }

  private async own(places: readonly Place[]): Promise<void> {
    const keep = new Set(places.map(keyOf));
    let gone = false;
    for (const key of [...this.owned.keys()]) {
      if (!keep.has(key)) gone = this.owned.delete(key) || gone;
    }
    if (gone) {
      await this.handling;
      await this.commitAll(this.membership!);
    }
    for (const place of places) this.add(place, undefined);
  }

  private fenced(): void {
    for (const owned of this.owned.values()) owned.isVoid = true;
    this.owned.clear();
    this.commits.clear();
  }

  private pump(handle: Handle): void {
    const leaders = new Set([...this.owned.values()].map((one) => this.leaderOf(one)));
    for (const leader of leaders) {
      if (leader !== undefined && !this.driven.has(leader)) void this.drive(leader, handle);
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
        if (signal.aborted) return;
        if (await this.readOnce(leader, mine, handle)) continue;
        await sleep(PAUSE_MS, undefined, { signal }).catch(() => {});
        if (!signal.aborted) await this.look();
      }
    } catch (error) {
      this.fail(error);
    } finally {
      this.driven.delete(leader);
    }
  }

  /** Gives whether all went well. */
  private async readOnce(leader: string, mine: readonly Owned[], handle: Handle): Promise<boolean> {
    for (const owned of mine) owned.busy = true;
    try {
      const known = await this.placed(leader, mine);
      if (known.length === 0) return false;
      const link = await this.cluster.link(leader, "fetch", FETCH_MS);
      const answers = await fetchRecords(link, known);
      const taken = await this.take(answers, known);
      if (taken.length > 0) await this.hand(taken, handle);
      return answers.every(({ errorCode }) => errorCode === Code.none);
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      return false;
    } finally {
      for (const owned of mine) owned.busy = false;
    }
  }

  /** Those whose position is known, if need be asked for now. */
  private async placed(leader: string, mine: readonly Owned[]) {
    const lost = mine.filter(({ position }) => position === undefined);
    if (lost.length > 0) {
      const committed = (await this.membership?.committed(lost)) ?? [];
      for (const { topic, partition, errorCode, offset } of committed) {
        const owned = this.owned.get(keyOf({ topic, partition }));
        if (owned !== undefined && errorCode === Code.none && offset >= 0n) {
          owned.position ??= offset;
        }
      }
      const answered = new Set(
        committed.filter(({ errorCode }) => errorCode === Code.none).map(keyOf),
      );
      const fresh = lost.filter(
        (one) =>
          one.position === undefined && (this.membership === undefined || answered.has(keyOf(one))),
      );
      await this.findEnds(leader, fresh);
    }
    return mine.flatMap((owned) =>
      owned.position === undefined ? [] : [{ ...owned, position: owned.position, owned }],
    );
  }

  private async findEnds(leader: string, places: readonly Owned[]): Promise<void> {
    for (const end of ["earliest", "latest"] as const) {
      const wanted = places.filter(({ from }) => from === end);
      if (wanted.length === 0) continue;
      const link = await this.cluster.link(leader, "fetch", FETCH_MS);
      for (const { topic, partition, errorCode, offset } of await logEnds(link, wanted, end)) {
        const owned = wanted.find((one) => one.topic === topic && one.partition === partition);
        if (errorCode === Code.none && owned !== undefined) owned.position = offset;
      }
    }
  }

  /** Unpacks answers, and looks again for what is not in the log any more. */
  private async take(answers: readonly Fetched[], known: readonly { readonly owned: Owned }[]) {
    const taken: { owned: Owned; records: readonly StoredRecord[]; next: bigint }[] = [];
    for (const { topic, partition, errorCode, packed } of answers) {
      const owned = known.find(
        (one) => one.owned.topic === topic && one.owned.partition === partition,
      )?.owned;
      if (owned?.position === undefined) continue;
      const where = `${topic}, partition ${partition}`;
      if (errorCode === Code.offsetOutOfRange) {
        this.log("warn", `${where}: offset ${owned.position} is not in the log any more`);
        if (this.isOurs(owned)) this.findAgain(owned, this.options.from);
        continue;
      }
      if (errorCode !== Code.none) {
        this.log("debug", `${where}: ${nameOf(errorCode)}`);
        continue;
      }
      const unpacked = await unpackBatches(packed, partition, owned.position).catch(
        (error: unknown) => {
          const words = error instanceof Error ? error.message : String(error);
          throw new Error(
            `${where}: the batch at offset ${owned.position} cannot be read: ${words}`,
          );
        },
      );
      if (unpacked.next > owned.position) taken.push({ owned, ...unpacked });
    }
    return taken;
  }

  /** One batch at a time is handled, whatever broker it is from. */
  private async hand(
    taken: readonly { owned: Owned; records: readonly StoredRecord[]; next: bigint }[],
    handle: Handle,
  ): Promise<void> {
    const mine = this.handling.then(async () => {
      if (this.stop.signal.aborted) return;
      const ours = taken.filter(({ owned }) => this.isOurs(owned));
      const batch = ours.flatMap(({ owned, records }) =>
        records.map((one) => inRecord(owned, one)),
      );
      if (batch.length > 0) await handle(batch);
      for (const { owned, next } of ours) {
        owned.position = next;
        if (owned.isVoid || this.membership === undefined) continue;
        const { topic, partition } = owned;
        this.commits.set(keyOf(owned), { topic, partition, offset: next });
      }
    });
    this.handling = mine.catch(() => {});
    await mine;
    if (this.membership !== undefined) void this.commitAll(this.membership);
  }

  private isOurs(owned: Owned): boolean {
    return this.owned.get(keyOf(owned)) === owned;
  }

  /** Commits until nothing is left to; whoever asks meanwhile waits for the same. */
  private commitAll(membership: Membership): Promise<void> {
    this.committing ??= this.commitLoop(membership)
      .catch((error: unknown) => this.fail(error))
      .finally(() => {
        this.committing = undefined;
      });
    return this.committing;
  }

  private async commitLoop(membership: Membership): Promise<void> {
    const end = Date.now() + LAST_COMMIT_MS;
    while (this.commits.size > 0) {
      if (this.stop.signal.aborted && Date.now() > end) return;
      const commits = [...this.commits.values()];
      const left = await membership.commit(commits).catch((error: unknown) => {
        if (!(error instanceof LinkError)) throw error;
        return commits;
      });
      for (const commit of commits) {
        const key = keyOf(commit);
        if (!left.includes(commit) && this.commits.get(key) === commit) this.commits.delete(key);
      }
      if (left.length > 0) await sleep(PAUSE_MS);
    }
  }

  private ledBy(leader: string): Owned[] {
    return [...this.owned.values()].filter((one) => !one.busy && this.leaderOf(one) === leader);
  }

  private leaderOf({ topic, partition }: Place): string | undefined {
    return this.metadata?.topics.get(topic)?.partitions[partition]?.leader;
  }
}

const keyOf = ({ topic, partition }: Place): string => `${topic} ${partition}`;

function inRecord({ topic }: Place, stored: StoredRecord): InRecord {
  const { partition, offset, timestampMs, key, value, headers } = stored;
  return {
    topic,
    partition,
    offset,
    timestampMs: Number(timestampMs),
    key: key ?? undefined,
    value: value ?? Buffer.alloc(0),
    headers: new Map(headers.map(([name, text]) => [String(name), text ?? Buffer.alloc(0)])),
  };
}
