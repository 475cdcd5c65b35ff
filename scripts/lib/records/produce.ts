import { setTimeout as sleep } from "node:timers/promises";
import { KafkaError } from "../../../provider/admin/port";
import type { Log } from "../../../toolchain/log";
import { reasonOf } from "../errors";
import type { Line } from "./lines";
import { partitionOfKey } from "./partitioner";
import { mayPass, type PartitionPlace, type ProducerId, type TopicClient } from "./port";

/** A line that all in-sync replicas of its partition have. */
export interface Acknowledged {
  readonly line: number;
  readonly partition: number;
  readonly offset: bigint;
}

/** Lines of one partition that were not acknowledged. */
export interface Failed {
  readonly partition: number;
  readonly lines: readonly number[];
  readonly error: Error;
  /** The connection broke while a broker had them: they may have been written all the same. */
  readonly inDoubt: boolean;
  /** The partition as it was last seen. */
  readonly place: PartitionPlace | undefined;
}

export interface Sent {
  /** By line. */
  readonly acknowledged: readonly Acknowledged[];
  readonly failed: readonly Failed[];
}

export interface ProduceOptions {
  /** All lines go there; undefined: by key, and in turn where there is none. */
  readonly partition?: number | undefined;
  /** How long a line is tried. */
  readonly timeoutMs: number;
  /** Ends the trying; a request that is under way is waited for. */
  readonly signal: AbortSignal;
  /** Told of what keeps lines waiting. */
  readonly log: Log;
}

/** Between two tries. */
const PAUSE_MS = 300;

/** Kafka counts a producer's records in 31 bits. */
const SEQUENCES = 2 ** 31;

/**
 * Writes lines, each acknowledged by all in-sync replicas. Numbered as an idempotent producer's, so that a
 * batch whose answer was lost is not written twice when it is sent again. One batch of a partition is under
 * way at a time, hence the order stays.
 */
export class LineProducer {
  private readonly sequences = new Map<number, number>();
  private producer: Promise<ProducerId> | undefined;
  private turn = Math.floor(Math.random() * 1024);

  constructor(
    private readonly client: TopicClient,
    private readonly options: ProduceOptions,
  ) {}

  async send(lines: readonly Line[]): Promise<Sent> {
    const groups = await this.byPartition(lines);
    const sent = await Promise.all(
      [...groups].map(([partition, group]) => this.write(partition, group)),
    );
    return merge(sent);
  }

  private async byPartition(lines: readonly Line[]): Promise<Map<number, Line[]>> {
    const count = (await this.client.places()).length;
    const groups = new Map<number, Line[]>();
    // The lines of one batch that have no key stay together.
    this.turn += 1;
    for (const line of lines) {
      const partition =
        this.options.partition ??
        (line.key === null ? this.turn % count : await partitionOfKey(line.key, count));
      const group = groups.get(partition);
      if (group === undefined) groups.set(partition, [line]);
      else group.push(line);
    }
    return groups;
  }

  private async write(partition: number, lines: readonly Line[]): Promise<Sent> {
    const { signal, timeoutMs, log } = this.options;
    const deadline = Date.now() + timeoutMs;
    let inDoubt = false;
    let told = "";
    for (let fresh = false; ; fresh = true) {
      try {
        const place = (await this.client.places(fresh))[partition];
        if (place === undefined) throw noPartition(this.client.topic, partition);
        const first = await this.append(place, lines);
        return { acknowledged: acknowledge(lines, partition, first), failed: [] };
      } catch (error) {
        if (isTooLarge(error) && lines.length > 1) return this.writeHalves(partition, lines);
        inDoubt ||= mayBeWritten(error);
        if (!mayPass(error) || signal.aborted || Date.now() + PAUSE_MS > deadline) {
          const place = await this.lastPlace(partition);
          const numbers = lines.map(({ number }) => number);
          const failed = { partition, lines: numbers, error: asError(error), inDoubt, place };
          return { acknowledged: [], failed: [failed] };
        }
        if (error.message !== told) log(`  … trying again: ${error.message}`);
        told = error.message;
      }
      await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  private async append(place: PartitionPlace, lines: readonly Line[]): Promise<bigint> {
    const sequence = this.sequences.get(place.partition) ?? 0;
    const first = await this.client.append(place, lines, await this.number(), sequence);
    this.sequences.set(place.partition, (sequence + lines.length) % SEQUENCES);
    return first;
  }

  /** One number for all partitions: those that write first share the request. */
  private number(): Promise<ProducerId> {
    this.producer ??= this.client.newProducer().catch((error: unknown) => {
      this.producer = undefined;
      throw error;
    });
    return this.producer;
  }

  /** The topic takes smaller batches than ours: in the end each line goes alone. */
  private async writeHalves(partition: number, lines: readonly Line[]): Promise<Sent> {
    const middle = Math.ceil(lines.length / 2);
    const first = await this.write(partition, lines.slice(0, middle));
    if (first.failed.length === 0) {
      return merge([first, await this.write(partition, lines.slice(middle))]);
    }
    // Later lines must not overtake those that failed.
    const [failed] = first.failed;
    const rest = lines.slice(middle).map(({ number }) => number);
    const all = { ...failed!, lines: [...failed!.lines, ...rest] };
    return { acknowledged: first.acknowledged, failed: [all] };
  }

  /** For the report of a failure; no reason to fail once more. */
  private async lastPlace(partition: number): Promise<PartitionPlace | undefined> {
    return (await this.client.places(true).catch(() => []))[partition];
  }
}

function acknowledge(lines: readonly Line[], partition: number, first: bigint): Acknowledged[] {
  return lines.map(({ number }, i) => ({ line: number, partition, offset: first + BigInt(i) }));
}

function merge(all: readonly Sent[]): Sent {
  return {
    acknowledged: all.flatMap(({ acknowledged }) => acknowledged).sort((a, b) => a.line - b.line),
    failed: all.flatMap(({ failed }) => failed),
  };
}

function isTooLarge(error: unknown): boolean {
  return (
    error instanceof KafkaError &&
    (error.code === "MESSAGE_TOO_LARGE" || error.code === "RECORD_LIST_TOO_LARGE")
  );
}

/** Whether the leader may have written in spite of the error. */
function mayBeWritten(error: unknown): boolean {
  return error instanceof KafkaError && IN_DOUBT.has(error.code ?? "");
}

const IN_DOUBT = new Set([
  "NETWORK_EXCEPTION",
  "REQUEST_TIMED_OUT",
  "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
]);

function noPartition(topic: string, partition: number): KafkaError {
  return new KafkaError("refused", `${topic} has no partition ${partition}`);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(reasonOf(error));
}
