/** Sizes of logs, each told by the broker that has it. */
import type { Brokers } from "./brokers";
import { loadClient } from "./client";
import type { Connection } from "./connection";
import { assertOk } from "./kafka-link";
import { isUnreachable } from "./port";

const DESCRIBE_LOG_DIRS = 35;

type Sizes = ReadonlyMap<string, number>;

/** Bytes by `topic-0`, of the broker that answers. A replica that moves to another disk counts once. */
export async function logSizes(connection: Connection): Promise<Sizes> {
  const { describeLogDirsV2, describeLogDirsV3 } = await loadClient();
  return connection.read("tell the sizes of its logs", async (link, doing) => {
    // The older version, that of Kafka 2.6, has no error code of its own.
    const newer = await link.knows(DESCRIBE_LOG_DIRS, describeLogDirsV3.api.version);
    const { api } = newer ? describeLogDirsV3 : describeLogDirsV2;
    // The types ask for a list of topics; null means all of them.
    const { errorCode, results } = await link.ask(api, null as never);
    await assertOk(doing, link.server, errorCode, null);
    for (const { errorCode } of results) await assertOk(doing, link.server, errorCode, null);
    const partitions = results.flatMap(({ topics }) =>
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

export async function replicaSizes(
  brokers: Brokers,
  topics?: readonly string[],
): Promise<ReadonlyMap<number, Sizes>> {
  const doing = "tell the sizes of its replicas";
  const { brokers: up } = await brokers.metadata(doing, []);
  const wanted = topics === undefined ? undefined : new Set(topics);
  const isWanted = (log: string): boolean =>
    wanted?.has(log.slice(0, log.lastIndexOf("-"))) ?? true;
  const asked = [...up.keys()].map(async (id): Promise<[number, Sizes] | undefined> => {
    try {
      const sizes = await logSizes(brokers.at(doing, id, up));
      return [id, new Map([...sizes].filter(([log]) => isWanted(log)))];
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      return undefined;
    }
  });
  const found = await Promise.all(asked);
  return new Map(found.filter((one) => one !== undefined));
}
