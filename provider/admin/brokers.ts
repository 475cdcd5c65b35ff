/** How a cluster is reached: whichever of its servers answers, and each broker by its id. */
import { Connection, type Work } from "./connection";
import { assertOk, type KafkaLink } from "./kafka-link";
import { type AdminOptions, KafkaError } from "./port";
import { askMetadata, type Metadata, type TopicMetadata } from "./requests/metadata";

/** A request that brokers with ZooKeeper do not know. */
const DESCRIBE_QUORUM = 55;

export const hasZooKeeper = async (link: KafkaLink): Promise<boolean> =>
  !(await link.knows(DESCRIBE_QUORUM, 0));

export class Brokers {
  /** To whichever bootstrap server answered. */
  readonly any: Connection;
  /** To brokers of their own, by `host:port`. */
  private readonly own = new Map<string, Connection>();

  constructor(
    bootstrapServers: readonly string[],
    readonly options: AdminOptions,
  ) {
    this.any = new Connection(bootstrapServers, options);
  }

  /** Brokers that are up, and topics: all where they are null. */
  metadata(doing: string, topics: readonly string[] | null): Promise<Metadata> {
    return this.any.read(doing, (link) => askMetadata(link, topics));
  }

  /** One topic, and who is up. */
  async topic(
    doing: string,
    name: string,
  ): Promise<{ readonly topic: TopicMetadata; readonly brokers: Metadata["brokers"] }> {
    return this.any.read(doing, async (link) => {
      const { topics, brokers } = await askMetadata(link, [name]);
      const [topic] = topics;
      if (topic === undefined) {
        throw new KafkaError("refused", `${link.server} gave an empty answer to ${doing}`);
      }
      await assertOk(doing, link.server, topic.errorCode, null);
      return { topic, brokers };
    });
  }

  /**
   * Sends a change of topics or users. Any broker passes it on to the controllers, but with ZooKeeper one of the
   * brokers is the controller and has to be asked itself.
   */
  async change<T>(doing: string, work: Work<T>): Promise<T> {
    const found = await this.any.read(doing, async (link) =>
      (await hasZooKeeper(link)) ? askMetadata(link, []) : undefined,
    );
    if (found === undefined) return this.any.write(doing, work);
    if (found.brokers.has(found.controllerId)) {
      return this.at(doing, found.controllerId, found.brokers).write(doing, work);
    }
    throw new KafkaError(
      "unreachable",
      `no broker is the controller, which alone can ${doing}. See that ZooKeeper and the brokers run.`,
      "NOT_CONTROLLER",
    );
  }

  /** The connection to one broker, at the address that the others tell of it. */
  at(doing: string, id: number, brokers: Metadata["brokers"]): Connection {
    const server = brokers.get(id);
    if (server === undefined) {
      const up = [...brokers.keys()].sort((a, b) => a - b).join(", ");
      throw new KafkaError(
        "unreachable",
        `cannot ask broker ${id} to ${doing}: the brokers that are up are ${up}. ` +
          `Start broker ${id}, if there is one.`,
        "BROKER_NOT_AVAILABLE",
      );
    }
    let connection = this.own.get(server);
    if (connection === undefined) {
      connection = new Connection([server], this.options);
      this.own.set(server, connection);
    }
    return connection;
  }

  async close(): Promise<void> {
    await Promise.all([this.any, ...this.own.values()].map((connection) => connection.close()));
    this.own.clear();
  }
}
