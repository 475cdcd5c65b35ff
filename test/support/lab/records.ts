import { ProduceAcks, Producer, fetchV17, stringSerializers } from "@platformatic/kafka";
import { KafkaLink } from "../../../provider/admin/kafka-link";
import { PlatformaticAdmin } from "../../../provider/admin/platformatic";
import { BRISK } from "../../../provider/admin/port";
import { bootstrapServers, brokers, type Lab } from "../../../model";
import { waitFor } from "../wait";

type TextProducer = Producer<string, string, string, string>;

/** Writes records, each acknowledged by all in-sync replicas. */
export class RecordWriter {
  private readonly producer: TextProducer;

  constructor(lab: Lab, options: { retries?: number; timeoutMs?: number } = {}) {
    this.producer = new Producer({
      clientId: "pi-lab-test",
      bootstrapBrokers: bootstrapServers(lab).split(","),
      serializers: stringSerializers,
      retries: options.retries ?? 0,
      connectTimeout: 2000,
      requestTimeout: options.timeoutMs ?? 10_000,
      metadataMaxAge: 1000,
    });
  }

  /** Resolves once the record is acknowledged. */
  async write(topic: string, partition: number, value: string): Promise<void> {
    // Said here, not once for the producer: what is said there counts for nothing (client 1.35.0).
    await this.producer.send({
      acks: ProduceAcks.ALL,
      messages: [{ topic, partition, key: value, value }],
    });
  }

  async close(): Promise<void> {
    await this.producer.close();
  }
}

/** The codes of Kafka's own errors in whatever the client threw, e.g. NOT_ENOUGH_REPLICAS. */
export function kafkaCodes(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const own = (error as { apiId?: unknown }).apiId;
  const inner = error instanceof AggregateError ? (error.errors as unknown[]) : [];
  return [
    ...(typeof own === "string" ? [own] : []),
    ...[...inner, error.cause].flatMap(kafkaCodes),
  ];
}

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
