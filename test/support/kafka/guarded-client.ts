import type { Producer } from "@platformatic/kafka";

import type { Sasl } from "../../../provider/admin/port";

/** A client that logs in and writes records; every failure comes at once. */
export class GuardedClient {
  private constructor(private readonly producer: Producer<string, string, string, string>) {}

  static async as(bootstrapServers: string, login: Sasl): Promise<GuardedClient> {
    const { Producer, stringSerializers } = await import("@platformatic/kafka");
    const producer = new Producer({
      clientId: "guarded",
      bootstrapBrokers: bootstrapServers.split(","),
      serializers: stringSerializers,
      sasl: login,
      retries: 0,
      connectTimeout: 5_000,
    });
    producer.on("error", () => {});
    return new GuardedClient(producer);
  }

  /** What came of writing a record: `written`, or Kafka's name of the error. */
  async write(topic: string): Promise<string> {
    try {
      await this.producer.send({ messages: [{ topic, value: "record" }], acks: -1 });
      return "written";
    } catch (error) {
      return apiIds(error)[0] ?? String(error);
    }
  }

  async close(): Promise<void> {
    // It may have lost its connections already.
    await Promise.resolve(this.producer.close(true)).catch(() => {});
  }
}

/** One record by a client of its own. */
export async function writeAs(
  bootstrapServers: string,
  login: Sasl,
  topic: string,
): Promise<string> {
  const client = await GuardedClient.as(bootstrapServers, login);
  try {
    return await client.write(topic);
  } finally {
    await client.close();
  }
}

/** Kafka's names of the errors inside one, at any depth. */
function apiIds(error: unknown): string[] {
  if (typeof error !== "object" || error === null) return [];
  const { apiId, errors, cause } = error as {
    apiId?: string;
    errors?: readonly unknown[];
    cause?: unknown;
  };
  return [
    ...(apiId === undefined ? [] : [apiId]),
    ...(errors ?? []).flatMap(apiIds),
    ...apiIds(cause),
  ];
}
