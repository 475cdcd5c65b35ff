import type {
  KafkaAdmin,
  LiveTopic,
  PartitionState,
  Reassignment,
  RegisteredBroker,
} from "../../../provider/admin/port";
import { KafkaError } from "../../../provider/admin/port";
import { adminWith } from "./admin-with";

/** Bytes of each partition. */
const SIZE = 1_000;

interface Partition {
  leader: number;
  replicas: readonly number[];
  isr: readonly number[];
  adding: readonly number[];
  removing: readonly number[];
  /** Bytes that replicas out of sync have. */
  readonly copied: Map<number, number>;
}

/**
 * One topic's cluster in memory, by Kafka's rules: a move adds replicas first, which are in sync after some
 * steps, and then removes. Each question that is asked is a step. Like KRaft it keeps the order of a target,
 * and loses that of what is taken back.
 */
export class ModelCluster {
  readonly topic = "red";
  readonly config: Record<string, string> = {};
  /** Of each partition, without keys, and old. */
  records = 0n;
  readonly rates = new Map<number, number>();
  /** What was seen that must not be, in words. */
  readonly faults: string[] = [];
  /** Names of the methods that were called. */
  readonly asked: string[] = [];
  private readonly down = new Set<number>();
  private readonly partitions: Partition[];
  private readonly floors: number[];

  constructor(
    private readonly brokers: readonly number[],
    placement: readonly (readonly number[])[],
    private readonly minInsyncReplicas: number,
    /** Bytes that a replica takes over in one step. */
    private readonly pace = SIZE / 2,
  ) {
    this.partitions = placement.map((replicas) => ({
      leader: replicas[0]!,
      replicas,
      isr: replicas,
      adding: [],
      removing: [],
      copied: new Map(),
    }));
    this.floors = placement.map((replicas) => Math.min(replicas.length, minInsyncReplicas));
  }

  get placement(): readonly (readonly number[])[] {
    return this.partitions.map(({ replicas }) => replicas);
  }

  get leaders(): readonly number[] {
    return this.partitions.map(({ leader }) => leader);
  }

  get moving(): readonly Reassignment[] {
    return this.partitions.flatMap(({ replicas, adding, removing }, partition) =>
      adding.length + removing.length === 0
        ? []
        : [{ topic: this.topic, partition, replicas, adding, removing }],
    );
  }

  get state(): readonly PartitionState[] {
    return this.partitions.map(({ leader, replicas, isr }, partition) => {
      return { partition, leader, replicas, isr };
    });
  }

  get registered(): readonly RegisteredBroker[] {
    return this.brokers.map((id) => ({ id, fenced: this.down.has(id) }));
  }

  stop(broker: number): void {
    this.down.add(broker);
    this.settle();
  }

  start(broker: number): void {
    this.down.delete(broker);
    this.settle();
  }

  /** Time passes: replicas that are out of sync copy, and moves whose replicas are in sync end. */
  step(): void {
    for (const one of this.partitions) {
      for (const id of one.replicas) {
        if (one.isr.includes(id) || this.down.has(id) || one.leader < 0) continue;
        const bytes = (one.copied.get(id) ?? 0) + this.pace;
        one.copied.set(id, bytes);
        if (bytes >= SIZE) one.isr = [...one.isr, id];
      }
    }
    this.settle();
  }

  /** @param pauses how many turns of the event loop each answer takes, one after another */
  admin(pauses: readonly number[] = [0]): KafkaAdmin {
    let calls = 0;
    const answer = async <T>(name: string, work: () => T): Promise<T> => {
      this.asked.push(name);
      for (let i = pauses[calls++ % pauses.length]!; i >= 0; i--) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      this.step();
      return work();
    };
    return adminWith({
      describeTopic: () => answer("describeTopic", () => this.live()),
      listPartitions: () =>
        answer("listPartitions", () => [{ topic: this.topic, partitions: this.state }]),
      kafkaRelease: () => answer("kafkaRelease", () => undefined),
      offsets: (_, partitions, at) =>
        answer("offsets", () => {
          const offset = at === "earliest" ? 0n : this.records;
          return new Map(partitions.map((partition) => [partition, offset]));
        }),
      sampleRecords: () => answer("sampleRecords", () => ({ keyed: 0, unkeyed: 1 })),
      listBrokers: () => answer("listBrokers", () => this.registered),
      listReassignments: () => answer("listReassignments", () => this.moving),
      reassign: (_, targets) =>
        answer("reassign", () => {
          for (const [partition, target] of targets) {
            if (target === null) this.takeBack(partition);
            else this.begin(partition, target);
          }
          this.settle();
        }),
      alterTopicConfig: (_, set, remove) =>
        answer("alterTopicConfig", () => {
          Object.assign(this.config, set);
          for (const key of remove) delete this.config[key];
        }),
      replicationThrottles: () =>
        answer(
          "replicationThrottles",
          () => new Map([...this.rates].filter(([id]) => !this.down.has(id))),
        ),
      throttleReplication: (ids, rate) =>
        answer("throttleReplication", () => {
          for (const id of ids) {
            if (this.down.has(id)) throw new KafkaError("unreachable", `broker ${id} is down`);
            if (rate === undefined) this.rates.delete(id);
            else this.rates.set(id, rate);
          }
        }),
      electPreferredLeaders: (_, partitions) =>
        answer("electPreferredLeaders", () => {
          for (const partition of partitions) {
            const one = this.partitions[partition]!;
            const [first] = one.replicas;
            if (one.isr.includes(first!) && !this.down.has(first!)) one.leader = first!;
          }
        }),
      replicaSizes: () =>
        answer("replicaSizes", () => {
          const up = this.brokers.filter((id) => !this.down.has(id));
          return new Map(up.map((id) => [id, this.sizesOn(id)]));
        }),
    });
  }

  live(): LiveTopic {
    return {
      topic: this.topic,
      topicId: "id",
      partitions: this.state,
      config: { ...this.config },
      minInsyncReplicas: this.minInsyncReplicas,
    };
  }

  private sizesOn(broker: number): Map<string, number> {
    return new Map(
      this.partitions.flatMap(({ replicas, isr, copied }, partition): [string, number][] => {
        if (!replicas.includes(broker)) return [];
        const bytes = isr.includes(broker) ? SIZE : (copied.get(broker) ?? 0);
        return [[`${this.topic}-${partition}`, bytes]];
      }),
    );
  }

  private begin(partition: number, target: readonly number[]): void {
    const one = this.partitions[partition]!;
    const unknown = target.filter((id) => !this.brokers.includes(id));
    if (unknown.length > 0 || new Set(target).size < target.length || target.length === 0) {
      const message = `partition ${partition}: ${target.join(",")}`;
      throw new KafkaError("refused", message, "INVALID_REPLICA_ASSIGNMENT");
    }
    const before = minus(one.replicas, one.adding);
    one.adding = minus(target, before);
    one.removing = minus(before, target);
    one.replicas = [...target, ...one.removing];
    this.shrink(
      partition,
      one.isr.filter((id) => one.replicas.includes(id)),
    );
    for (const id of [...one.copied.keys()]) {
      if (!one.replicas.includes(id)) one.copied.delete(id);
    }
    this.assertThrottled(partition, one);
  }

  /** Whoever sends and whoever receives is named, and limited. */
  private assertThrottled(partition: number, { replicas, adding }: Partition): void {
    if (adding.length === 0) return;
    const named = (role: string): string[] =>
      (this.config[`${role}.replication.throttled.replicas`] ?? "").split(",");
    const all = [
      ...minus(replicas, adding).map((id) => [id, "leader"] as const),
      ...adding.map((id) => [id, "follower"] as const),
    ];
    for (const [id, role] of all) {
      const isNamed = named(role).some((one) => one === `${partition}:${id}` || one === "*");
      if (!isNamed) this.faults.push(`${partition}:${id} copies as a ${role} that is not named`);
      if (!this.rates.has(id) && !this.down.has(id)) this.faults.push(`broker ${id} has no limit`);
    }
  }

  private takeBack(partition: number): void {
    const one = this.partitions[partition]!;
    if (one.adding.length + one.removing.length === 0) {
      throw new KafkaError("refused", "none", "NO_REASSIGNMENT_IN_PROGRESS");
    }
    one.replicas = minus(one.replicas, one.adding);
    one.isr = minus(one.isr, one.adding);
    [one.adding, one.removing] = [[], []];
  }

  /** A move takes replicas out of those in sync. */
  private shrink(partition: number, isr: readonly number[]): void {
    const one = this.partitions[partition]!;
    const floor = Math.min(this.floors[partition]!, one.isr.length);
    if (this.down.size === 0 && isr.length < floor) {
      this.faults.push(`partition ${partition} is left with ${isr.length} in sync, not ${floor}`);
    }
    one.isr = isr;
  }

  /** What follows at once from what is. */
  private settle(): void {
    for (const [partition, one] of this.partitions.entries()) {
      // The last one in sync stays so: nobody else may lead.
      const up = one.isr.filter((id) => !this.down.has(id));
      if (up.length > 0 && up.length < one.isr.length) {
        for (const id of minus(one.isr, up)) one.copied.set(id, SIZE / 2);
        one.isr = up;
      }
      const { adding, removing, isr } = one;
      const target = minus(isr, removing);
      const isMoving = adding.length + removing.length > 0;
      if (isMoving && adding.every((id) => isr.includes(id)) && target.length > 0) {
        one.replicas = minus(one.replicas, removing);
        this.shrink(partition, target);
        [one.adding, one.removing] = [[], []];
      }
      if (!one.isr.includes(one.leader) || this.down.has(one.leader)) {
        const able = one.replicas.filter((id) => one.isr.includes(id) && !this.down.has(id));
        one.leader = able[0] ?? -1;
      }
    }
  }
}

const minus = (list: readonly number[], other: readonly number[]): readonly number[] =>
  list.filter((item) => !other.includes(item));
