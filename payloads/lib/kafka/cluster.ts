import { setTimeout as sleep } from "node:timers/promises";
import { metadataV12 } from "@platformatic/kafka";
import type { KafkaAccess } from "../../../model";
import type { Log } from "../log";
import { KafkaLink, LinkError } from "./link";

export interface Partition {
  readonly partition: number;
  /** `host:port`; undefined while nobody leads it. */
  readonly leader: string | undefined;
}

export interface Topic {
  readonly name: string;
  /** In the client library's notation. */
  readonly id: string;
  /** Kafka's; with one there are no partitions. */
  readonly errorCode: number;
  /** By number. */
  readonly partitions: readonly Partition[];
}

export interface Metadata {
  /** `host:port` by node id, of brokers that are up. */
  readonly brokers: ReadonlyMap<number, string>;
  readonly topics: ReadonlyMap<string, Topic>;
}

/** A broker that has not told its metadata within that time is no help, ms. */
const METADATA_MS = 3_000;
/** After that the next broker is asked as well, ms. */
const STAGGER_MS = 250;

/** The brokers of a cluster, and connections to them. Each caller has its own, since brokers answer in turn. */
export class Cluster {
  private readonly links = new Map<string, Promise<KafkaLink>>();
  private servers: readonly string[];
  private turn = Math.floor(Math.random() * 1024);
  private problem: string | undefined = "no broker has answered yet";
  private isTold = false;
  private closed = false;

  constructor(
    private readonly access: KafkaAccess,
    private readonly log: Log,
  ) {
    this.servers = access.bootstrapServers;
  }

  /** Undefined while a broker answers, else what they say or do not say. */
  trouble(): string | undefined {
    return this.problem;
  }

  /**
   * Asks one broker after the other, another one first each time: one that is cut off from the others answers
   * as well, and tells what was.
   * @throws LinkError where none answers
   */
  async metadata(topics: readonly string[]): Promise<Metadata> {
    try {
      const metadata = await this.firstOf(this.order(), (server) =>
        this.askMetadata(server, topics),
      );
      this.servers = [...metadata.brokers.values()];
      this.well();
      return metadata;
    } catch (error) {
      const problem = `no broker answers: ${reasonsOf(error)}`;
      this.ill(problem);
      throw new LinkError(problem);
    }
  }

  /** Asks whichever broker answers first. */
  async any<T>(ask: (link: KafkaLink) => Promise<T>): Promise<T> {
    try {
      return await this.firstOf(this.order(), async (server) =>
        ask(await this.link(server, "metadata", METADATA_MS)),
      );
    } catch (error) {
      throw new LinkError(reasonsOf(error));
    }
  }

  /**
   * A connection for one use, kept for the next one.
   * @param purpose connections to one broker for different purposes are different ones
   */
  async link(server: string, purpose: string, requestMs: number): Promise<KafkaLink> {
    const key = `${purpose} ${server}`;
    const known = this.links.get(key);
    const link = await known?.catch(() => undefined);
    if (link?.alive === true) return link;
    if (this.closed) throw new LinkError("closed");
    // Whoever comes first dials; the others share the outcome.
    if (this.links.get(key) === known) {
      this.links.set(key, KafkaLink.dial(server, this.access.sasl, requestMs));
    }
    const dialled = await this.links.get(key)!;
    if (this.closed) dialled.abort();
    return dialled;
  }

  /** Ends what a broker is asked on such a connection, if there is one. */
  drop(server: string, purpose: string): void {
    const key = `${purpose} ${server}`;
    void this.links.get(key)?.then(
      (link) => link.abort(),
      () => {},
    );
    this.links.delete(key);
  }

  /**
   * At once: what is under way fails now, and nobody waits for a broker that does not answer. Whoever closes
   * has waited for the answers that count.
   */
  close(): void {
    this.closed = true;
    for (const link of this.links.values()) {
      void link.then(
        (one) => one.abort(),
        () => {},
      );
    }
  }

  /** All brokers that are known, each time another one first. */
  private order(): string[] {
    const all = [...new Set([...this.servers, ...this.access.bootstrapServers])];
    const first = this.turn++ % all.length;
    return [...all.slice(first), ...all.slice(0, first)];
  }

  private async askMetadata(server: string, topics: readonly string[]): Promise<Metadata> {
    const link = await this.link(server, "metadata", METADATA_MS);
    const answer = await link.ask(metadataV12.api, [...topics], false, false);
    const brokers = new Map(
      answer.brokers.map(({ nodeId, host, port }) => [nodeId, `${host}:${port}`]),
    );
    const found = answer.topics.map(({ name, topicId, errorCode, partitions }): Topic => ({
      name: name ?? "",
      id: topicId,
      errorCode,
      partitions: partitions
        .map(({ partitionIndex, leaderId }) => ({
          partition: partitionIndex,
          leader: brokers.get(leaderId),
        }))
        .sort((a, b) => a.partition - b.partition),
    }));
    return { brokers, topics: new Map(found.map((topic) => [topic.name, topic])) };
  }

  /** The first answer; the next server is asked once the one before has failed or is slow. */
  private async firstOf<T>(
    servers: readonly string[],
    ask: (server: string) => Promise<T>,
  ): Promise<T> {
    const over = new AbortController();
    let turn: Promise<unknown> = Promise.resolve();
    const asked = servers.map((server) => {
      const asking = turn.then(() => {
        if (over.signal.aborted) throw new LinkError(`${server}: not needed`);
        return ask(server);
      });
      const failed = new Promise<void>((resolve) => {
        asking.catch(() => resolve());
      });
      turn = Promise.race([failed, slow(over.signal)]);
      return asking;
    });
    return Promise.any(asked).finally(() => over.abort());
  }

  private well(): void {
    if (this.isTold && !this.closed) this.log("info", "brokers answer again");
    this.isTold = false;
    this.problem = undefined;
  }

  private ill(problem: string): void {
    if (!this.isTold && !this.closed) this.log("warn", problem);
    this.isTold = true;
    this.problem = problem;
  }
}

const slow = (signal: AbortSignal): Promise<void> =>
  sleep(STAGGER_MS, undefined, { signal }).catch(() => {});

function reasonsOf(error: unknown): string {
  const errors: unknown[] = error instanceof AggregateError ? error.errors : [error];
  const reasons = errors.map((one) => (one instanceof Error ? one.message : String(one)));
  return [...new Set(reasons)].join("; ");
}
