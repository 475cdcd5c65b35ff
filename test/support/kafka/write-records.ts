import { setTimeout as sleep } from "node:timers/promises";

import { assertOk, KafkaLink, loadClient } from "../../../provider/admin/kafka-link";
import { BRISK, type KafkaAdmin, type Sasl } from "../../../provider/admin/port";

export interface WrittenRecord {
  readonly key?: string;
  readonly value: string | Buffer;
  readonly timestampMs?: number;
}

/** Writes one batch to a partition at its leader, with acks=all; to any Kafka from 2.6 on. */
export async function writeRecords(
  server: string,
  topic: string,
  partition: number,
  records: readonly WrittenRecord[],
  options: { readonly compression?: "none" | "gzip" | "snappy" | "lz4"; readonly sasl?: Sasl } = {},
): Promise<void> {
  const { produceV8 } = await loadClient();
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
    const answer = await link.ask(produceV8.api, -1, 10_000, batch, {
      compression: options.compression ?? "none",
    });
    if (typeof answer === "boolean") throw new Error("a write got no answer");
    const result = answer.responses[0]?.partitionResponses[0];
    await assertOk(`write to ${topic}`, server, result?.errorCode ?? -1, result?.errorMessage);
  } finally {
    await link.close();
  }
}

/** Waits until the partition has a leader that knows so itself, and tells its id. */
export async function awaitLeader(
  admin: KafkaAdmin,
  topic: string,
  partition = 0,
): Promise<number> {
  let last = "nothing";
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(100)) {
    const live = await admin.describeTopic(topic);
    const leader = live?.partitions[partition]?.leader ?? -1;
    if (leader < 0) continue;
    const knows = await admin.offsets(topic, [partition], "latest").catch((error: unknown) => {
      last = (error as Error).message;
    });
    if (knows !== undefined) return leader;
  }
  throw new Error(`${topic}, partition ${partition}, has got no leader within 30 s: ${last}`);
}
