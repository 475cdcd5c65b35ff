import { setTimeout as sleep } from "node:timers/promises";
import { KafkaError } from "../../provider/admin/port";
import type {
  Bounds,
  Fetched,
  NewRecord,
  PartitionPlace,
  ProducerId,
  StoredRecord,
  TopicClient,
} from "../../scripts/lib/records/port";

/** What is asked of a topic, with the partitions that it is about. */
export interface Asked {
  readonly call: "places" | "producer" | "append" | "bounds" | "fetch";
  readonly partitions: readonly number[];
}

const MAX_WAIT_MS = 5;

/** A topic in memory that keeps Kafka's rules: one leader a partition, and each batch of a producer once. */
export class FakeTopic implements TopicClient {
  readonly topic = "red";
  readonly logs: StoredRecord[][];
  /** Offsets below are deleted. */
  readonly starts: bigint[];
  leaders: (string | undefined)[];
  readonly asked: Asked[] = [];
  /** Fails a call; with `after` it is carried out first, and only its answer is lost. */
  fault: (asked: Asked) => Error | { after: Error } | undefined = () => undefined;
  /** Records of one partition in an answer. */
  answerSize = 3;
  /** How many partitions an answer has room for. */
  room = Infinity;
  private readonly batches = new Map<string, { sequence: number; offset: bigint; size: number }>();
  private producers = 0n;
  private known: readonly PartitionPlace[] | undefined;

  constructor(partitions = 1, leaders?: readonly string[]) {
    this.logs = Array.from({ length: partitions }, () => []);
    this.starts = this.logs.map(() => 0n);
    this.leaders = this.logs.map((_, i) => leaders?.[i] ?? "one:9092");
  }

  /** Puts values into a partition, past `append`. */
  put(partition: number, ...values: readonly string[]): void {
    for (const value of values) this.store(partition, { key: null, value: Buffer.from(value) });
  }

  values(partition: number): string[] {
    return this.logs[partition]!.map(({ value }) => value?.toString() ?? "null");
  }

  async places(fresh = false): Promise<readonly PartitionPlace[]> {
    if (this.known !== undefined && !fresh) return this.known;
    this.known = await this.answer({ call: "places", partitions: [] }, () =>
      this.leaders.map((leader, partition) => ({ partition, leader, replicas: 3, inSync: 1 })),
    );
    return this.known;
  }

  newProducer(): Promise<ProducerId> {
    return this.answer({ call: "producer", partitions: [] }, () => ({
      id: (this.producers += 1n),
      epoch: 0,
    }));
  }

  append(
    { partition }: PartitionPlace,
    records: readonly NewRecord[],
    producer: ProducerId,
    sequence: number,
  ): Promise<bigint> {
    return this.answer({ call: "append", partitions: [partition] }, () => {
      const key = `${producer.id}-${partition}`;
      const last = this.batches.get(key);
      if (last?.sequence === sequence && last.size === records.length) return last.offset;
      const expected = last === undefined ? 0 : last.sequence + last.size;
      if (sequence !== expected) {
        throw new KafkaError("refused", `${sequence}`, "OUT_OF_ORDER_SEQUENCE_NUMBER");
      }
      const offset = this.end(partition);
      for (const record of records) this.store(partition, record);
      this.batches.set(key, { sequence, offset, size: records.length });
      return offset;
    });
  }

  bounds(leader: string, partitions: readonly number[]): Promise<ReadonlyMap<number, Bounds>> {
    return this.answer({ call: "bounds", partitions }, () => {
      this.assertLeads(leader, partitions);
      return new Map(
        partitions.map((each) => [each, { start: this.starts[each]!, end: this.end(each) }]),
      );
    });
  }

  async fetch(
    leader: string,
    positions: ReadonlyMap<number, bigint>,
    maxWaitMs: number,
  ): Promise<readonly Fetched[]> {
    const partitions = [...positions.keys()];
    const found = await this.answer({ call: "fetch", partitions }, () => {
      this.assertLeads(leader, partitions);
      let { room } = this;
      return [...positions].map(([partition, position]) => {
        const fetched = this.fetched(partition, position);
        if (fetched.records.length === 0 || room-- > 0) return fetched;
        return { ...fetched, records: [], next: position };
      });
    });
    const isEmpty = found.every(({ records, outOfRange }) => records.length === 0 && !outOfRange);
    if (isEmpty) await sleep(Math.min(maxWaitMs, MAX_WAIT_MS));
    return found;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private fetched(partition: number, position: bigint): Fetched {
    const outOfRange = position < this.starts[partition]! || position > this.end(partition);
    const from = Number(position);
    const records = outOfRange ? [] : this.logs[partition]!.slice(from, from + this.answerSize);
    return { partition, records, next: position + BigInt(records.length), outOfRange };
  }

  private end(partition: number): bigint {
    return BigInt(this.logs[partition]!.length);
  }

  private store(partition: number, { key, value }: NewRecord): void {
    const offset = this.end(partition);
    this.logs[partition]!.push({ partition, offset, timestampMs: 0n, key, value, headers: [] });
  }

  private assertLeads(leader: string, partitions: readonly number[]): void {
    const wrong = partitions.find((partition) => this.leaders[partition] !== leader);
    if (wrong === undefined) return;
    throw new KafkaError("refused", `${leader} leads not ${wrong}`, "NOT_LEADER_OR_FOLLOWER");
  }

  private async answer<T>(asked: Asked, work: () => T): Promise<T> {
    this.asked.push(asked);
    await Promise.resolve();
    const fault = this.fault(asked);
    if (fault instanceof Error) throw fault;
    const done = work();
    if (fault !== undefined) throw fault.after;
    return done;
  }
}
