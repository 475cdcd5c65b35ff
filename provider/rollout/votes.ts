/** Makes the quorum's voters the controllers of a rollout, step by step. */
import { waitFor } from "../wait";
import { CAUGHT_UP_MS } from "./gates";
import { asReasons, type LiveCluster } from "./live-cluster";
import { asVoter, type RolloutNode } from "./node";
import { joined } from "./telling";
import { planVoters, type WantedVoter } from "./voters";

/** The leader answers a change of the voters once it is committed; the tries before wait for its links. */
const VOTERS_MS = 60_000;
const VOTERS_INTERVAL_MS = 1_000;

/** The controllers among the nodes. */
export const wantedVoters = (nodes: readonly RolloutNode[]): WantedVoter[] =>
  nodes.flatMap((node) => {
    const voter = asVoter(node);
    return voter === undefined ? [] : [{ host: node.host, voter }];
  });

export async function settleVoters(
  nodes: readonly RolloutNode[],
  cluster: LiveCluster,
  options: {
    readonly signal: AbortSignal;
    readonly progress: (line: string) => void;
    readonly done: (line: string) => void;
  },
): Promise<void> {
  const wanted = wantedVoters(nodes);
  if (wanted.length === 0) return;
  const { admin } = cluster;
  let last = "";
  const wait = {
    what: "the quorum's voters to be the lab's controllers",
    timeoutMs: VOTERS_MS,
    intervalMs: VOTERS_INTERVAL_MS,
    signal: options.signal,
    progress: options.progress,
  };
  await waitFor(wait, async () => {
    const reasons = await asReasons(async () => {
      const quorum = await admin.describeQuorum(cluster.controllers);
      const step = planVoters(wanted, quorum, CAUGHT_UP_MS);
      if (step.kind === "done") return [];
      if (step.kind === "wait") return [...step.reasons];
      const server = await cluster.leaderAt(quorum.leaderId);
      if (server === undefined) return [`voter ${quorum.leaderId} leads, which is no host's`];
      const { id, directoryId } = step.voter;
      last = `${step.host}: voter ${id} (directory ${directoryId})`;
      if (step.kind === "add") {
        await admin.addVoter(server, step.voter);
        options.done(joined(last));
      } else {
        await admin.removeVoter(server, step.voter);
        options.done(`${last} left the quorum`);
      }
      return ["one step is done"];
    });
    return reasons.length === 0
      ? { done: undefined }
      : { pending: [last, ...reasons].filter((text) => text !== "").join(": ") };
  });
}
