import type { ConnectAdmin, KafkaAdmin, QuorumReplica } from "../../../provider/admin/port";
import { KafkaError } from "../../../provider/admin/port";
import type { Fingerprint } from "../../../provider/rollout/stamp";
import type { SimMachine, SimProcess, SimWorld } from "./sim-machine";
import { CLUSTER_ID } from "./sim-machine";

/** A broker's session outlives its process by this, ms. */
const SESSION_MS = 9_000;
/** As long as a broker takes from its start until its replicas are in sync, ms. */
const FILL_MS = 4_000;

/** What Kafka would say, were its nodes the processes of these machines. */
export class SimCluster {
  voters: { id: number; directoryId: string }[] = [];
  /** Who leads the quorum while it lives; else the first voter that does. */
  favourite = 0;
  /** The process that the cluster takes for each broker, and when it was last seen alive. */
  private readonly registered = new Map<number, { process: SimProcess; seenMs: number }>();

  constructor(
    private readonly machines: readonly SimMachine[],
    private readonly world: SimWorld,
  ) {}

  /** All processes, with the registrations as they are now. */
  private alive(): SimProcess[] {
    const now = this.world.now();
    const processes = this.machines.flatMap((one) => one.process ?? []);
    for (const [id, { process, seenMs }] of this.registered) {
      if (processes.includes(process)) this.registered.set(id, { process, seenMs: now });
      else if (now - seenMs > SESSION_MS) this.registered.delete(id);
    }
    for (const process of processes.filter(({ want }) => plays("broker", want))) {
      // A second process of the same broker is refused while the session of the first lasts.
      if (this.registered.has(process.nodeId)) continue;
      this.registered.set(process.nodeId, { process, seenMs: now });
    }
    return processes;
  }

  /** Of the brokers. Nobody joins or leaves for good. */
  private get brokerIds(): number[] {
    const ids = this.machines.flatMap(({ staged }) =>
      staged !== undefined && plays("broker", staged.want) ? staged.want.properties["node.id"] : [],
    );
    return [...new Set(ids.map(Number))];
  }

  private isServing(process: SimProcess | undefined): boolean {
    return process !== undefined && this.registered.get(process.nodeId)?.process === process;
  }

  private assertAnswers(server: string): void {
    this.alive();
    const [address, port] = server.split(":");
    const { process } = this.machines.find((one) => one.address === address && one.isOn) ?? {};
    const isOpen =
      port === "9093"
        ? process !== undefined && plays("controller", process.want)
        : this.isServing(process);
    if (isOpen) return;
    throw new KafkaError("unreachable", `${server}: connection refused`);
  }

  private inSync(): number[] {
    const now = this.world.now();
    return this.alive()
      .filter((one) => this.isServing(one) && now - one.startedMs >= FILL_MS)
      .map(({ nodeId }) => nodeId);
  }

  private quorum(): { leaderId: number; voters: QuorumReplica[]; observers: QuorumReplica[] } {
    const processes = this.alive();
    const lives = (one: { id: number; directoryId: string }): boolean =>
      processes.some(
        ({ nodeId, directoryId }) => nodeId === one.id && directoryId === one.directoryId,
      );
    const living = this.voters.filter(lives);
    const leader = living.find(({ id }) => id === this.favourite) ?? living[0];
    if (leader === undefined || living.length <= this.voters.length / 2) {
      throw new KafkaError("unreachable", "no controller answers as the leader of the quorum");
    }
    const replicas = processes.map((one) => ({
      id: one.nodeId,
      directoryId: one.directoryId,
      behindMs: 0,
    }));
    const votes = (one: QuorumReplica): boolean =>
      this.voters.some(({ id, directoryId }) => id === one.id && directoryId === one.directoryId);
    return {
      leaderId: leader.id,
      voters: this.voters.map((one) => ({ ...one, behindMs: lives(one) ? 0 : 99_999 })),
      observers: replicas.filter((one) => !votes(one)),
    };
  }

  /** Only the leader itself answers, and the brokers, which pass the question on to it. */
  private quorumAt(servers: readonly string[]): ReturnType<SimCluster["quorum"]> {
    const quorum = this.quorum();
    const answers = servers.some((server) => {
      const [address, port] = server.split(":");
      const { process } = this.machines.find((one) => one.address === address && one.isOn) ?? {};
      if (port === "9092") return this.isServing(process);
      return process !== undefined && process.nodeId === quorum.leaderId;
    });
    if (answers) return quorum;
    const asked = servers.join(",");
    throw new KafkaError("unreachable", `no controller answers as the leader (${asked})`);
  }

  private change(what: string, work: () => void): void {
    this.world.step(what, "before");
    this.quorum();
    work();
    this.world.step(what, "after");
  }

  /** Promises, as the port has them: what is thrown is a rejection. */
  readonly connect: ConnectAdmin = (servers) => {
    const ask =
      <A extends readonly unknown[], T>(answer: (...args: A) => T) =>
      (...args: A): Promise<T> =>
        new Promise((resolve) => resolve(answer(...args)));
    const asked =
      <A extends readonly unknown[], T>(answer: (...args: A) => T) =>
      (...args: A): Promise<T> =>
        ask((...given: A) => {
          const errors = servers.flatMap((server) => {
            try {
              this.assertAnswers(server);
              return [];
            } catch (error) {
              return [error];
            }
          });
          if (errors.length === servers.length) throw errors[0];
          return answer(...given);
        })(...args);
    const admin: Partial<KafkaAdmin> = {
      ping: ask((server: string) => this.assertAnswers(server)),
      clusterId: asked(() => CLUSTER_ID),
      listBrokers: asked(() => {
        this.alive();
        return this.brokerIds.map((id) => ({ id, fenced: !this.registered.has(id) }));
      }),
      listPartitions: asked(() => {
        const isr = this.inSync();
        const partition = { partition: 0, leader: isr[0] ?? -1, replicas: this.brokerIds, isr };
        return [{ topic: "red", partitions: [partition] }];
      }),
      describeQuorum: ask((servers: readonly string[]) => this.quorumAt(servers)),
      addVoter: ask((_leader: string, { id, directoryId }) =>
        this.change(`add voter ${id} ${directoryId}`, () => {
          if (this.voters.some((one) => one.id === id)) {
            throw new KafkaError("refused", `${id} votes already`, "DUPLICATE_VOTER");
          }
          this.voters.push({ id, directoryId });
        }),
      ),
      removeVoter: ask((_leader: string, { id, directoryId }) =>
        this.change(`remove voter ${id} ${directoryId}`, () => {
          this.voters = this.voters.filter((one) => one.directoryId !== directoryId);
        }),
      ),
      logSizes: ask(() => new Map<string, number>()),
      runTimeSettings: asked(() => ({ own: {}, defaults: {} })),
      describeFeatures: asked(() => ({ supported: {}, finalized: {} })),
      close: () => Promise.resolve(),
    };
    return admin as KafkaAdmin;
  };
}

const plays = (role: "broker" | "controller", want: Fingerprint): boolean =>
  (want.properties["process.roles"] ?? "").split(",").includes(role);
