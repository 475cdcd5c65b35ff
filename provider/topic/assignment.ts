/** Which replicas of a topic move, and what that costs: values in, values out. */
import type {
  PartitionState,
  Reassignment,
  RegisteredBroker,
  TopicPartitions,
} from "../admin/port";

/** How many partitions of a topic move at a time: a run that is killed leaves no more than these. */
export const BATCH = 10;

/** Node ids by partition, the preferred leader first. */
export type Placement = readonly (readonly number[])[];

/** What is declared of a topic's replicas. */
export interface ReplicaWant {
  readonly replicationFactor: number;
  /** Default: which brokers have them is nobody's concern. */
  readonly placement?: Placement | undefined;
}

export interface BrokerLoad extends RegisteredBroker {
  /** Replicas of all topics on it. */
  readonly replicas: number;
  readonly leaders: number;
}

/** What the cluster says. */
export interface ReplicaFacts {
  readonly topic: string;
  readonly partitions: readonly PartitionState[];
  /** Those of this topic that are under way. */
  readonly reassignments: readonly Reassignment[];
  readonly brokers: readonly BrokerLoad[];
  /** What is in force for this topic, wherever it is set. */
  readonly minInsyncReplicas: number;
}

/** A partition's replicas before and after, the preferred leader first. */
export interface ReplicaMove {
  readonly partition: number;
  /** Broker id, -1 if there is none. */
  readonly leader: number;
  readonly from: readonly number[];
  readonly to: readonly number[];
}

export interface MovePlan {
  /** To be begun, by partition. */
  readonly moves: readonly ReplicaMove[];
  /** Under way towards what is wanted: to be waited for. */
  readonly underWay: readonly ReplicaMove[];
  /** Partitions that are under way to somewhere else: to be taken back before anything is begun. */
  readonly takeBack: readonly number[];
  /** Why nothing of it may be begun, each tied to its property, with the remedy. Empty: it may. */
  readonly refusals: readonly string[];
}

/** Load by broker: what the planner goes by when it chooses. */
export function brokerLoads(
  brokers: readonly RegisteredBroker[],
  topics: readonly TopicPartitions[],
): BrokerLoad[] {
  const replicas = new Map<number, number>();
  const leaders = new Map<number, number>();
  const count = (map: Map<number, number>, id: number): unknown =>
    map.set(id, (map.get(id) ?? 0) + 1);
  for (const partition of topics.flatMap((topic) => topic.partitions)) {
    for (const id of partition.replicas) count(replicas, id);
    count(leaders, partition.leader);
  }
  return [...brokers]
    .sort((a, b) => a.id - b.id)
    .map(({ id, fenced }) => ({
      id,
      fenced,
      replicas: replicas.get(id) ?? 0,
      leaders: leaders.get(id) ?? 0,
    }));
}

/** Where a move under way leads to. */
export const targetOf = ({ replicas, removing }: Reassignment): readonly number[] =>
  without(replicas, removing);

/** Replicas by partition as they are, or will be once what is under way has ended. */
export function settledReplicas(
  partitions: readonly PartitionState[],
  reassignments: readonly Reassignment[],
): Placement {
  const moving = new Map(reassignments.map((one) => [one.partition, one]));
  return [...partitions]
    .sort((a, b) => a.partition - b.partition)
    .map(({ partition, replicas }) => {
      const move = moving.get(partition);
      return move === undefined ? replicas : targetOf(move);
    });
}

/** Whether these replicas of a partition are as wanted. */
export function meets(want: ReplicaWant, partition: number, replicas: readonly number[]): boolean {
  const place = want.placement?.[partition];
  return place === undefined
    ? replicas.length === want.replicationFactor
    : sameList(place, replicas);
}

export const adding = ({ from, to }: Pick<ReplicaMove, "from" | "to">): readonly number[] =>
  without(to, from);
export const removing = ({ from, to }: Pick<ReplicaMove, "from" | "to">): readonly number[] =>
  without(from, to);

/** Moves in the portions in which they are made. */
export function inBatches<T>(moves: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(moves.length / BATCH) }, (_, i) =>
    moves.slice(i * BATCH, (i + 1) * BATCH),
  );
}

/**
 * The same facts and wants give the same plan. Partitions that are not there yet are left out: they are
 * made where they belong.
 */
export function planMoves(want: ReplicaWant, facts: ReplicaFacts): MovePlan {
  const chooser = new Chooser(facts.brokers);
  const reassigned = new Map(facts.reassignments.map((one) => [one.partition, one]));
  const moves: ReplicaMove[] = [];
  const underWay: ReplicaMove[] = [];
  const takeBack: number[] = [];
  for (const state of [...facts.partitions].sort((a, b) => a.partition - b.partition)) {
    const { partition, leader } = state;
    const running = reassigned.get(partition);
    const from = running === undefined ? state.replicas : without(running.replicas, running.adding);
    if (running !== undefined) {
      const to = targetOf(running);
      if (meets(want, partition, to)) {
        underWay.push({ partition, leader, from, to });
        continue;
      }
      takeBack.push(partition);
    }
    if (meets(want, partition, from)) continue;
    const to = want.placement?.[partition] ?? chooser.choose(state, from, want.replicationFactor);
    moves.push({ partition, leader, from, to });
  }
  return { moves, underWay, takeBack, refusals: refusals(want, moves, facts) };
}

/** Gives replicas to the brokers that have the fewest, and counts what it has given. */
class Chooser {
  private readonly load: Map<number, BrokerLoad>;

  constructor(brokers: readonly BrokerLoad[]) {
    this.load = new Map(brokers.map((broker) => [broker.id, broker]));
  }

  choose(
    { leader, isr }: PartitionState,
    from: readonly number[],
    factor: number,
  ): readonly number[] {
    const kept = [...from];
    while (kept.length > factor) {
      const [victim] = kept.filter((id) => id !== leader).sort(this.goesFirst(isr));
      if (victim === undefined) break;
      kept.splice(kept.indexOf(victim), 1);
      this.count(victim, -1);
    }
    while (kept.length < factor) {
      const [next] = [...this.load.values()]
        .filter(({ id, fenced }) => !fenced && !kept.includes(id))
        .sort(byLoad);
      if (next === undefined) break;
      kept.push(next.id);
      this.count(next.id, 1);
    }
    // The order says who is to lead. Where the first one goes, that is the broker which leads already.
    const keepsOrder = kept[0] === from[0] || !kept.includes(leader);
    return keepsOrder ? kept : [leader, ...without(kept, [leader])];
  }

  /** Replicas out of sync first, then those on the brokers that have the most. */
  private goesFirst(isr: readonly number[]): (a: number, b: number) => number {
    const known = (id: number): BrokerLoad =>
      this.load.get(id) ?? { id, fenced: true, replicas: 0, leaders: 0 };
    return (a, b) =>
      Number(isr.includes(a)) - Number(isr.includes(b)) || byLoad(known(b), known(a));
  }

  private count(id: number, change: number): void {
    const broker = this.load.get(id);
    if (broker !== undefined) {
      this.load.set(id, { ...broker, replicas: broker.replicas + change });
    }
  }
}

const byLoad = (a: BrokerLoad, b: BrokerLoad): number =>
  a.replicas - b.replicas || a.leaders - b.leaders || a.id - b.id;

function refusals(want: ReplicaWant, moves: readonly ReplicaMove[], facts: ReplicaFacts): string[] {
  const { brokers, minInsyncReplicas } = facts;
  const factor = want.replicationFactor;
  const found = new Set<string>();
  if (factor < minInsyncReplicas && moves.some(({ from }) => from.length > factor)) {
    found.add(
      `replicationFactor: ${factor} is below the topic's min.insync.replicas of ` +
        `${minInsyncReplicas}: no write would be acknowledged any more. Declare at least ` +
        `${minInsyncReplicas}, or lower the topic's min.insync.replicas first.`,
    );
  }
  const serving = brokers.filter(({ fenced }) => !fenced).map(({ id }) => id);
  for (const { partition, to } of moves) {
    const isPlaced = want.placement?.[partition] !== undefined;
    if (!isPlaced && to.length < factor) {
      found.add(
        `replicationFactor: ${factor} replicas need as many brokers, and ${serving.length} serve: ` +
          `${serving.join(", ")}. Declare at most ${serving.length}, or start more brokers.`,
      );
    }
    for (const id of to.filter((one) => !serving.includes(one))) {
      const isKnown = brokers.some((broker) => broker.id === id);
      const place = isPlaced ? `placement[${partition}]` : "replicationFactor";
      const has = isPlaced ? "" : `, which has a replica of partition ${partition},`;
      found.add(
        isKnown
          ? `${place}: broker ${id}${has} is fenced: it does not serve. Start it first` +
              (isPlaced ? ", or name another one." : ".")
          : `${place}: there is no broker ${id}${has} in the cluster, which has ` +
              `${brokers.map((broker) => broker.id).join(", ")}. ` +
              (isPlaced ? "Name one of them." : "Start it, or declare a placement without it."),
      );
    }
  }
  return [...found];
}

/** Why a partition must not begin its move now; undefined if it may. */
export function notYet(
  move: ReplicaMove,
  state: PartitionState | undefined,
  brokers: readonly RegisteredBroker[],
  minInsyncReplicas: number,
): string | undefined {
  const { partition, to } = move;
  if (state === undefined || state.leader < 0) return `partition ${partition} has no leader`;
  const serving = brokers.filter(({ fenced }) => !fenced).map(({ id }) => id);
  const away = without(to, serving);
  if (away.length > 0) return `broker ${away.join(", ")} does not serve (partition ${partition})`;
  const isr = state.isr.length;
  // What it comes to: Kafka adds first, and removes once all that were added are in sync.
  const inSync = new Set([...state.isr, ...adding(move)]);
  const after = without([...inSync], removing(move)).length;
  return after >= minInsyncReplicas || after >= isr
    ? undefined
    : `partition ${partition} would have ${after} replicas in sync, and min.insync.replicas is ${minInsyncReplicas}`;
}

export const sameList = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((item, i) => item === b[i]);

export const sameSet = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((item) => b.includes(item));

const without = (list: readonly number[], other: readonly number[]): readonly number[] =>
  list.filter((item) => !other.includes(item));
