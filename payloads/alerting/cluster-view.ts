import type { AlertingConfig } from "../../model";
import type { BrokerAnswer } from "../lib/kafka/broker-watch";
import type { WeakPartition } from "./core/alerting";

/** What one broker says of one partition. */
interface Said extends WeakPartition {
  /** Node id; -1: nobody. */
  readonly leader: number;
}

/**
 * What the brokers that answer say of partitions, the more of them the truer: one that is cut off from the
 * others, or has just come back, tells what was.
 */
export class ClusterView {
  private readonly answers = new Map<string, readonly Said[]>();
  private readonly needed: ReadonlyMap<string, number>;
  private readonly nodes: ReadonlyMap<number, string>;
  private readonly down = new Set<string>();

  constructor({ topics, brokers }: Pick<AlertingConfig, "topics" | "brokers">) {
    this.needed = new Map(topics.map(({ name, minInsyncReplicas }) => [name, minInsyncReplicas]));
    this.nodes = new Map(brokers.map(({ nodeId, host }) => [nodeId, host]));
  }

  is(host: string, isUp: boolean): void {
    if (isUp) this.down.delete(host);
    else this.down.add(host);
  }

  /** @param answer undefined once the broker answers no more */
  says(host: string, answer: Pick<BrokerAnswer, "topics"> | undefined): void {
    if (answer === undefined) this.answers.delete(host);
    else this.answers.set(host, this.read(answer));
  }

  /** The partitions that take no writes, by most of those that answer; undefined where nobody does. */
  weak(): WeakPartition[] | undefined {
    if (this.answers.size === 0) return undefined;
    return this.agreed((said) => said.inSync < said.needed).map(
      ({ topic, partition, inSync, needed }) => ({ topic, partition, inSync, needed }),
    );
  }

  /** Whether all partitions of these topics are led by somebody who answers, and take writes. */
  serves(topics: readonly string[]): boolean {
    if (this.answers.size === 0) return false;
    const isLame = ({ leader, inSync, needed }: Said) =>
      inSync < needed || this.down.has(this.nodes.get(leader) ?? "");
    return !this.agreed(isLame).some(({ topic }) => topics.includes(topic));
  }

  private read({ topics }: Pick<BrokerAnswer, "topics">): Said[] {
    return topics.flatMap(({ name, errorCode, partitions }) => {
      const topic = name ?? "";
      const needed = this.needed.get(topic);
      if (needed === undefined || errorCode !== 0) return [];
      return partitions
        .map(({ partitionIndex, leaderId, isrNodes }) => ({
          topic,
          partition: partitionIndex,
          leader: leaderId,
          // Who is in the ISR of a partition without a leader is gone.
          inSync: leaderId < 0 ? 0 : isrNodes.length,
          needed,
        }))
        .sort((a, b) => a.partition - b.partition);
    });
  }

  private agreed(isSo: (said: Said) => boolean): Said[] {
    const counts = new Map<string, { readonly said: Said; count: number }>();
    for (const answer of this.answers.values()) {
      for (const said of answer) {
        if (!isSo(said)) continue;
        const key = `${said.topic} ${said.partition}`;
        const known = counts.get(key);
        if (known === undefined) counts.set(key, { said, count: 1 });
        else known.count += 1;
      }
    }
    const most = this.answers.size / 2;
    return [...counts.values()].flatMap(({ said, count }) => (count > most ? [said] : []));
  }
}
