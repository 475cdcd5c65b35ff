import { assertOk, KafkaLink, LinkError, loadClient } from "../../../provider/admin/kafka-link";
import { PlatformaticAdmin } from "../../../provider/admin/platformatic";
import { BRISK, KafkaError, type KafkaAdmin } from "../../../provider/admin/port";
import { UserError } from "../errors";
import {
  noLeader,
  type Bounds,
  type Fetched,
  type NewRecord,
  type PartitionPlace,
  type ProducerId,
  type StoredRecord,
  type TopicClient,
} from "./port";

/** How long a leader may wait for the replicas before it answers that they were too slow. */
const REPLICAS_MS = 5_000;

/** One request: what its server may wait for, and some more. */
const LINK = { connectTimeoutMs: 2_000, requestTimeoutMs: REPLICAS_MS + 3_000 };

/** Kafka's own numbers. */
const ALL_IN_SYNC = -1;
const NO_PRODUCER = -1n;
const CONSUMER = -1;
const READ_UNCOMMITTED = 0;
const UNKNOWN_EPOCH = -1;
const NO_SESSION = { id: 0, epoch: -1 } as const;
const EARLIEST = -2n;
const LATEST = -1n;
const OFFSET_OUT_OF_RANGE = 1;
/** Bits of a batch: its time is the broker's; it holds a transaction's end and no record of a user. */
const LOG_APPEND_TIME = 1 << 3;
const CONTROL = 1 << 5;

/** What one answer may hold, bytes. A larger record comes alone. */
const PARTITION_BYTES = 1 << 20;
const ANSWER_BYTES = 1 << 24;

/** The port on low-level requests: a consumer of the library's joins a group, and a producer retries unseen. */
export class KafkaTopic implements TopicClient {
  private readonly admin: KafkaAdmin;
  private readonly links = new Set<KafkaLink>();
  private readonly idle = new Map<string, KafkaLink[]>();
  private known: readonly PartitionPlace[] | undefined;
  private topicId = "";
  private closed = false;

  /** @param servers the brokers' client listeners, `host:port`, by node id */
  constructor(
    private readonly servers: ReadonlyMap<number, string>,
    readonly topic: string,
  ) {
    this.admin = new PlatformaticAdmin([...servers.values()], BRISK);
  }

  async places(fresh = false): Promise<readonly PartitionPlace[]> {
    if (this.known !== undefined && !fresh) return this.known;
    const live = await this.admin.describeTopic(this.topic);
    if (live === undefined) {
      throw new UserError(`${this.topic}: the cluster has no such topic (any more).`);
    }
    this.topicId = Buffer.from(live.topicId, "base64url").toString("hex");
    this.known = live.partitions.map(({ partition, leader, replicas, isr }) => ({
      partition,
      leader: this.serverOf(leader),
      replicas: replicas.length,
      inSync: isr.length,
    }));
    return this.known;
  }

  async newProducer(): Promise<ProducerId> {
    const { initProducerIdV5 } = await loadClient();
    const servers = [...this.servers.values()];
    const ask = (server: string): Promise<ProducerId> =>
      this.withLink(server, async (link) => {
        const given = await link.ask(initProducerIdV5.api, null, 0, NO_PRODUCER, UNKNOWN_EPOCH);
        await assertOk("number a producer", server, given.errorCode, null);
        return { id: given.producerId, epoch: given.producerEpoch };
      });
    try {
      return await Promise.any(servers.map(ask));
    } catch (error) {
      // Of several reasons one that a broker gave tells more than a silence.
      const errors = (error as AggregateError).errors as KafkaError[];
      throw errors.find(({ kind }) => kind === "refused") ?? errors[0] ?? error;
    }
  }

  async append(
    { leader, partition }: PartitionPlace,
    records: readonly NewRecord[],
    producer: ProducerId,
    sequence: number,
  ): Promise<bigint> {
    const { topic } = this;
    if (leader === undefined) throw noLeader(topic, [partition]);
    const { produceV11, NumericMap } = await loadClient();
    const batch = records.map(({ key, value }) => ({
      topic,
      partition,
      value,
      ...(key === null ? {} : { key }),
    }));
    const options = {
      producerId: producer.id,
      producerEpoch: producer.epoch,
      sequences: new NumericMap([[`${topic}:${partition}`, sequence]]),
    };
    return this.withLink(leader, async (link) => {
      const answer = await link.ask(produceV11.api, ALL_IN_SYNC, REPLICAS_MS, batch, options);
      const found =
        typeof answer === "boolean" ? undefined : answer.responses[0]?.partitionResponses[0];
      if (found === undefined) throw new LinkError(`${link.server} gave no answer to a write`);
      const doing = `write to ${topic}, partition ${partition}`;
      await assertOk(doing, link.server, found.errorCode, found.errorMessage);
      return found.baseOffset;
    });
  }

  async bounds(
    leader: string,
    partitions: readonly number[],
  ): Promise<ReadonlyMap<number, Bounds>> {
    const [starts, ends] = await Promise.all([
      this.offsets(leader, partitions, EARLIEST),
      this.offsets(leader, partitions, LATEST),
    ]);
    return new Map(
      partitions.map((partition) => [
        partition,
        { start: starts.get(partition) ?? 0n, end: ends.get(partition) ?? 0n },
      ]),
    );
  }

  async fetch(
    leader: string,
    positions: ReadonlyMap<number, bigint>,
    maxWaitMs: number,
  ): Promise<readonly Fetched[]> {
    const { fetchV17 } = await loadClient();
    const partitions = [...positions].map(([partition, fetchOffset]) => ({
      partition,
      fetchOffset,
      currentLeaderEpoch: UNKNOWN_EPOCH,
      lastFetchedEpoch: UNKNOWN_EPOCH,
      partitionMaxBytes: PARTITION_BYTES,
    }));
    return this.withLink(leader, async (link) => {
      const answer = await link.ask(
        fetchV17.api,
        maxWaitMs,
        1,
        ANSWER_BYTES,
        READ_UNCOMMITTED,
        NO_SESSION.id,
        NO_SESSION.epoch,
        [{ topicId: this.topicId, partitions }],
        [],
        "",
      );
      const doing = `read ${this.topic}`;
      await assertOk(doing, leader, answer.errorCode, null);
      const found = answer.responses.flatMap((response) => response.partitions);
      return Promise.all(
        found.map(async ({ partitionIndex: partition, errorCode, records = [] }) => {
          const position = positions.get(partition) ?? 0n;
          const outOfRange = errorCode === OFFSET_OUT_OF_RANGE;
          if (!outOfRange) {
            await assertOk(`${doing}, partition ${partition}`, leader, errorCode, null);
          }
          return { partition, ...unpack(partition, position, records), outOfRange };
        }),
      );
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.links].map((link) => link.close()));
    await this.admin.close();
  }

  private serverOf(id: number): string | undefined {
    if (id < 0) return undefined;
    const server = this.servers.get(id);
    if (server !== undefined) return server;
    throw new UserError(
      `${this.topic}: node ${id} leads a partition, and the lab's configuration has no such broker. See that it describes this cluster.`,
    );
  }

  private async offsets(
    leader: string,
    partitions: readonly number[],
    timestamp: bigint,
  ): Promise<Map<number, bigint>> {
    const { listOffsetsV9 } = await loadClient();
    const wanted = partitions.map((partitionIndex) => ({
      partitionIndex,
      currentLeaderEpoch: UNKNOWN_EPOCH,
      timestamp,
    }));
    return this.withLink(leader, async (link) => {
      const request = [{ name: this.topic, partitions: wanted }];
      const answer = await link.ask(listOffsetsV9.api, CONSUMER, READ_UNCOMMITTED, request);
      const found = answer.topics.flatMap((topic) => topic.partitions);
      for (const { partitionIndex, errorCode } of found) {
        const doing = `tell the offsets of ${this.topic}, partition ${partitionIndex}`;
        await assertOk(doing, leader, errorCode, null);
      }
      return new Map(found.map(({ partitionIndex, offset }) => [partitionIndex, offset]));
    });
  }

  /** Lends a connection for one request: a broker answers those of one connection in turn. */
  private async withLink<T>(server: string, work: (link: KafkaLink) => Promise<T>): Promise<T> {
    const link = this.idleLink(server) ?? (await this.dial(server));
    try {
      return await work(link);
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      // Kafka's own name for a request that got no answer: it may have been carried out.
      throw new KafkaError("unreachable", error.message, "NETWORK_EXCEPTION");
    } finally {
      if (link.alive) this.idle.set(server, [...(this.idle.get(server) ?? []), link]);
      else this.links.delete(link);
    }
  }

  private async dial(server: string): Promise<KafkaLink> {
    try {
      const link = await KafkaLink.dial(server, LINK);
      this.links.add(link);
      if (!this.closed) return link;
      // A dial that nobody waits for any more must not keep the process.
      await link.close();
      throw new LinkError(`${server}: the connection is not needed any more`);
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      throw new KafkaError("unreachable", error.message);
    }
  }

  private idleLink(server: string): KafkaLink | undefined {
    const links = this.idle.get(server) ?? [];
    for (let link = links.pop(); link !== undefined; link = links.pop()) {
      if (link.alive) return link;
      this.links.delete(link);
    }
    return undefined;
  }
}

/** A batch as the client gives it. */
interface Batch {
  readonly firstOffset: bigint;
  readonly lastOffsetDelta: number;
  readonly firstTimestamp: bigint;
  readonly maxTimestamp: bigint;
  readonly attributes: number;
  readonly records: readonly {
    readonly offsetDelta: number;
    readonly timestampDelta: bigint;
    readonly key: Buffer | null;
    readonly value: Buffer | null;
    readonly headers: readonly (readonly [Buffer | null, Buffer | null])[];
  }[];
}

/** The records from a position on: a broker answers with whole batches, which may begin before it. */
function unpack(
  partition: number,
  position: bigint,
  batches: readonly Batch[],
): Pick<Fetched, "records" | "next"> {
  const records: StoredRecord[] = [];
  let next = position;
  for (const batch of batches) {
    const { firstOffset, firstTimestamp, maxTimestamp } = batch;
    const isBrokers = (batch.attributes & LOG_APPEND_TIME) !== 0;
    const users = (batch.attributes & CONTROL) === 0 ? batch.records : [];
    for (const { offsetDelta, timestampDelta, key, value, headers } of users) {
      const offset = firstOffset + BigInt(offsetDelta);
      if (offset < position) continue;
      const timestampMs = isBrokers ? maxTimestamp : firstTimestamp + timestampDelta;
      records.push({ partition, offset, timestampMs, key, value, headers });
    }
    next = firstOffset + BigInt(batch.lastOffsetDelta) + 1n;
  }
  return { records, next: next > position ? next : position };
}
