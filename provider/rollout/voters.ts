/** Who is to vote in the quorum, and the one change that brings it nearer: views in, a step out. */
import type { NewVoter, Quorum, QuorumReplica } from "../admin/port";

/** A controller of the rollout, by the name of its host. */
export interface WantedVoter {
  readonly host: string;
  readonly voter: NewVoter;
}

export type VoterStep =
  | { readonly kind: "remove"; readonly host: string; readonly voter: QuorumReplica }
  | { readonly kind: "add"; readonly host: string; readonly voter: NewVoter }
  /** Nothing may be changed yet. */
  | { readonly kind: "wait"; readonly reasons: readonly string[] }
  | { readonly kind: "done" };

/**
 * The next change of the voters. A voter's id is unique, so one whose disk is gone has to leave before
 * the same node can vote with another. It leaves only once the new one has caught up and the others are
 * a majority of what remains: until the new one is in, each of them counts.
 *
 * Voters with an id that no host has are nobody's here, and are left alone.
 */
export function planVoters(
  wanted: readonly WantedVoter[],
  { voters, observers }: Quorum,
  caughtUpMs: number,
): VoterStep {
  const caughtUp = (one: QuorumReplica): boolean => one.behindMs <= caughtUpMs;
  const reasons: string[] = [];
  for (const { host, voter, stale } of missing(wanted, voters)) {
    const { id, directoryId } = voter;
    const joining = observers.find((one) => one.id === id && one.directoryId === directoryId);
    if (joining === undefined || !caughtUp(joining)) {
      reasons.push(`${host}: its copy of the quorum's log has not caught up`);
      continue;
    }
    if (stale === undefined) return { kind: "add", host, voter };
    const others = voters.filter((one) => one.id !== id);
    const alive = others.filter(caughtUp).length;
    if (alive > others.length / 2) return { kind: "remove", host, voter: stale };
    reasons.push(
      `${host}: without voter ${id} only ${alive} of ${others.length} voters are caught up`,
    );
  }
  return reasons.length === 0 ? { kind: "done" } : { kind: "wait", reasons };
}

/**
 * What is left of a change of the voters, in words, by host. Only what the quorum says counts: one that
 * was cut off between its two steps leaves no other trace.
 */
export function unfinishedVotes(
  wanted: readonly WantedVoter[],
  { voters }: Quorum,
): Map<string, string> {
  const left = new Map<string, string>();
  for (const { host, voter, stale } of missing(wanted, voters)) {
    const { id, directoryId } = voter;
    left.set(
      host,
      stale === undefined
        ? `node ${id} is still to join the quorum's voters, with directory ${directoryId}`
        : `voter ${id} with directory ${stale.directoryId} is still to leave the quorum, and ${directoryId} to join`,
    );
  }
  return left;
}

/** Those that do not vote yet, each with the voter of its id that has another directory, if there is one. */
function missing(
  wanted: readonly WantedVoter[],
  voters: readonly QuorumReplica[],
): (WantedVoter & { readonly stale: QuorumReplica | undefined })[] {
  return wanted.flatMap(({ host, voter }) => {
    const same = voters.filter(({ id }) => id === voter.id);
    const votes = same.some(({ directoryId }) => directoryId === voter.directoryId);
    return votes ? [] : [{ host, voter, stale: same[0] }];
  });
}
