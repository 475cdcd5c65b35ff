/** What the cluster itself must say before a node may go down, be started, or count as back. */
import type { KafkaAdmin } from "../admin/port";
import { asking, KafkaError } from "../admin/port";
import { waitFor, WaitTimeoutError } from "../wait";
import { RELEASE_INTERVAL_MS, RELEASE_MS, stillAnswering } from "./fence";
import { fillText, replicaFill, type Fill } from "./fill";
import type { ClusterView } from "./gates";
import { blockers, CAUGHT_UP_MS, irreplaceable, notBack } from "./gates";
import type { NodeHost } from "./hosts";
import { NodeError } from "./hosts";
import type { FormerMachine } from "./former";
import type { Move } from "./moves";
import { controllerAddress, isBroker, listenersOf, type RolloutNode } from "./node";

/** How long the others may take to be well enough for one to go down, ms. */
const GATE_MS = 120_000;
const GATE_INTERVAL_MS = 1_000;
const WATCH_INTERVAL_MS = 500;
/** A broker that dies once may have met a port or a session of its former life; twice is no accident. */
const DEATHS = 2;

export interface LiveClusterOptions {
  readonly startTimeoutMs: number;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

export class LiveCluster {
  constructor(
    private readonly nodes: readonly RolloutNode[],
    readonly admin: KafkaAdmin,
    /** Speaks to one broker alone, at its own client listener. */
    private readonly connectTo: (server: string) => KafkaAdmin,
    /** Nodes that are still on other machines, or may be, by host. */
    private readonly moves: ReadonlyMap<string, Move>,
    /** Whether a former machine's address is another machine's by now. */
    private readonly isReplaced: (machine: FormerMachine) => boolean,
    private readonly options: LiveClusterOptions,
  ) {}

  /** Where the quorum's leader may be. */
  get controllers(): string[] {
    return [
      ...this.nodes.flatMap((node) => controllerAddress(node) ?? []),
      ...this.nodes.flatMap((node) => this.formerListeners(node).flat()),
    ];
  }

  /** Where a node that is still to be moved may answer, by machine. */
  private formerListeners({ host }: RolloutNode): (readonly string[])[] {
    const from = this.moves.get(host)?.from.filter((one) => !this.isReplaced(one)) ?? [];
    return from.map(({ listeners }) => listeners);
  }

  /** The controller listener at which a node leads the quorum; undefined for one that is no host's. */
  async leaderAt(leaderId: number): Promise<string | undefined> {
    const leader = this.nodes.find(({ nodeId }) => nodeId === leaderId);
    if (leader === undefined) return undefined;
    const former = this.formerListeners(leader).flatMap((listeners) => listeners.slice(-1));
    const places = [controllerAddress(leader) ?? [], former].flat();
    const [answering] = places.length > 1 ? await stillAnswering(places, this.admin) : [];
    return answering ?? places[0];
  }

  async passGate(
    host: NodeHost,
    what: "restarted" | "taken from its former machine",
  ): Promise<void> {
    const { node } = host;
    const wait = {
      what: `it to be safe that ${node.host} is ${what}`,
      timeoutMs: GATE_MS,
      intervalMs: GATE_INTERVAL_MS,
      signal: this.options.signal,
      progress: this.options.progress,
    };
    try {
      await waitFor(wait, async () => {
        const others = this.nodes.filter(
          (one) => one !== node && concerns(one, node) && !this.isJudgedByQuorum(one),
        );
        const [silent, blocking] = await Promise.all([
          Promise.all(others.map((other) => this.silence(other))),
          asReasons(async () => {
            const view = await this.look(this.admin, node);
            const lost = what === "restarted" ? [] : irreplaceable(node.nodeId, view.quorum);
            return [...lost, ...blockers(node.nodeId, view, this.gateOptions)];
          }),
        ]);
        const reasons = [...silent.flat(), ...blocking];
        return reasons.length === 0 ? { done: undefined } : { pending: reasons.join("; ") };
      });
    } catch (error) {
      if (!(error instanceof WaitTimeoutError)) throw error;
      throw new NodeError(
        `${node.host} was not ${what}: ${error.message}. All brokers were left running. Bring ` +
          "the others back first; the next `pulumi up` goes on from here.",
      );
    }
  }

  /**
   * Returns once the cluster does not count a node in whose unit is not running. A broker's session outlives
   * its process by seconds; one that stays is a process on a machine that this stack does not know.
   */
  async awaitNowhere({ node }: NodeHost): Promise<void> {
    const wait = {
      what: `the cluster to let go of ${node.host}'s last process`,
      timeoutMs: RELEASE_MS,
      intervalMs: RELEASE_INTERVAL_MS,
      signal: this.options.signal,
      progress: this.options.progress,
    };
    try {
      await waitFor(wait, async () => {
        // Without a leader nobody can tell, and what brokers remember of each other does not change.
        const reasons = await this.countedIn(node).catch((error: unknown) => {
          if (error instanceof KafkaError) return [];
          throw error;
        });
        return reasons.length === 0 ? { done: undefined } : { pending: reasons.join("; ") };
      });
    } catch (error) {
      if (!(error instanceof WaitTimeoutError)) throw error;
      throw new NodeError(
        `${node.host}: ${error.message}. It does not run on its machine (${node.login.host}), so it runs on ` +
          "one that this stack does not know, and was not started a second time. Stop it there " +
          "(`sudo systemctl disable --now kafka`) or switch that machine off, then run `pulumi up` again.",
      );
    }
  }

  /**
   * Why a node counts as running in the cluster's eyes; empty if it does not.
   *
   * @throws KafkaError while no leader of the quorum answers
   */
  async countedIn(node: RolloutNode): Promise<string[]> {
    const { nodeId } = node;
    // Brokers pass the question on: the leader itself may be on a machine that nobody knows.
    const brokers = this.nodes.filter(isBroker).map(({ address }) => address);
    const servers = [...this.controllers, ...brokers];
    const { voters, observers } = await this.admin.describeQuorum(servers);
    if (isBroker(node)) {
      const found = (await this.admin.listBrokers()).find(({ id }) => id === nodeId);
      return found === undefined || found.fenced ? [] : ["its broker is still counted in"];
    }
    const follows = [...voters, ...observers].some(
      ({ id, behindMs }) => id === nodeId && behindMs <= CAUGHT_UP_MS,
    );
    return follows ? ["its controller still follows the quorum's log"] : [];
  }

  awaitBack(host: NodeHost): Promise<void> {
    return asking(this.connectTo(host.node.address), (own) => this.awaitBackBy(host, own));
  }

  /**
   * All of the cluster, as this admin's servers see it. For a controller alone: the quorum, which is all
   * that matters to it, and which needs no broker to tell.
   */
  async look(admin: KafkaAdmin, node?: RolloutNode): Promise<ClusterView> {
    if (node !== undefined && !isBroker(node)) {
      const quorum = await this.admin.describeQuorum(this.controllers);
      return { brokers: [], topics: [], quorum };
    }
    const [brokers, topics, quorum] = await Promise.all([
      admin.listBrokers(),
      admin.listPartitions(),
      this.admin.describeQuorum(this.controllers),
    ]);
    return { brokers, topics, quorum };
  }

  private awaitBackBy(host: NodeHost, own: KafkaAdmin): Promise<void> {
    const { node } = host;
    let recovery = "";
    let filled = 0;
    let restarts: number | undefined;
    const wait = {
      what: `${node.host} to serve`,
      timeoutMs: this.options.startTimeoutMs,
      intervalMs: WATCH_INTERVAL_MS,
      signal: this.options.signal,
      progress: this.options.progress,
    };
    return waitFor(wait, async (extend) => {
      const [watch, reasons] = await Promise.all([host.watch(), this.askNode(node, own)]);
      restarts ??= watch.unit.restarts;
      const deaths = watch.unit.restarts - restarts;
      if (watch.unit.active === "failed" || deaths >= DEATHS) {
        throw new NodeError(`${node.host}: Kafka dies at its start`);
      }
      if (watch.unit.active !== "active") return { pending: `the unit is ${watch.unit.active}` };
      if (reasons.length === 0) return { done: undefined };
      // An empty disk takes as long as its bytes need; what grows is waited for.
      const fill = await this.fillOf(node);
      if (fill !== undefined) {
        if (fill.have > filled) extend();
        filled = fill.have;
        reasons.push(`${fillText(fill)} copied`);
      }
      // Recovery of logs after an unclean end takes its time; a restart would only begin it anew.
      if (watch.recovery !== "" && watch.recovery !== recovery) extend();
      recovery = watch.recovery;
      return { pending: [...reasons, recovery].filter((text) => text !== "").join("; ") };
    });
  }

  /**
   * Why a node is not back. After an unclean end the cluster shows its former registration, unfenced
   * and in sync, until its session ends: 9 s by default. So the new process is asked, and for its own
   * view: it opens its client listener once it has replayed the metadata up to its new registration.
   */
  private async askNode(node: RolloutNode, own: KafkaAdmin): Promise<string[]> {
    const silent = await this.silenceAt(node, listenersOf(node));
    if (silent.length > 0) return silent;
    return asReasons(async () => notBack(node, await this.look(own, node), this.gateOptions));
  }

  private async fillOf(node: RolloutNode): Promise<Fill | undefined> {
    if (!isBroker(node)) return undefined;
    const topics = await this.admin.listPartitions().catch(() => []);
    return replicaFill(node.nodeId, topics, (id) => {
      const broker = this.nodes.find(({ nodeId }) => nodeId === id);
      return broker === undefined ? undefined : this.connectTo(broker.address);
    });
  }

  /** Why a node answers neither on its machine nor, where it is still to leave one, there. */
  private async silence(node: RolloutNode): Promise<string[]> {
    const former = this.formerListeners(node);
    const [own = [], ...others] = await Promise.all(
      [listenersOf(node), ...former].map((listeners) => this.silenceAt(node, listeners)),
    );
    return others.some((reasons) => reasons.length === 0) ? [] : own;
  }

  /**
   * A controller alone that is to be moved itself may be dead, and must not keep another one from being
   * replaced for ever: the quorum tells within moments whether it counts.
   */
  private isJudgedByQuorum(node: RolloutNode): boolean {
    return this.moves.has(node.host) && !isBroker(node);
  }

  /** Which of these listeners do not answer. */
  private async silenceAt(node: RolloutNode, listeners: readonly string[]): Promise<string[]> {
    const answers = await Promise.all(
      listeners.map((server) => asReasons(() => this.admin.ping(server).then(() => []))),
    );
    return answers.flat().map((reason) => `${node.host} does not answer (${reason})`);
  }

  private get gateOptions() {
    const members = this.nodes.filter(isBroker).map((node) => node.nodeId);
    return { members, caughtUpMs: CAUGHT_UP_MS };
  }
}

/** Whether a node's silence keeps another one from going down: to a controller alone only controllers matter. */
function concerns(other: RolloutNode, node: RolloutNode): boolean {
  return isBroker(node) || controllerAddress(other) !== undefined;
}

/** A cluster that does not answer is a reason like any other. */
export async function asReasons(ask: () => Promise<string[]>): Promise<string[]> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof KafkaError) return [error.message];
    throw error;
  }
}
