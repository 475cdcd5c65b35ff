/** Limits on what moving replicas copy: which replicas are meant, and how much their brokers may copy. */
import type { KafkaAdmin } from "../admin/port";
import { adding, type ReplicaMove } from "./assignment";

const LEADERS = "leader.replication.throttled.replicas";
const FOLLOWERS = "follower.replication.throttled.replicas";
/** All replicas of the topic: we never write that, so someone else did. */
const ALL = "*";

type Config = Readonly<Record<string, string>>;

/**
 * The keys that name exactly the replicas of these moves: who sends, and who is to receive.
 *
 * @param others brokers that are still limited, for a later run to see: named too, though nothing moves there
 */
export function throttleKeys(
  moves: readonly ReplicaMove[],
  others: readonly number[] = [],
): Config {
  const copying = moves.filter((move) => adding(move).length > 0);
  const partition = copying[0]?.partition ?? 0;
  const pairs = (brokers: (move: ReplicaMove) => readonly number[]): string[] =>
    copying.flatMap((move) => brokers(move).map((id) => `${move.partition}:${id}`));
  const named = {
    [LEADERS]: pairs(({ from }) => from),
    [FOLLOWERS]: [...pairs(adding), ...others.map((id) => `${partition}:${id}`)],
  };
  return Object.fromEntries(
    Object.entries(named).flatMap(([key, list]) => (list.length === 0 ? [] : [[key, list.join()]])),
  );
}

/** The throttle keys on a topic that name single replicas: ours, or a tool's that has not cleaned up. */
export const keysOnTopic = (config: Config): string[] =>
  [LEADERS, FOLLOWERS].filter((key) => config[key] !== undefined && config[key] !== ALL);

/** Brokers that the throttle keys on a topic name. */
export const brokersOnTopic = (config: Config): number[] => [
  ...new Set(
    keysOnTopic(config).flatMap((key) =>
      (config[key] ?? "").split(",").flatMap((pair) => {
        const [, broker] = /^\d+:(\d+)$/.exec(pair.trim()) ?? [];
        return broker === undefined ? [] : [Number(broker)];
      }),
    ),
  ),
];

/**
 * Makes the keys on the topic these (see `throttleKeys`). What someone else set for all replicas stays.
 * Returns whether there was anything to do.
 *
 * @param ours whether this run has set keys already: a broker may not have heard of them yet
 */
export async function nameThrottled(
  admin: KafkaAdmin,
  topic: string,
  wanted: Config,
  ours: boolean,
): Promise<boolean> {
  const { config = {} } = (await admin.describeTopic(topic)) ?? {};
  const free = [LEADERS, FOLLOWERS].filter((key) => config[key] !== ALL);
  const set = Object.fromEntries(
    free.flatMap((key): [string, string][] => {
      const value = wanted[key];
      return value === undefined || config[key] === value ? [] : [[key, value]];
    }),
  );
  const remove = free.filter(
    (key) => wanted[key] === undefined && (ours || config[key] !== undefined),
  );
  if (Object.keys(set).length + remove.length === 0) return false;
  await admin.alterTopicConfig(topic, set, remove);
  return true;
}

export interface Cleared {
  /** Told to drop their limits. They tell of them for a moment longer. */
  readonly limited: readonly number[];
  /** Could not be asked, since they do not serve: they may keep theirs. */
  readonly away: readonly number[];
}

/**
 * The brokers' limits. They are the cluster's, not a topic's: topics that move at once in this process
 * share them, and the last one removes them. A limit that differs from ours is someone else's: it is
 * neither changed nor removed.
 */
export class BrokerThrottle {
  private readonly holders = new Map<number, number>();
  /** Set by this process. A broker that is asked may not have heard of it yet, or still believe in it. */
  private readonly ours = new Set<number>();
  /** One change at a time, so that nobody removes what another one has just found set. */
  private tail: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly admin: () => KafkaAdmin,
    /** Bytes a second. */
    private readonly rate: () => number,
  ) {}

  /** Keeps these brokers' limits from being cleared until they are let go. */
  hold(brokers: readonly number[]): void {
    for (const id of brokers) this.holders.set(id, (this.holders.get(id) ?? 0) + 1);
  }

  letGo(brokers: readonly number[]): void {
    for (const id of brokers) this.holders.set(id, Math.max(0, (this.holders.get(id) ?? 0) - 1));
  }

  /** Sets the limit where there is none. Returns others' limits, by broker: moves go by those. */
  limit(brokers: readonly number[]): Promise<ReadonlyMap<number, number>> {
    return this.alone(async () => {
      const rates = await this.admin().replicationThrottles();
      const others = [...rates].filter(
        ([id, rate]) => brokers.includes(id) && rate !== this.rate() && !this.ours.has(id),
      );
      const bare = brokers.filter(
        (id) =>
          !others.some(([other]) => other === id) &&
          !(this.ours.has(id) && rates.get(id) === this.rate()),
      );
      for (const id of bare) this.ours.add(id);
      if (bare.length > 0) await this.admin().throttleReplication(bare, this.rate());
      return new Map(others);
    });
  }

  /** Those of these brokers that tell of no limit yet. */
  async unheeded(brokers: readonly number[]): Promise<number[]> {
    const rates = await this.admin().replicationThrottles();
    return brokers.filter((id) => !rates.has(id));
  }

  /**
   * Removes our limits on those brokers that nobody holds any more: nobody here, and no replica that
   * another process moves.
   */
  clear(brokers: readonly number[]): Promise<Cleared> {
    return this.alone(async () => {
      const free = brokers.filter((id) => (this.holders.get(id) ?? 0) === 0);
      if (free.length === 0) return { limited: [], away: [] };
      const [rates, moving, known] = await Promise.all([
        this.admin().replicationThrottles(),
        this.admin().listReassignments(),
        this.admin().listBrokers(),
      ]);
      const busy = new Set(moving.flatMap(({ replicas }) => replicas));
      const idle = free.filter((id) => !busy.has(id));
      const isFenced = (id: number): boolean | undefined =>
        known.find((broker) => broker.id === id)?.fenced;
      const limited = idle.filter(
        (id) => isFenced(id) === false && (rates.get(id) === this.rate() || this.ours.has(id)),
      );
      if (limited.length > 0) await this.admin().throttleReplication(limited, undefined);
      for (const id of limited) this.ours.delete(id);
      return { limited, away: idle.filter(isFenced) };
    });
  }

  private alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.tail.then(work);
    this.tail = result.catch(() => undefined);
    return result;
  }
}
