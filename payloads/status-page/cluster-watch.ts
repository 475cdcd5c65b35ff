import { setTimeout as sleep } from "node:timers/promises";
import { describeQuorumV2, metadataV12 } from "@platformatic/kafka";
import type { KafkaAccess } from "../../model";
import { Cluster } from "../lib/kafka/cluster";
import { Code, verdictOf, wordsOf } from "../lib/kafka/codes";
import { logEnds, type Offset, type Place } from "../lib/kafka/fetch-request";
import { LinkError } from "../lib/kafka/link";
import type { Log } from "../lib/log";
import type { ClusterLook, PartitionLook, QuorumLook, TopicLook } from "./cluster-look";

/** Who is told. */
export interface ClusterTold {
  clusterIs(look: ClusterLook): void;
  /** No broker tells its metadata. */
  clusterFails(words: string): void;
  endsAre(ends: readonly Offset[]): void;
  /** Undefined while no broker can tell. */
  quorumIs(look: QuorumLook | undefined): void;
}

/** Between two looks, ms. */
const LOOK_MS = 1_000;
const ENDS_MS = 2_000;
const QUORUM_MS = 2_000;
/** Limit of a question, ms. */
const ANSWER_MS = 3_000;

const METADATA_TOPIC = "__cluster_metadata";

/**
 * Asks the brokers again and again who leads what, how far the logs have grown, and who leads the quorum: each
 * by itself, so that a broker that hangs holds up no other answer.
 */
export class ClusterWatch {
  private readonly cluster: Cluster;
  private readonly stopping = new AbortController();
  /** `host:port` of brokers that serve, by node id. */
  private servers: ReadonlyMap<number, string> = new Map();
  private look: ClusterLook | undefined;
  private problem: string | undefined = "no broker has answered yet";
  private readonly working: Promise<unknown>;

  constructor(
    private readonly access: KafkaAccess,
    private readonly topics: readonly string[],
    private readonly told: ClusterTold,
    private readonly log: Log,
  ) {
    this.cluster = new Cluster(access, log);
    this.working = Promise.all([
      this.every(LOOK_MS, () => this.lookAtTopics()),
      this.every(ENDS_MS, () => this.lookAtEnds()),
      this.every(QUORUM_MS, () => this.lookAtQuorum()),
    ]);
  }

  /** Undefined while a broker answers, else what they say or do not say. */
  trouble(): string | undefined {
    return this.problem;
  }

  async close(): Promise<void> {
    this.stopping.abort();
    this.cluster.close();
    await this.working;
  }

  private async every(pauseMs: number, task: () => Promise<void>): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await task().catch((error: unknown) => {
        if (!(error instanceof LinkError)) throw error;
      });
      await sleep(pauseMs, undefined, { signal }).catch(() => {});
    }
  }

  private async lookAtTopics(): Promise<void> {
    try {
      const answer = await this.cluster.any((link) =>
        link.ask(metadataV12.api, [...this.topics], false, false),
      );
      this.servers = new Map(
        answer.brokers.map(({ nodeId, host, port }) => [nodeId, `${host}:${port}`]),
      );
      const topics = answer.topics.map(({ name, errorCode, partitions }): [string, TopicLook] => [
        name ?? "",
        {
          problem: problemOf(errorCode),
          partitions: partitions.map(toPartitionLook).sort((a, b) => a.partition - b.partition),
        },
      ]);
      this.look = { brokers: new Set(this.servers.keys()), topics: new Map(topics) };
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      if (this.stopping.signal.aborted) return;
      if (this.problem === undefined) this.log("warn", `no broker answers: ${error.message}`);
      this.problem = `no broker answers: ${error.message}`;
      // What brokers are called to each other is nothing for visitors.
      return this.told.clusterFails("no broker answers");
    }
    if (this.problem !== undefined) this.log("info", "brokers answer");
    this.problem = undefined;
    this.told.clusterIs(this.look);
  }

  private async lookAtEnds(): Promise<void> {
    const places = new Map<string, Place[]>();
    for (const [topic, { partitions }] of this.look?.topics ?? []) {
      for (const { partition, leader } of partitions) {
        const server = leader === undefined ? undefined : this.servers.get(leader);
        if (server === undefined) continue;
        const led = places.get(server);
        if (led === undefined) places.set(server, [{ topic, partition }]);
        else led.push({ topic, partition });
      }
    }
    const asked = [...places].map(async ([server, led]) => {
      const link = await this.cluster.link(server, "ends", ANSWER_MS);
      const ends = await logEnds(link, led, "latest");
      this.told.endsAre(ends.filter(({ errorCode }) => errorCode === Code.none));
    });
    await Promise.allSettled(asked);
  }

  /** Any broker passes the question on to the quorum's leader; one that cannot is asked for nothing else. */
  private async lookAtQuorum(): Promise<void> {
    const known = [...this.servers.values()];
    for (const server of known.length > 0 ? known : this.access.bootstrapServers) {
      try {
        const link = await this.cluster.link(server, "quorum", ANSWER_MS);
        const answer = await link.ask(describeQuorumV2.api, [
          { topicName: METADATA_TOPIC, partitions: [{ partitionIndex: 0 }] },
        ]);
        const [partition] = answer.topics[0]?.partitions ?? [];
        if (answer.errorCode !== Code.none || partition?.errorCode !== Code.none) continue;
        const { leaderId, currentVoters } = partition;
        const now = currentVoters.find(({ replicaId }) => replicaId === leaderId);
        if (now === undefined) continue;
        const voters = currentVoters.map(({ replicaId, lastFetchTimestamp }): [number, number] => [
          replicaId,
          Math.max(0, Number(now.lastFetchTimestamp - lastFetchTimestamp)),
        ]);
        return this.told.quorumIs({ leader: leaderId, voters: new Map(voters) });
      } catch (error) {
        if (!(error instanceof LinkError)) throw error;
      }
    }
    this.told.quorumIs(undefined);
  }
}

/** In words for visitors; undefined while the topic is as it should be, or is being elected for. */
function problemOf(errorCode: number): string | undefined {
  if (errorCode === Code.none || verdictOf(errorCode) === "passing") return undefined;
  if (errorCode === Code.unknownTopic) return "not there";
  return wordsOf(errorCode);
}

function toPartitionLook(partition: {
  readonly partitionIndex: number;
  readonly leaderId: number;
  readonly replicaNodes: readonly number[];
  readonly isrNodes: readonly number[];
}): PartitionLook {
  const { partitionIndex, leaderId, replicaNodes, isrNodes } = partition;
  return {
    partition: partitionIndex,
    // Kafka's number for nobody.
    leader: leaderId < 0 ? undefined : leaderId,
    replicas: replicaNodes,
    isr: isrNodes,
  };
}
