/** Moves of replicas and leaders. */
import type { Brokers } from "./brokers";
import { loadClient } from "./client";
import { serverLimitMs } from "./connection";
import { assertOk, errorText, type KafkaLink } from "./kafka-link";
import { KafkaError, type Reassignment } from "./port";
import {
  alterPartitionReassignmentsV0,
  electLeadersV2,
  type PartitionResults,
} from "./requests/reassignments";

const ELECTION_NOT_NEEDED = 84;

export async function listReassignments(
  brokers: Brokers,
  topics?: readonly string[],
): Promise<readonly Reassignment[]> {
  const { listPartitionReassignmentsV0 } = await loadClient();
  const wanted = topics === undefined ? undefined : new Set(topics);
  return brokers.change("list the moves of replicas", async (link, doing) => {
    // The types ask for a list of partitions; null means all of them, which are those that move.
    const answer = await link.ask(
      listPartitionReassignmentsV0.api,
      serverLimitMs(brokers.options),
      null as never,
    );
    await assertOk(doing, link.server, answer.errorCode, answer.errorMessage);
    return answer.topics
      .filter(({ name }) => wanted?.has(name) ?? true)
      .flatMap(({ name, partitions }) =>
        partitions.map((one) => ({
          topic: name,
          partition: one.partitionIndex,
          replicas: one.replicas,
          adding: one.addingReplicas,
          removing: one.removingReplicas,
        })),
      );
  });
}

export async function reassign(
  brokers: Brokers,
  topic: string,
  targets: ReadonlyMap<number, readonly number[] | null>,
): Promise<void> {
  if (targets.size === 0) return;
  const api = await alterPartitionReassignmentsV0();
  await brokers.change(`move replicas of topic ${topic}`, async (link, doing) => {
    const answer = await link.ask(api, topic, targets, serverLimitMs(brokers.options));
    await assertPartitions(doing, link, answer);
  });
}

export async function electPreferredLeaders(
  brokers: Brokers,
  topic: string,
  partitions: readonly number[],
): Promise<void> {
  if (partitions.length === 0) return;
  const api = await electLeadersV2();
  await brokers.change(`elect the preferred leaders of topic ${topic}`, async (link, doing) => {
    const answer = await link.ask(api, topic, partitions, serverLimitMs(brokers.options));
    const failed = answer.partitions.filter(({ errorCode }) => errorCode !== ELECTION_NOT_NEEDED);
    await assertPartitions(doing, link, { ...answer, partitions: failed });
  });
}

/** Throws one error with every partition that failed. The others' change has been made. */
async function assertPartitions(
  doing: string,
  { server }: KafkaLink,
  { errorCode, errorMessage, partitions }: PartitionResults,
): Promise<void> {
  await assertOk(doing, server, errorCode, errorMessage);
  const failed = partitions.filter((one) => one.errorCode !== 0);
  const [first] = failed;
  if (first === undefined) return;
  const lines = await Promise.all(
    failed.map(async (one) => {
      const { id, text } = await errorText(one.errorCode, one.errorMessage);
      return `partition ${one.partition}: ${id}: ${text}`;
    }),
  );
  const { id } = await errorText(first.errorCode, null);
  throw new KafkaError("refused", `${server} refused to ${doing}: ${lines.join("; ")}`, id);
}
