/** What a swap needs before anything is touched, and what it will do: values in, texts out. */
import type { Identity } from "../node-storage/plan";
import type { ClusterView } from "../rollout/gates";
import { blockers, CAUGHT_UP_MS, irreplaceable } from "../rollout/gates";
import type { Login } from "../ssh/port";

/** A host as the gate knows it. */
export interface GateHost {
  readonly host: string;
  /** Name of its machine. */
  readonly machine: string;
  /** Undefined where something of it is not known yet: its machine is about to be made. */
  readonly login: Login | undefined;
  /** What the machine is told by: its host key; undefined while it is not known yet. */
  readonly disk: string | undefined;
  /** Whether the stack makes the machine itself, so that it need not be there yet. */
  readonly made: boolean;
  readonly kafka: GateNode | undefined;
}

/** The Kafka node that a host runs. */
export interface GateNode {
  readonly nodeId: number;
  readonly broker: boolean;
  /** Its listeners, `host:port`: the client listener first, where it has one. */
  readonly listeners: readonly string[];
}

export interface Swap {
  readonly before: GateHost;
  readonly after: GateHost;
}

/** The hosts that get another machine or disk. */
export function plannedSwaps(before: readonly GateHost[], after: readonly GateHost[]): Swap[] {
  return after.flatMap((host) => {
    const old = before.find((one) => one.host === host.host);
    return old === undefined || (old.disk === host.disk && host.disk !== undefined)
      ? []
      : [{ before: old, after: host }];
  });
}

/** The controllers that answer at another address. */
export function readdressed(before: readonly GateHost[], after: readonly GateHost[]): string[] {
  return after.flatMap(({ host, kafka, made }) => {
    const old = before.find((one) => one.host === host)?.kafka;
    if (kafka === undefined || old === undefined || made || !isController(kafka)) return [];
    return old.listeners.join() === kafka.listeners.join() ? [] : [host];
  });
}

/** Whether a node votes in the quorum: it has a listener beside the one for clients. */
export const isController = ({ broker, listeners }: GateNode): boolean =>
  listeners.length > (broker ? 1 : 0);

/** How a machine answered: `other` is one with another host key at the same address. */
export type Answer = "answers" | "silent" | "other" | { readonly error: string };

/** What lies on the disk of the machine that is to take over. */
export type NewDisk =
  | { readonly kind: "not made" | "silent" | "blank" | "without Kafka" }
  | { readonly kind: "error"; readonly message: string }
  | { readonly kind: "formatted"; readonly identity: Partial<Identity> };

/** What was seen for one swap. */
export interface SwapFacts {
  readonly former: Answer;
  /** Listeners of the former machine that still answer. */
  readonly serving: readonly string[];
  readonly disk: NewDisk;
}

/** The live cluster; `unborn`: no disk of the hosts that stay is formatted, so there is nothing to lose. */
export type LiveCluster =
  | { readonly kind: "view"; readonly view: ClusterView; readonly clusterId: string }
  | { readonly kind: "unborn" }
  | { readonly kind: "unreachable"; readonly why: string };

/** Why the swaps must not be begun, each with its host; empty if they may. */
export function swapRefusals(
  swaps: readonly Swap[],
  all: readonly GateHost[],
  facts: ReadonlyMap<string, SwapFacts>,
  live: LiveCluster,
): string[] {
  const moving = swaps.filter(({ after }) => after.kafka !== undefined);
  return [
    ...tooMany(moving, all, live),
    ...moving.flatMap((swap) => unsafe(swap, all, live)),
    ...swaps.flatMap((swap) => unfit(swap, facts.get(swap.after.host), live)),
  ];
}

/** Those that stay must be a majority by themselves: a swap that fails halfway must not take it away. */
function tooMany(moving: readonly Swap[], all: readonly GateHost[], live: LiveCluster): string[] {
  if (moving.length < 2 || live.kind !== "view") return [];
  const ids = new Set(moving.map(({ after }) => after.kafka?.nodeId));
  const { voters } = live.view.quorum;
  const stay = voters.filter(({ id }) => !ids.has(id)).length;
  if (stay > voters.length / 2 || all.length === 0) return [];
  const names = moving.map(({ after }) => after.host).join(" and ");
  return [
    `${names}: swapped at once they would leave ${stay} of ${voters.length} quorum voters, and ` +
      `${Math.floor(voters.length / 2) + 1} are needed. Swap one, run \`pulumi up\`, then swap the next.`,
  ];
}

function unsafe({ after }: Swap, all: readonly GateHost[], live: LiveCluster): string[] {
  const { host, kafka } = after;
  if (kafka === undefined || live.kind === "unborn") return [];
  if (live.kind === "unreachable") {
    return [
      `${host}: the cluster does not say whether it can do without this node: ${live.why}. Bring the ` +
        "other nodes back first; a majority of the controllers is needed to replace one.",
    ];
  }
  const brokers = all.flatMap((one) => (one.kafka?.broker === true ? [one.kafka.nodeId] : []));
  const options = { members: brokers, caughtUpMs: CAUGHT_UP_MS };
  return [
    ...irreplaceable(kafka.nodeId, live.view.quorum).map(
      (reason) =>
        `${host}: ${reason}. Put its card into the new machine, or have three controllers in the next lab.`,
    ),
    ...blockers(kafka.nodeId, live.view, options).map(
      (reason) =>
        `${host}: ${reason}. Wait until \`npm run status\` finds nothing amiss but ${host} itself.`,
    ),
  ];
}

function unfit(swap: Swap, facts: SwapFacts | undefined, live: LiveCluster): string[] {
  if (facts === undefined) return [];
  const { before, after } = swap;
  const reasons: string[] = [];
  if (typeof facts.former === "object") {
    reasons.push(
      `${after.host}: its former machine ${place(before)} answers, but lets nobody in: ${facts.former.error}. ` +
        `Switch it off, or let the stack log in, so that ${after.kafka === undefined ? "what runs there" : "Kafka"} is stopped.`,
    );
  }
  if (facts.former !== "answers" && facts.serving.length > 0) {
    reasons.push(
      `${after.host}: Kafka still answers at ${facts.serving.join(", ")}, but its former machine ${place(before)} ` +
        "cannot be logged in to. Switch that machine off: two processes must not run as one node.",
    );
  }
  switch (facts.disk.kind) {
    case "silent":
      reasons.push(
        `${after.host}: its new machine ${place(after)} does not answer on SSH. Switch it on, and see that its address is right.`,
      );
      break;
    case "error":
      reasons.push(`${after.host}: its new machine ${place(after)}: ${facts.disk.message}`);
      break;
    case "formatted":
      reasons.push(...foreign(after, facts.disk.identity, live));
      break;
    case "not made":
    case "blank":
    case "without Kafka":
      break;
    default:
      facts.disk satisfies never;
  }
  return reasons;
}

function foreign(after: GateHost, found: Partial<Identity>, live: LiveCluster): string[] {
  // Of a cluster that does not answer nobody can tell whether the disk is its own; it is refused as it is.
  if (after.kafka === undefined || live.kind === "unreachable") return [];
  const same = live.kind === "view" && found.clusterId === live.clusterId;
  if (same && found.nodeId === after.kafka.nodeId) return [];
  const whose = same
    ? `node ${found.nodeId ?? "(none)"} of this very cluster`
    : `node ${found.nodeId ?? "(none)"} of another cluster (${found.clusterId ?? "no id"})`;
  return [
    `${after.host}: the disk of its new machine ${place(after)} is formatted for ${whose}. Choose another ` +
      "machine, or, if what lies there is of no use, stop kafka on it and empty its data directory.",
  ];
}

/** `pi-7 (10.0.42.7)`. */
const place = ({ machine, login }: GateHost): string =>
  login === undefined ? `${machine} (about to be made)` : `${machine} (${login.host})`;

/**
 * The steps of a swap, in the order in which `up` takes them.
 *
 * @param tenant the host that is on the former machine after the edit; undefined: none
 */
export function swapSteps(
  swap: Swap,
  facts: SwapFacts,
  live: LiveCluster,
  tenant?: string,
): readonly string[] {
  return [...stepsOfNode(swap, facts, live), ...stepsOfServices(swap, facts, tenant)];
}

/** What ran besides Kafka, on whatever host: all but a raised `disk` leaves a machine behind. */
function stepsOfServices(
  { before, after }: Swap,
  { former }: SwapFacts,
  tenant: string | undefined,
): string[] {
  if (former !== "answers" || before.login?.hostKey === after.login?.hostKey) return [];
  const what = after.kafka === undefined ? "services" : "services besides Kafka";
  if (tenant !== undefined) {
    return [`${what} of ${before.host} on ${before.machine} make way for ${tenant}'s`];
  }
  return [`${what} of ${before.host} on ${before.machine} are stopped, their data stays`];
}

function stepsOfNode({ before, after }: Swap, facts: SwapFacts, live: LiveCluster): string[] {
  const { kafka } = after;
  const former =
    facts.former === "answers"
      ? `${place(before)} answers`
      : facts.former === "other"
        ? `another machine answers at the address of ${place(before)}, which is taken for gone`
        : `${place(before)} does not answer and is taken for gone`;
  if (kafka === undefined) return [former, `${place(after)} is prepared as ${after.host}`];
  const stop =
    facts.former === "answers" ? `Kafka is stopped on ${before.machine} and held` : undefined;
  const storage =
    facts.disk.kind === "formatted"
      ? `storage on ${place(after)} is formatted for node ${kafka.nodeId} already, and kept`
      : `storage on ${place(after)} is formatted: same cluster, node ${kafka.nodeId}, a new directory id`;
  if (live.kind !== "view")
    return [former, storage, "started with the others: no cluster lives yet"];
  const stale = live.view.quorum.voters.filter(({ id }) => id === kafka.nodeId);
  return [
    survivors(kafka, live.view),
    former,
    storage,
    ...(stop === undefined ? [] : [stop]),
    kafka.broker ? "started; its replicas fill until each is in sync" : "started; it catches up",
    ...stale.map(
      ({ id, directoryId }) => `voter ${id} with directory ${directoryId} leaves the quorum`,
    ),
    ...(stale.length > 0 ? [`voter ${kafka.nodeId} joins with its new directory`] : []),
  ];
}

function survivors(
  { nodeId, broker: isBroker }: GateNode,
  { quorum, topics }: ClusterView,
): string {
  const others = quorum.voters.filter(({ id }) => id !== nodeId);
  const lag = others.map(({ id, behindMs }) => `${id} (${behindMs} ms behind)`).join(", ");
  if (!isBroker) return `safe to begin: voters ${lag}; it keeps no partitions`;
  const partitions = topics.flatMap((topic) => topic.partitions);
  const held = partitions.filter(({ replicas }) => replicas.includes(nodeId)).length;
  return `safe to begin: voters ${lag}; all other replicas of its ${held} partitions are in sync`;
}
