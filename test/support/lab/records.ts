import { fetchV17, produceV11 } from "@platformatic/kafka";
import { assertOk, KafkaLink } from "../../../provider/admin/kafka-link";
import { PlatformaticAdmin } from "../../../provider/admin/platformatic";
import { BRISK, KafkaError } from "../../../provider/admin/port";
import { bootstrapServers, brokers, type Lab } from "../../../model";
import { waitFor } from "../wait";

/** Kafka's word for "acknowledged by all replicas in sync". */
const ALL_IN_SYNC = -1;

/**
 * Writes records one by one, each acknowledged by all in-sync replicas. It sends the requests itself:
 * a producer would try again behind the test's back, and this one tells what became of each record.
 */
export class RecordWriter {
  private readonly admin: PlatformaticAdmin;
  /** To the leader of each partition that was written to. */
  private readonly links = new Map<string, KafkaLink>();

  constructor(private readonly lab: Lab) {
    this.admin = new PlatformaticAdmin(bootstrapServers(lab).split(","), BRISK);
  }

  /** Resolves once the record is acknowledged; rejects with a `KafkaError` if Kafka refuses it. */
  async write(topic: string, partition: number, value: string): Promise<void> {
    const place = `${topic}-${partition}`;
    try {
      const known = this.links.get(place);
      const link = known?.alive ? known : await this.dialLeader(topic, partition);
      this.links.set(place, link);
      const record = { topic, partition, key: Buffer.from(value), value: Buffer.from(value) };
      const answer = await link.ask(produceV11.api, ALL_IN_SYNC, WRITE_MS, [record]);
      const found =
        typeof answer === "boolean" ? undefined : answer.responses[0]?.partitionResponses[0];
      if (found === undefined) throw new Error(`${link.server} gave no answer to a write`);
      await assertOk(`write ${value}`, link.server, found.errorCode, found.errorMessage);
    } catch (error) {
      // The partition may have another leader now.
      await this.links.get(place)?.close();
      this.links.delete(place);
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.links.values()].map((link) => link.close()));
    await this.admin.close();
  }

  private async dialLeader(topic: string, partition: number): Promise<KafkaLink> {
    const live = await this.admin.describeTopic(topic);
    const leader = live?.partitions[partition]?.leader ?? -1;
    if (leader < 0) throw new KafkaError("refused", `${topic}-${partition} has no leader`);
    return KafkaLink.dial(addressOf(this.lab, leader), {
      connectTimeoutMs: 2000,
      requestTimeoutMs: WRITE_MS + 2000,
    });
  }
}

/** How long a broker may wait for the replicas before it answers that they were too slow. */
const WRITE_MS = 5000;

/** All values of a partition as one broker serves them; it must be the partition's leader. */
export async function readFrom(
  lab: Lab,
  brokerId: number,
  topic: string,
  partition: number,
): Promise<string[]> {
  const admin = new PlatformaticAdmin(bootstrapServers(lab).split(","), BRISK);
  const live = await admin.describeTopic(topic).finally(() => admin.close());
  if (live === undefined) throw new Error(`there is no topic ${topic}`);
  const topicId = uuid(live.topicId);
  const link = await KafkaLink.dial(addressOf(lab, brokerId), BRISK);
  try {
    const values: string[] = [];
    for (let offset = 0n; ;) {
      const answer = await link.ask(
        fetchV17.api,
        ...fetchArguments([{ topicId, partitions: [at(partition, offset)] }]),
      );
      const found = answer.responses[0]?.partitions[0];
      if (answer.errorCode !== 0 || found === undefined || found.errorCode !== 0) {
        throw new Error(
          `broker ${brokerId} does not serve ${topic}-${partition}: error ${answer.errorCode || found?.errorCode}`,
        );
      }
      for (const batch of found.records ?? []) {
        for (const record of batch.records) {
          const position = batch.firstOffset + BigInt(record.offsetDelta);
          if (position < offset) continue;
          values.push(record.value?.toString() ?? "");
          offset = position + 1n;
        }
      }
      if (offset >= found.highWatermark) return values;
    }
  } finally {
    await link.close();
  }
}

/** Waits until a topic's partitions are led by as many brokers, and tells which leads which. */
export async function leadersOf(lab: Lab, topic: string): Promise<number[]> {
  const admin = new PlatformaticAdmin(bootstrapServers(lab).split(","), BRISK);
  try {
    return await waitFor(`leaders of all partitions of ${topic}`, async () => {
      const live = await admin.describeTopic(topic);
      const leaders = live?.partitions.map(({ leader }) => leader) ?? [];
      return leaders.length > 0 && leaders.every((leader) => leader >= 0) ? leaders : undefined;
    });
  } finally {
    await admin.close();
  }
}

function addressOf(lab: Lab, brokerId: number): string {
  const broker = brokers(lab).find(({ nodeId }) => nodeId === brokerId);
  if (broker === undefined) throw new Error(`the lab has no broker ${brokerId}`);
  return `${broker.machine.address}:${lab.cluster.clientPort}`;
}

type FetchTopics = Parameters<typeof fetchV17.api.async>[7];

function at(partition: number, fetchOffset: bigint): FetchTopics[number]["partitions"][number] {
  return {
    partition,
    fetchOffset,
    currentLeaderEpoch: -1,
    lastFetchedEpoch: -1,
    partitionMaxBytes: 1 << 20,
  };
}

/** A fetch without a session: half a second at most, and an answer even if there is nothing. */
function fetchArguments(
  topics: FetchTopics,
): [number, number, number, number, number, number, FetchTopics, [], string] {
  return [500, 0, 1 << 24, 0, 0, -1, topics, [], ""];
}

/** From Kafka's URL-safe base64 to the client's notation. */
function uuid(id: string): string {
  const hex = Buffer.from(id, "base64url").toString("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
