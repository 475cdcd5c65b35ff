/** Sizes of logs, each told by the broker that has it. */
import type { Brokers } from "./brokers";
import { loadClient } from "./client";
import type { Connection } from "./connection";
import { assertOk } from "./kafka-link";
import { isUnreachable } from "./port";

/** Kafka's own numbers. */
const DESCRIBE_LOG_DIRS = 35;
const STORAGE_ERROR = 56;

type Sizes = ReadonlyMap<string, number>;

interface Logs {
  readonly name: string;
  readonly partitions: number[];
}

/** Bytes by `topic-0`, of the broker that answers. */
export function logSizes(connection: Connection): Promise<Sizes> {
  return sizesAt(connection, "tell the sizes of its logs", null);
}

/** Only the logs of these topics are told of: those of a thousand others would be told a thousand times. */
export async function replicaSizes(
  brokers: Brokers,
  topics?: readonly string[],
): Promise<ReadonlyMap<number, Sizes>> {
  const doing = "tell the sizes of its replicas";
  const seen = await brokers.metadata(doing, topics ?? []);
  const wanted = seen.topics.map(({ topic, partitions }) => ({
    name: topic,
    partitions: partitions.map(({ partition }) => partition),
  }));
  const asked = [...seen.brokers.keys()].map(async (id): Promise<[number, Sizes] | undefined> => {
    try {
      const connection = brokers.at(doing, id, seen.brokers);
      return [id, await sizesAt(connection, doing, topics === undefined ? null : wanted)];
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      return undefined;
    }
  });
  const found = await Promise.all(asked);
  return new Map(found.filter((one) => one !== undefined));
}

/** A replica that moves to another disk counts once, and those on a disk that failed not at all. */
function sizesAt(connection: Connection, what: string, logs: Logs[] | null): Promise<Sizes> {
  return connection.read(what, async (link, doing) => {
    const { describeLogDirsV2, describeLogDirsV3 } = await loadClient();
    // The older version, that of Kafka 2.6, has no error code of its own.
    const newer = await link.knows(DESCRIBE_LOG_DIRS, describeLogDirsV3.api.version);
    const { api } = newer ? describeLogDirsV3 : describeLogDirsV2;
    // The types ask for a list of topics; null means all of them.
    const answer = await link.ask(api, logs as Logs[]);
    const dirs = answer.results.filter(({ errorCode }) => errorCode !== STORAGE_ERROR);
    for (const { errorCode } of [answer, ...dirs]) {
      await assertOk(doing, link.server, errorCode, null);
    }
    const partitions = answer.results.flatMap(({ topics }) =>
      topics.flatMap(({ name, partitions }) =>
        partitions
          .filter(({ isFutureKey }) => !isFutureKey)
          .map((one): [string, number] => [
            `${name}-${one.partitionIndex}`,
            Number(one.partitionSize),
          ]),
      ),
    );
    return new Map(partitions);
  });
}
