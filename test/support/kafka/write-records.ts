import { assertOk, KafkaLink, loadClient } from "../../../provider/admin/kafka-link";
import { BRISK, type KafkaAdmin, type Sasl } from "../../../provider/admin/port";

export interface WrittenRecord {
  readonly key?: string;
  readonly value: string | Buffer;
  readonly timestampMs?: number;
}

/** Writes one batch to a partition at its leader, with acks=all. */
export async function writeRecords(
  server: string,
  topic: string,
  partition: number,
  records: readonly WrittenRecord[],
  options: { readonly compression?: "none" | "gzip" | "snappy" | "lz4"; readonly sasl?: Sasl } = {},
): Promise<void> {
  const { produceV10 } = await loadClient();
  const link = await KafkaLink.dial(server, {
    ...BRISK,
    requestTimeoutMs: 15_000,
    sasl: options.sasl,
  });
  try {
    const batch = records.map(({ key, value, timestampMs }) => ({
      topic,
      partition,
      value: Buffer.from(value),
      ...(key === undefined ? {} : { key: Buffer.from(key) }),
      ...(timestampMs === undefined ? {} : { timestamp: BigInt(timestampMs) }),
    }));
    const answer = await link.ask(produceV10.api, -1, 10_000, batch, {
      compression: options.compression ?? "none",
    });
    if (typeof answer === "boolean") throw new Error("a write got no answer");
    const result = answer.responses[0]?.partitionResponses[0];
    await assertOk(`write to ${topic}`, server, result?.errorCode ?? -1, result?.errorMessage);
  } finally {
    await link.close();
  }
}

/** Waits until the partition has a leader, and tells its id. */
export async function awaitLeader(
  admin: KafkaAdmin,
  topic: string,
  partition = 0,
): Promise<number> {
  for (const end = Date.now() + 30_000; Date.now() < end;) {
    const live = await admin.describeTopic(topic);
    const leader = live?.partitions[partition]?.leader ?? -1;
    if (leader >= 0) return leader;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${topic}, partition ${partition}, has got no leader`);
}
