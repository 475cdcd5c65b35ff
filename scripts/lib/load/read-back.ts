import { setTimeout as sleep } from "node:timers/promises";
import { DeadlineError, withDeadline } from "../../../payloads/lib/deadline";
import { abortable } from "../../../provider/wait";
import type { Log } from "../../../toolchain/log";
import { UserError } from "../errors";
import { consumeTopic } from "../records/consume";
import {
  mayPass,
  noLeader,
  type Bounds,
  type StoredRecord,
  type TopicClient,
} from "../records/port";

/** How long the topic's ends are asked for while partitions have no leader. */
const ENDS_MS = 30_000;
const PAUSE_MS = 300;

/**
 * Reads a topic from its ends on, as they were before the first message, without joining a consumer group. It
 * knows where it is in each partition, so that it can tell what it has passed over or not read.
 */
export class ReadBack {
  private readonly stop = new AbortController();
  private readonly ended: Promise<void>;
  private failure: Error | undefined;
  private passedOver = 0n;
  private take: (record: StoredRecord) => void = () => undefined;

  private constructor(
    private readonly topic: TopicClient,
    /** The next offset of each partition. */
    private readonly positions: Map<number, bigint>,
    log: Log,
    begun: () => void,
  ) {
    this.ended = consumeTopic(topic, {
      from: new Map(positions),
      follow: true,
      signal: this.stop.signal,
      onRecord: (record) => this.deliver(record),
      onBegun: begun,
      log,
    }).then(
      () => undefined,
      (error: Error) => {
        this.failure = error;
        begun();
      },
    );
  }

  /**
   * Resolves once every partition's end is known and reading has begun there.
   * @param limitMs how long that may take once the ends are known. Default 30 s
   * @throws UserError where it takes longer
   */
  static async begin(
    topic: TopicClient,
    log: Log,
    signal: AbortSignal,
    limitMs = ENDS_MS,
  ): Promise<ReadBack> {
    const ends = await boundsOf(topic, signal);
    const positions = new Map([...ends].map(([partition, { end }]) => [partition, end]));
    let begin = (): void => undefined;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const reader = new ReadBack(topic, positions, log, begin);
    try {
      await withDeadline(limitMs, signal, (over) => abortable(begun, over));
      reader.assertAlive();
      return reader;
    } catch (error) {
      await reader.close();
      if (!(error instanceof DeadlineError)) throw error;
      throw new UserError(
        `${topic.topic}: no reading has begun within ${limitMs / 1000} s, though its partitions have leaders. See how the lab is (\`npm run status\`), and try again.`,
      );
    }
  }

  /** From now on records are handed to this. */
  handTo(take: (record: StoredRecord) => void): void {
    this.take = take;
  }

  /** Records that were in the topic and were passed over: retention or compaction was faster. */
  get gaps(): number {
    return Number(this.passedOver);
  }

  /** How many records lie behind the last ones that were read. */
  async unread(signal: AbortSignal): Promise<number> {
    const ends = await boundsOf(this.topic, signal);
    let count = 0n;
    for (const [partition, { end }] of ends) {
      const position = this.positions.get(partition) ?? end;
      if (end > position) count += end - position;
    }
    return Number(count);
  }

  /** @throws what ended the reading, if anything has */
  assertAlive(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  async close(): Promise<void> {
    this.stop.abort(new Error("closed"));
    await this.ended;
  }

  private deliver(record: StoredRecord): Promise<void> {
    const expected = this.positions.get(record.partition) ?? record.offset;
    if (record.offset > expected) this.passedOver += record.offset - expected;
    this.positions.set(record.partition, record.offset + 1n);
    this.take(record);
    return DONE;
  }
}

const DONE = Promise.resolve();

/** Where each partition begins and ends, from its leader. Waits for leaders, with a deadline. */
async function boundsOf(topic: TopicClient, signal: AbortSignal): Promise<Map<number, Bounds>> {
  const deadline = performance.now() + ENDS_MS;
  for (let fresh = false; ; fresh = true) {
    try {
      const leaders = new Map<string, number[]>();
      for (const { partition, leader } of await topic.places(fresh)) {
        if (leader === undefined) throw noLeader(topic.topic, [partition]);
        leaders.set(leader, [...(leaders.get(leader) ?? []), partition]);
      }
      const found = await Promise.all(
        [...leaders].map(([leader, partitions]) => topic.bounds(leader, partitions)),
      );
      return new Map(found.flatMap((bounds) => [...bounds]));
    } catch (error) {
      if (signal.aborted || !mayPass(error) || performance.now() > deadline) throw error;
      await sleep(PAUSE_MS, undefined, { signal });
    }
  }
}
