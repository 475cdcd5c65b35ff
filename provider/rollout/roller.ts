/** The one routine behind create and update: whatever it finds, it goes on from there. */
import { WaitTimeoutError } from "../wait";
import type { Fence } from "./fence";
import type { NodeHost } from "./hosts";
import { messageOf, NodeError } from "./hosts";
import type { RollLease } from "./lease";
import { asReasons, type LiveCluster } from "./live-cluster";
import type { Move } from "./moves";
import { CAUGHT_UP_MS, unready } from "./gates";
import { controllerAddress, type RolloutNode } from "./node";
import type { Undone } from "./outputs";
import type { NodeVerdict } from "./plan";
import { differences, isUp, judge, nextToRoll, runsAs, stagingFault } from "./plan";
import type { RunTime } from "./run-time";
import type { HostProbe } from "./stamp";
import { being, inSync, type Verb } from "./telling";
import { settleVoters } from "./votes";

export interface RollerOptions {
  /** URN of the resource that stages a host's files. */
  readonly stagingUrn: (node: RolloutNode) => string;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
  /** Told when a node was started or restarted and serves. */
  readonly done: (line: string) => void;
}

/** What is known of each host that answers; kept up to date, so that a failure leaves the truth. */
export type Probes = Map<string, HostProbe>;

export class Roller {
  constructor(
    private readonly nodes: readonly RolloutNode[],
    private readonly hosts: ReadonlyMap<string, NodeHost>,
    private readonly cluster: LiveCluster,
    private readonly fence: Fence,
    private readonly probes: Probes,
    private readonly runTime: RunTime,
    /** Nodes that may run elsewhere and are still to be taken from there, by host. */
    private readonly moves: Map<string, Move>,
    /** Hosts of which the state does not say yet that their former machines are fenced. */
    private readonly unsettled: Set<string>,
    private readonly options: RollerOptions,
  ) {}

  /** Whether anything is to be started, restarted or fenced at all; needs the probes. */
  get idle(): boolean {
    if (this.moves.size > 0 || this.unsettled.size > 0 || this.toTune.length > 0) return false;
    if (this.inVerdict("down").length > 0 || this.inVerdict("differs").length > 0) return false;
    return this.toLift.length === 0;
  }

  /** What has to stay in the state as it was. */
  get undone(): Undone {
    const left = [...this.moves.values()].filter(({ last }) => last !== undefined);
    return {
      unmoved: new Set(left.map(({ node }) => node.host)),
      unsettled: new Set([...this.unsettled, ...this.moves.keys()]),
    };
  }

  async probeAll(): Promise<void> {
    await Promise.all([...this.hosts.values()].map((host) => this.probe(host)));
  }

  /** Nothing is started with files that this stack did not stage: a refusal before the first step. */
  assertStaged(): void {
    const concerned = [...this.inVerdict("down"), ...this.inVerdict("differs"), ...this.toTune];
    const faults = concerned.flatMap((host) => {
      const { want, stagedHash } = host.node;
      const urn = this.options.stagingUrn(host.node);
      const fault = stagingFault(want, stagedHash, this.probeOf(host), urn);
      return fault === undefined ? [] : [`${host.node.host}: ${fault}`];
    });
    if (faults.length > 0) throw new NodeError(faults.join("\n"));
  }

  /**
   * Starts all that is down, at once: nobody is served by it, and a first quorum needs several. Before that
   * the machines that its node has left, or was about to get, are fenced. A node that runs on one of them
   * is not started: it is to be moved from there, behind its gate.
   */
  async startAll(): Promise<void> {
    await Promise.all([...this.moves.values()].map((move) => this.fence.recognise(move)));
    const stay = [...this.hosts.values()].filter((host) => !this.moves.has(host.node.host));
    await this.together(stay, async (host) => {
      if (!(await this.fenceOthers(host))) return;
      const probe = this.probeOf(host);
      if (!isUp(probe)) {
        // What systemd starts over and over is in the cluster's eyes from time to time, and is known.
        if (!isLooping(probe)) await this.cluster.awaitNowhere(host);
        await this.startOne(host, "started");
      } else if (probe.held === true) await this.lift(host);
    });
  }

  /** False if the node runs on another machine, and is to be moved from there. */
  private async fenceOthers({ node }: NodeHost): Promise<boolean> {
    const { host, former } = node;
    const move = { node, from: former.machines };
    // Machines that were gone before are looked at again by the way, and not told of each time.
    const isTold = this.unsettled.has(host) || !isUp(this.probeOf(this.hostOf(host)));
    if (former.machines.length > 0 && !(await this.fence.holdIdle(move, isTold))) {
      this.moves.set(host, move);
      return false;
    }
    this.unsettled.delete(host);
    return true;
  }

  /**
   * Moves nodes to their machines, one at a time, each behind the gate of a restart: the processes elsewhere
   * are fenced, the new one started and awaited until its replicas are full, and then the voters are
   * changed. Where a run was cut off the new one may be up: it is taken as it is.
   */
  async moveAll(lease: RollLease): Promise<void> {
    for (const [name, move] of [...this.moves]) {
      const host = this.hostOf(name);
      await this.cluster.passGate(host, "taken from its former machine");
      await lease.assertHeld();
      this.options.signal.throwIfAborted();
      await this.fence.stop(move);
      // The fence may have stopped a process on a present machine: this one's, with another disk, or another's.
      await this.probeAll();
      const isNewUp = runsAs(host.node.nodeId, this.probeOf(host));
      if (!isNewUp && isLooping(this.probeOf(host))) await host.stop();
      // A new one that is up answers at its own listeners, and has its own place in the cluster.
      await this.fence.awaitRelease(move, async () =>
        isNewUp ? [] : await asReasons(() => this.cluster.countedIn(host.node)),
      );
      this.moves.delete(name);
      this.unsettled.delete(name);
      if (isNewUp) await this.orJournal(host, () => this.cluster.awaitBack(host));
      else await this.startOne(host, "started");
      if (this.probeOf(host).held === true) await this.lift(host);
      await this.settleVoters();
    }
  }

  /** Changes the quorum's voters, step by step, until they are the controllers that are where they ought to be. */
  settleVoters(): Promise<void> {
    const settled = this.nodes.filter(({ host }) => !this.moves.has(host));
    return settleVoters(settled, this.cluster, this.options);
  }

  /**
   * A process with all that is wanted may not serve yet, or may die for ever: systemd starts it again
   * by itself, also with files that were staged after its last death.
   */
  async awaitAll(): Promise<void> {
    await this.together([...this.hosts.values()], (host) =>
      this.orJournal(host, () => this.cluster.awaitBack(host)),
    );
  }

  /** Names what others have set while brokers run; nothing of it is changed. */
  tellForeign(): void {
    for (const host of this.hosts.values()) this.runTime.tell(host.node, this.probeOf(host));
  }

  private async together(
    hosts: readonly NodeHost[],
    work: (host: NodeHost) => Promise<void>,
  ): Promise<void> {
    const outcomes = await Promise.allSettled(hosts.map(work));
    const failures = outcomes.flatMap((one) =>
      one.status === "rejected" ? [messageOf(one.reason)] : [],
    );
    this.options.signal.throwIfAborted();
    if (failures.length > 0) throw new NodeError(failures.join("\n"));
  }

  /** Changes what can be changed while brokers run, and restarts what differs, one at a time, each behind its gate. */
  async rollAll(lease: RollLease): Promise<void> {
    for (;;) {
      await this.runTime.apply(this.toTune.map((host) => ({ host, probe: this.probeOf(host) })));
      const left = this.inVerdict("differs").map((host) => host.node);
      if (left.length === 0) return;
      const view = await this.cluster.look(this.cluster.admin).catch(() => undefined);
      const next = nextToRoll(
        left.map((node) => ({ ...node, isController: controllerAddress(node) !== undefined })),
        view === undefined ? new Set() : unready(view, CAUGHT_UP_MS),
        view?.quorum.leaderId,
      );
      if (next === undefined) return;
      const host = this.hostOf(next.host);
      await this.cluster.passGate(host, "restarted");
      // The last look before the point of no return.
      await lease.assertHeld();
      this.options.signal.throwIfAborted();
      await this.startOne(host, "restarted");
    }
  }

  private hostOf(name: string): NodeHost {
    const host = this.hosts.get(name);
    if (host === undefined)
      throw new Error(`no host is open for ${name}: a fault of this provider`);
    return host;
  }

  /** (Re)starts one node and waits until it is fully back. */
  private async startOne(host: NodeHost, verb: Verb): Promise<void> {
    const { node } = host;
    this.options.progress(being(verb, node.host));
    await this.orJournal(host, async () => {
      await host.start();
      await this.cluster.awaitBack(host);
    });
    const wrong = differences(node.want, (await this.probe(host)).started);
    if (wrong.length > 0) {
      throw new NodeError(
        `${node.host}: it was ${verb}, but not with what is wanted: ${wrong.join(", ")}. ` +
          "Were its files or its unit changed by hand meanwhile? Run `pulumi up` again.",
      );
    }
    this.options.done(inSync(verb, node.host));
  }

  private async orJournal(host: NodeHost, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!this.options.signal.aborted) await this.probe(host).catch(() => undefined);
      if (!(error instanceof NodeError) && !(error instanceof WaitTimeoutError)) throw error;
      throw await this.withJournal(host, error.message);
    }
  }

  private async withJournal(host: NodeHost, message: string): Promise<NodeError> {
    return new NodeError(
      `${message}\n  The last lines of its journal:\n${await host.journal()}\n` +
        "  Mend what they name and run `pulumi up` again. The other brokers were left as they are.",
    );
  }

  private async probe(host: NodeHost): Promise<HostProbe> {
    const probe = await host.probe();
    this.probes.set(host.node.host, probe);
    await this.runTime.look(host.node, probe);
    return probe;
  }

  private probeOf(host: NodeHost): HostProbe {
    const probe = this.probes.get(host.node.host);
    if (probe === undefined) throw new Error(`${host.node.host} was not looked at`);
    return probe;
  }

  private inVerdict(verdict: NodeVerdict): NodeHost[] {
    return [...this.hosts.values()].filter((host) => this.verdictOn(host) === verdict);
  }

  /** What can be changed while the broker runs is no reason to restart it. */
  private verdictOn(host: NodeHost): NodeVerdict {
    const probe = this.probeOf(host);
    const verdict = judge(host.node.want, probe);
    if (verdict !== "differs") return verdict;
    return this.runTime.plan(host.node, probe).restart.length > 0 ? verdict : "current";
  }

  /** Hosts on which Kafka runs and would not be started by a boot: a fence there was cut off. */
  private get toLift(): NodeHost[] {
    return [...this.hosts.values()].filter((host) => {
      const probe = this.probeOf(host);
      return isUp(probe) && probe.held === true;
    });
  }

  private async lift(host: NodeHost): Promise<void> {
    await host.lift();
    await this.probe(host);
    this.options.done(`${host.node.host}: the hold on its Kafka is lifted`);
  }

  /** Hosts on which something is to be changed while the broker runs, by name. */
  private get toTune(): NodeHost[] {
    return this.inVerdict("current")
      .filter((host) => !this.runTime.isDone(host.node, this.probeOf(host)))
      .sort((a, b) => (a.node.host < b.node.host ? -1 : 1));
  }
}

/** systemd starts it over and over, as it dies. */
const isLooping = ({ unit }: HostProbe): boolean => unit.active === "activating";
