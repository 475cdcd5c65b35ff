/** The output that keeps what a run that was cut off has left to do, so that a refresh does not hide it. */
import type { PropertyMap } from "../../plugins/common/rpc";
import type { KafkaAdmin, Quorum } from "../admin/port";
import { KafkaError } from "../admin/port";
import { controllerAddress, type RolloutNode } from "./node";
import { unfinishedVotes } from "./voters";
import { wantedVoters } from "./votes";

/**
 * `{ unfinished: { HOST: [what, …] } }`, or nothing where all is well. No input stands for it, so that a diff
 * shows it as to be removed until an update has done what it names.
 *
 * @param nodes where they are now
 * @param last the outputs before: what they said stands while the quorum does not answer
 */
export async function unfinishedSeen(
  admin: KafkaAdmin,
  nodes: readonly RolloutNode[],
  last: PropertyMap,
): Promise<PropertyMap> {
  const wanted = wantedVoters(nodes);
  if (wanted.length === 0) return {};
  const controllers = nodes.flatMap((node) => controllerAddress(node) ?? []);
  let quorum: Quorum;
  try {
    quorum = await admin.describeQuorum(controllers);
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    const { unfinished } = last;
    return unfinished === undefined ? {} : { unfinished };
  }
  const left = unfinishedVotes(wanted, quorum);
  if (left.size === 0) return {};
  return { unfinished: Object.fromEntries([...left].map(([host, what]) => [host, [what]])) };
}
