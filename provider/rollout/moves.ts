/** Which nodes may run on another machine than the wanted one: values in, values out. */
import type { PropertyValue } from "../../plugins/common/rpc";
import { mapOf } from "../../plugins/common/rpc";
import { parseLogin } from "../ssh/port";
import { type FormerMachine, parseFormer } from "./former";
import { listenersAt, parseFingerprint, type RolloutNode } from "./node";

/** A node that is to be taken from other machines, or from another disk of its own, before it is started. */
export interface Move {
  readonly node: RolloutNode;
  readonly from: readonly FormerMachine[];
  /** The one of them on which the last run left it. It ran there, so its silence alone frees it. */
  readonly last?: FormerMachine;
}

/** The nodes whose machine (told by its host key) or disk is another one than the state has. */
export function plannedMoves(
  nodes: readonly RolloutNode[],
  states: PropertyValue | undefined,
): Move[] {
  return nodes.flatMap((node) => {
    const state = mapOf(mapOf(states)[node.host]);
    if (state["connection"] === undefined) return [];
    const login = parseLogin(state["connection"]);
    const sameDisk = state["directoryId"] === node.directoryId;
    if (sameDisk && login.hostKey === node.login.hostKey) return [];
    const address = state["address"] as string;
    const { properties } = parseFingerprint(state["want"]);
    const last = { login, listeners: listenersAt(address, properties) };
    const others = node.former.machines.filter((one) => one.login.hostKey !== login.hostKey);
    return [{ node, from: [last, ...others], last }];
  });
}

/**
 * The nodes that were given another machine or disk since the last run that ended well, or were about to
 * be: one may have been started there even if the edit was taken back since.
 */
export function unsettledHosts(
  nodes: readonly RolloutNode[],
  states: PropertyValue | undefined,
): Set<string> {
  const swapsOf = (host: string): number => parseFormer(mapOf(mapOf(states)[host])["former"]).swaps;
  return new Set(
    nodes.flatMap(({ host, former }) => (former.swaps === swapsOf(host) ? [] : [host])),
  );
}
