import { setTimeout as sleep } from "node:timers/promises";
import { assertOk, KafkaLink, LinkError, loadClient } from "../../provider/admin/kafka-link";
import { KafkaError } from "../../provider/admin/port";

/** Who leads a partition, as one server or another sees it. */
export interface Leadership {
  /** `host:port`; undefined while there is none. */
  readonly server: string | undefined;
  readonly epoch: number;
}

/** A topic as one server sees it. */
export interface TopicView {
  /** In the client's notation. */
  readonly topicId: string;
  /** By partition. */
  readonly leaders: readonly Leadership[];
  /** Every broker that is registered, `host:port`. */
  readonly brokers: readonly string[];
}

const LIMITS = { connectTimeoutMs: 1000, requestTimeoutMs: 1000 };

/** How long the others are waited for once one has answered. */
const GRACE_MS = 100;

/**
 * Finds the leaders of a topic's partitions while servers die, hang and lie: all are asked at once, and of
 * what comes in the highest epoch counts. A broker that is paused still accepts connections (the kernel
 * does), and one that was cut off takes itself for the leader; neither holds the answer up.
 */
export class Leaders {
  private readonly links = new Map<string, Promise<KafkaLink>>();
  private brokers: readonly string[] = [];
  private asking: Promise<TopicView> | undefined;

  constructor(
    private readonly bootstrap: readonly string[],
    private readonly topic: string,
  ) {}

  /** Those who ask at the same time share an answer. Rejects where no server answers. */
  look(): Promise<TopicView> {
    this.asking ??= this.askAll().finally(() => (this.asking = undefined));
    return this.asking;
  }

  async close(): Promise<void> {
    const links = [...this.links.values()];
    await Promise.allSettled(links.map(async (link) => (await link).close()));
  }

  private async askAll(): Promise<TopicView> {
    // A broker may have moved to an address that was not known at the start.
    const servers = [...new Set([...this.bootstrap, ...this.brokers])];
    const views: TopicView[] = [];
    const asked = servers.map(async (server) => views.push(await this.ask(server)));
    try {
      await Promise.any(asked);
    } catch (error) {
      const reasons = (error as AggregateError).errors.map((one: Error) => one.message);
      throw new KafkaError(
        "unreachable",
        `nobody tells who leads ${this.topic}: ${reasons.join("; ")}`,
      );
    }
    await Promise.race([Promise.allSettled(asked), sleep(GRACE_MS)]);
    const view = newest(views);
    this.brokers = view.brokers;
    return view;
  }

  private async ask(server: string): Promise<TopicView> {
    const { metadataV12 } = await loadClient();
    const link = await this.link(server);
    const answer = await link.ask(metadataV12.api, [this.topic], false, false);
    const topic = answer.topics[0];
    if (topic === undefined) throw new LinkError(`${server}: empty answer`);
    await assertOk(`describe topic ${this.topic}`, server, topic.errorCode, null);
    const at = new Map(answer.brokers.map(({ nodeId, host, port }) => [nodeId, `${host}:${port}`]));
    const leaders = topic.partitions
      .sort((a, b) => a.partitionIndex - b.partitionIndex)
      .map(({ leaderId, leaderEpoch }) => ({ server: at.get(leaderId), epoch: leaderEpoch }));
    return { topicId: topic.topicId, leaders, brokers: [...at.values()] };
  }

  private async link(server: string): Promise<KafkaLink> {
    const known = await this.links.get(server)?.catch(() => undefined);
    if (known?.alive === true) return known;
    const dialled = KafkaLink.dial(server, LIMITS);
    this.links.set(server, dialled);
    return dialled;
  }
}

/** For each partition the view with the highest epoch; of equal ones a leader beats none. */
export function newest(views: readonly TopicView[]): TopicView {
  const [first] = views;
  if (first === undefined) throw new Error("nobody has answered");
  const count = Math.max(...views.map(({ leaders }) => leaders.length));
  const leaders = Array.from({ length: count }, (_, partition) =>
    views
      .flatMap((view) => view.leaders[partition] ?? [])
      .reduce((best, next) => {
        if (next.epoch !== best.epoch) return next.epoch > best.epoch ? next : best;
        return best.server === undefined ? next : best;
      }),
  );
  return { ...first, leaders, brokers: [...new Set(views.flatMap(({ brokers }) => brokers))] };
}
