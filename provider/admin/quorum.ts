/** The requests of the controllers' quorum. Only its leader answers them. */
import { askAlone, loginRefusalIn, reasonsOf, serverLimitMs } from "./connection";
import { assertOk, LinkError, loadClient, toKafkaId } from "./kafka-link";
import type { AdminOptions, NewVoter, Quorum, QuorumReplica } from "./port";
import { KafkaError } from "./port";
import { addRaftVoterV0, removeRaftVoterV0 } from "./requests/voters";

const METADATA_TOPIC = "__cluster_metadata";

/** Asks all controllers at once: who leads is not known before. */
export async function describeQuorum(
  controllers: readonly string[],
  options: AdminOptions,
): Promise<Quorum> {
  try {
    return await Promise.any(controllers.map((server) => quorumAt(server, options)));
  } catch (error) {
    throw (
      loginRefusalIn(error) ??
      new KafkaError(
        "unreachable",
        `no controller answers as the leader of the quorum (${reasonsOf(error)})`,
      )
    );
  }
}

export async function addVoter(
  leader: string,
  voter: NewVoter,
  options: AdminOptions,
): Promise<void> {
  const addRaftVoter = await addRaftVoterV0();
  await askAlone(leader, options, async (link) => {
    const answer = await link.ask(addRaftVoter, voter, serverLimitMs(options));
    const doing = `add voter ${voter.id} (directory ${voter.directoryId})`;
    await assertOk(doing, leader, answer.errorCode, answer.errorMessage);
  });
}

export async function removeVoter(
  leader: string,
  { id, directoryId }: Pick<QuorumReplica, "id" | "directoryId">,
  options: AdminOptions,
): Promise<void> {
  const removeRaftVoter = await removeRaftVoterV0();
  await askAlone(leader, options, async (link) => {
    const answer = await link.ask(removeRaftVoter, id, directoryId);
    const doing = `remove voter ${id} (directory ${directoryId})`;
    await assertOk(doing, leader, answer.errorCode, answer.errorMessage);
  });
}

async function quorumAt(server: string, options: AdminOptions): Promise<Quorum> {
  const { describeQuorumV2 } = await loadClient();
  return askAlone(server, options, async (link) => {
    const topics = [{ topicName: METADATA_TOPIC, partitions: [{ partitionIndex: 0 }] }];
    const answer = await link.ask(describeQuorumV2.api, topics);
    const doing = "describe the quorum";
    await assertOk(doing, server, answer.errorCode, answer.errorMessage);
    const partition = answer.topics[0]?.partitions[0];
    if (partition === undefined) throw new LinkError(`${server}: empty answer`);
    await assertOk(doing, server, partition.errorCode, partition.errorMessage);
    const { leaderId, currentVoters, observers } = partition;
    const leader = currentVoters.find((voter) => voter.replicaId === leaderId);
    const now = Number(leader?.lastCaughtUpTimestamp ?? -1n);
    const replica = (one: (typeof currentVoters)[number]): QuorumReplica => {
      const caughtUp = Number(one.lastCaughtUpTimestamp);
      return {
        id: one.replicaId,
        directoryId: toKafkaId(one.replicaDirectoryId),
        behindMs: caughtUp < 0 ? Infinity : Math.max(0, now - caughtUp),
      };
    };
    return { leaderId, voters: currentVoters.map(replica), observers: observers.map(replica) };
  });
}
