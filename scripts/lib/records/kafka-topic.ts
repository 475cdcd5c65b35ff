import { Connection } from "../../../provider/admin/connection";
import { KafkaLink, LinkError } from "../../../provider/admin/kafka-link";
import { listOffsets } from "../../../provider/admin/records";
import { BRISK, KafkaError, type Sasl } from "../../../provider/admin/port";
import { UserError } from "../errors";
import {
  noLeader,
  type Bounds,
  type Fetched,
  type NewRecord,
  type PartitionPlace,
  type ProducerId,
  type TopicClient,
} from "./port";
import { appendBatch, describePlaces, fetchRecords, numberProducer } from "./requests";

/** How long a leader may wait for the replicas before it answers that they were too slow. */
const REPLICAS_MS = 5_000;

/** One request: what its server may wait for, and some more. */
const LINK = { connectTimeoutMs: 2_000, requestTimeoutMs: REPLICAS_MS + 3_000 };

/** The port on low-level requests: a consumer of the library's joins a group, and a producer retries unseen. */
export class KafkaTopic implements TopicClient {
  private readonly connection: Connection;
  private readonly links = new Set<KafkaLink>();
  private readonly idle = new Map<string, KafkaLink[]>();
  private known: readonly PartitionPlace[] | undefined;
  private topicId = "";
  private closed = false;

  /**
   * @param servers the brokers' client listeners, `host:port`, by node id
   * @param sasl how to log in. Default: no login
   */
  constructor(
    private readonly servers: ReadonlyMap<number, string>,
    readonly topic: string,
    private readonly sasl?: Sasl,
  ) {
    this.connection = new Connection([...servers.values()], { ...BRISK, sasl });
  }

  async places(fresh = false): Promise<readonly PartitionPlace[]> {
    if (this.known !== undefined && !fresh) return this.known;
    const live = await this.connection.read(`describe topic ${this.topic}`, (link) =>
      describePlaces(link, this.topic),
    );
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
    const servers = [...this.servers.values()];
    try {
      return await Promise.any(servers.map((server) => this.withLink(server, numberProducer)));
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
    const numbered = { producer, sequence };
    const append = { topic, partition, records, replicasMs: REPLICAS_MS, numbered };
    return this.withLink(leader, (link) => appendBatch(link, append));
  }

  async bounds(
    leader: string,
    partitions: readonly number[],
  ): Promise<ReadonlyMap<number, Bounds>> {
    const ask = (end: "earliest" | "latest") =>
      this.withLink(leader, (link) => listOffsets(link, this.topic, partitions, end));
    const [starts, ends] = await Promise.all([ask("earliest"), ask("latest")]);
    return new Map(
      partitions.map((partition) => [
        partition,
        { start: starts.get(partition) ?? 0n, end: ends.get(partition) ?? 0n },
      ]),
    );
  }

  fetch(
    leader: string,
    positions: ReadonlyMap<number, bigint>,
    maxWaitMs: number,
  ): Promise<readonly Fetched[]> {
    const { topic, topicId } = this;
    return this.withLink(leader, (link) =>
      fetchRecords(link, { topic, topicId }, positions, maxWaitMs),
    );
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.links].map((link) => link.close()));
    await this.connection.close();
  }

  private serverOf(id: number): string | undefined {
    if (id < 0) return undefined;
    const server = this.servers.get(id);
    if (server !== undefined) return server;
    throw new UserError(
      `${this.topic}: node ${id} leads a partition, and the lab's configuration has no such broker. See that it describes this cluster.`,
    );
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
      const link = await KafkaLink.dial(server, { ...LINK, sasl: this.sasl });
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
