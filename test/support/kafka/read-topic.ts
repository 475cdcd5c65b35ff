import { consumeTopic } from "../../../scripts/lib/records/consume";
import { KafkaTopic } from "../../../scripts/lib/records/kafka-topic";
import type { StoredRecord } from "../../../shared/kafka/batches";

/** Everything a topic holds, by the project's own reader of topics; each partition in its order. */
export async function readTopic(
  servers: readonly (readonly [id: number, address: string])[],
  name: string,
): Promise<StoredRecord[]> {
  const topic = new KafkaTopic(new Map(servers), name);
  const records: StoredRecord[] = [];
  try {
    const { why, troubles } = await consumeTopic(topic, {
      from: "start",
      follow: false,
      timeoutMs: 30_000,
      signal: new AbortController().signal,
      onRecord: (record) => {
        records.push(record);
        return Promise.resolve();
      },
      onBegun: () => {},
      log: () => {},
    });
    if (why !== "end") throw new Error(`${name} was not read to its end: ${troubles.join("; ")}`);
    return records;
  } finally {
    await topic.close();
  }
}
