import { setTimeout as sleep } from "node:timers/promises";
import { randomUUID } from "node:crypto";
import type { Log } from "../log";
import type { Cluster, Metadata } from "./cluster";
import { Code, nameOf, verdictOf, wordsOf } from "./codes";
import type { Offset, Place } from "./fetch-request";
import {
  beat,
  type Beaten,
  type Commit,
  commitOffsets,
  committedOffsets,
  findCoordinator,
  GROUP_MS,
  LEAVING,
} from "./group-request";
import { type KafkaLink, LinkError } from "./link";

/** Between two tries, ms. */
const PAUSE_MS = 300;
/** A member that joins says so in place of its epoch. */
const JOINING = 0;

/** What a member is told to do with its partitions. */
export interface Reader {
  /** Reads these and no others: resolves once what was read of the others has been handled and committed. */
  own(places: readonly Place[]): Promise<void>;
  /** The group has gone on without this member: nothing of it is ours, what was handled cannot be committed. */
  fenced(): void;
}

/** One member of a consumer group, in the protocol in which the coordinator assigns (KIP-848). */
export class Membership {
  private readonly member: string = randomUUID();
  private epoch = JOINING;
  private coordinator: string | undefined;
  private metadata: Metadata | undefined;
  /** What the coordinator is to be told that we own; undefined where it knows. */
  private toTell: ReadonlyMap<string, readonly number[]> | undefined = new Map();
  /** An assignment of topics that the metadata did not know yet. */
  private unresolved: ReadonlyMap<string, readonly number[]> | undefined;
  /** Counts how often it has joined: what an earlier member was assigned is void. */
  private joins = 0;
  private problem: string | undefined;

  constructor(
    private readonly cluster: Cluster,
    private readonly group: string,
    private readonly topics: readonly string[],
    private readonly reader: Reader,
    private readonly signal: AbortSignal,
    private readonly log: Log,
  ) {}

  /** Undefined while the group's coordinator is content with us. */
  trouble(): string | undefined {
    return this.problem;
  }

  /** What brokers say of the topics: assignments go by ids. */
  update(metadata: Metadata): void {
    this.metadata = metadata;
    if (this.unresolved !== undefined) this.reconcile(this.unresolved);
  }

  /** Stays a member until the signal. */
  async run(): Promise<void> {
    while (!this.signal.aborted) {
      const waitMs = await this.beatOnce();
      await sleep(waitMs, undefined, { signal: this.signal }).catch(() => {});
    }
  }

  /** At once, so that others need not wait until it is missed. */
  async leave(): Promise<void> {
    if (this.epoch === JOINING) return;
    await this.ask((link) => this.sendBeat(link, LEAVING, null));
  }

  /** @throws LinkError where the coordinator cannot be asked, or says that it will be able to */
  async committed(places: readonly Place[]): Promise<readonly Offset[]> {
    const found = await this.ask((link) => committedOffsets(link, this.self(), places));
    if (typeof found !== "number") return found;
    this.failed(found);
    throw new LinkError(`group ${this.group}: ${nameOf(found)}`);
  }

  /**
   * Commits what it can; gives what is still to be committed.
   * @throws LinkError where it is not known what came of it
   */
  async commit(commits: readonly Commit[]): Promise<readonly Commit[]> {
    const answers = await this.ask((link) => commitOffsets(link, this.self(), commits));
    const left: Commit[] = [];
    for (const { topic, partition, errorCode } of answers) {
      if (errorCode === Code.none) continue;
      this.failed(errorCode);
      const commit = commits.find((one) => one.topic === topic && one.partition === partition);
      if (commit !== undefined && this.epoch !== JOINING) left.push(commit);
    }
    return left;
  }

  private self() {
    const { group, member, epoch } = this;
    return { group, member, epoch };
  }

  /** One heartbeat; gives when the next is due, ms. */
  private async beatOnce(): Promise<number> {
    const owned = this.toTell ?? null;
    try {
      const beaten = await this.ask((link) => this.sendBeat(link, this.epoch, owned));
      if (beaten.errorCode !== Code.none) {
        this.failed(beaten.errorCode, beaten.errorMessage);
        return PAUSE_MS;
      }
      this.well();
      this.epoch = beaten.epoch;
      if (this.toTell === owned) this.toTell = undefined;
      if (beaten.assigned !== undefined) this.reconcile(beaten.assigned);
      return this.toTell === undefined ? Math.min(beaten.intervalMs, 3_000) : PAUSE_MS;
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      this.ill(error.message);
      return PAUSE_MS;
    }
  }

  private sendBeat(
    link: KafkaLink,
    epoch: number,
    owned: ReadonlyMap<string, readonly number[]> | null,
  ): Promise<Beaten> {
    const { group, member, topics } = this;
    return beat(link, { group, member, epoch, topics, owned });
  }

  /** Heartbeats go on while what was read of partitions that are to go is finished. */
  private reconcile(assigned: ReadonlyMap<string, readonly number[]>): void {
    const names = new Map([...(this.metadata?.topics.values() ?? [])].map((t) => [t.id, t.name]));
    const places: Place[] = [];
    for (const [id, partitions] of assigned) {
      const topic = names.get(id);
      if (topic === undefined) {
        this.unresolved = assigned;
        return;
      }
      for (const partition of partitions) places.push({ topic, partition });
    }
    this.unresolved = undefined;
    const { joins } = this;
    void this.reader.own(places).then(() => {
      if (this.joins === joins) this.toTell = assigned;
    });
  }

  /** With a connection to the coordinator. */
  private async ask<T>(work: (link: KafkaLink) => Promise<T>): Promise<T> {
    this.coordinator ??= await this.find();
    try {
      return await work(await this.cluster.link(this.coordinator, "group", GROUP_MS));
    } catch (error) {
      this.coordinator = undefined;
      throw error;
    }
  }

  private async find(): Promise<string> {
    const found = await this.cluster.any((link) => findCoordinator(link, this.group));
    if (typeof found === "string") return found;
    throw new LinkError(wordsOf(found));
  }

  private failed(errorCode: number, message?: string | null): void {
    switch (errorCode) {
      case Code.unknownMember:
      case Code.fencedMemberEpoch:
        this.log("warn", "the group went on without this member; joining again", {
          group: this.group,
        });
        this.epoch = JOINING;
        this.joins += 1;
        this.unresolved = undefined;
        this.toTell = new Map();
        this.reader.fenced();
        return;
      case Code.notCoordinator:
      case Code.coordinatorNotAvailable:
        this.coordinator = undefined;
        return;
      // The next heartbeat tells the epoch.
      case Code.staleMemberEpoch:
        return;
      default:
        if (verdictOf(errorCode) !== "passing") this.ill(wordsOf(errorCode, message));
    }
  }

  private well(): void {
    this.problem = undefined;
  }

  private ill(problem: string): void {
    const words = `group ${this.group}: ${problem}`;
    if (this.problem === undefined && !this.signal.aborted) this.log("warn", words);
    this.problem = words;
  }
}
