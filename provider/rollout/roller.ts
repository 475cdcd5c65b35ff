/** The one routine behind create and update: whatever it finds, it goes on from there. */
import type { KafkaAdmin } from "../admin/port";
import { asking, KafkaError } from "../admin/port";
import { waitFor, WaitTimeoutError } from "../wait";
import { fillText, replicaFill, type Fill } from "./fill";
import type { ClusterView } from "./gates";
import { blockers, CAUGHT_UP_MS, notBack } from "./gates";
import type { NodeHost } from "./hosts";
import { messageOf, NodeError } from "./hosts";
import type { RollLease } from "./lease";
import { asVoter, controllerAddress, isBroker, type Move, type RolloutNode } from "./node";
import type { NodeVerdict } from "./plan";
import { differences, judge, nextToRoll, stagingFault } from "./plan";
import type { RunTime } from "./run-time";
import type { HostProbe } from "./stamp";
import { planVoters } from "./voters";

/** How long the others may take to be well enough for one to go down, ms. */
const GATE_MS = 120_000;
const GATE_INTERVAL_MS = 1_000;
const WATCH_INTERVAL_MS = 500;
/** The leader answers a change of the voters once it is committed; the tries before wait for its links. */
const VOTERS_MS = 60_000;
/** A broker that dies once may have met a port or a session of its former life; twice is no accident. */
const DEATHS = 2;

export interface RollerOptions {
  /** URN of the resource that stages a host's files. */
  readonly stagingUrn: (host: string) => string;
  readonly startTimeoutMs: number;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
  /** Told when a node was started or restarted and serves. */
  readonly done: (line: string) => void;
}

/** What is known of each host that answers; kept up to date, so that a failure leaves the truth. */
export type Probes = Map<string, HostProbe>;

export class Roller {
  /** Nodes that are still to leave their former machines, by host. */
  private readonly moves: Map<string, Move>;

  constructor(
    private readonly nodes: readonly RolloutNode[],
    private readonly hosts: ReadonlyMap<string, NodeHost>,
    private readonly admin: KafkaAdmin,
    /** Speaks to one broker alone, at its own client listener. */
    private readonly connectTo: (server: string) => KafkaAdmin,
    private readonly probes: Probes,
    private readonly runTime: RunTime,
    moves: readonly Move[],
    private readonly options: RollerOptions,
  ) {
    this.moves = new Map(moves.map((move) => [move.node.host, move]));
  }

  /** Whether anything is to be started or restarted at all; needs the probes. */
  get idle(): boolean {
    if (this.moves.size > 0 || this.toTune.length > 0) return false;
    return this.inVerdict("down").length === 0 && this.inVerdict("differs").length === 0;
  }

  /** Hosts whose node is still what the last run left, on its former machine. */
  get unmoved(): ReadonlySet<string> {
    return new Set(this.moves.keys());
  }

  async probeAll(): Promise<void> {
    await Promise.all([...this.hosts.values()].map((host) => this.probe(host)));
  }

  /** Nothing is started with files that this stack did not stage: a refusal before the first step. */
  assertStaged(): void {
    const concerned = [...this.inVerdict("down"), ...this.inVerdict("differs"), ...this.toTune];
    const faults = concerned.flatMap((host) => {
      const { want, stagedHash } = host.node;
      const urn = this.options.stagingUrn(host.node.host);
      const fault = stagingFault(want, stagedHash, this.probeOf(host), urn);
      return fault === undefined ? [] : [`${host.node.host}: ${fault}`];
    });
    if (faults.length > 0) throw new NodeError(faults.join("\n"));
  }

  /**
   * Starts all that is down, at once: nobody is served by it, and a first quorum needs several. A node
   * that moves is not down: it may still run where it was.
   */
  async startAll(): Promise<void> {
    const down = this.inVerdict("down").filter((host) => !this.moves.has(host.node.host));
    await this.together(down, (host) => this.startOne(host, "started"));
  }

  /**
   * Moves nodes to their new machines, one at a time, each behind the gate of a restart: the former
   * process is fenced, the new one started on its empty disk and awaited until its replicas are full, and
   * then the voters are changed.
   */
  async moveAll(lease: RollLease, fence: (move: Move) => Promise<void>): Promise<void> {
    for (const [name, move] of [...this.moves]) {
      const host = this.hostOf(name);
      await this.passGate(host, "taken from its former machine");
      await lease.assertHeld();
      this.options.signal.throwIfAborted();
      await fence(move);
      this.moves.delete(name);
      if (judge(host.node.want, this.probeOf(host)) === "down")
        await this.startOne(host, "started");
      else await this.orJournal(host, () => this.awaitBack(host));
      await this.settleVoters();
    }
  }

  /** Changes the quorum's voters, step by step, until they are the controllers of this rollout. */
  async settleVoters(): Promise<void> {
    const wanted = this.nodes.flatMap((node) => {
      const voter = asVoter(node);
      return voter === undefined ? [] : [{ host: node.host, voter }];
    });
    if (wanted.length === 0) return;
    let last = "";
    const wait = {
      what: "the quorum's voters to be the lab's controllers",
      timeoutMs: VOTERS_MS,
      intervalMs: GATE_INTERVAL_MS,
      signal: this.options.signal,
      progress: this.options.progress,
    };
    await waitFor(wait, async () => {
      const reasons = await asReasons(async () => {
        const quorum = await this.admin.describeQuorum(this.controllers);
        const step = planVoters(wanted, quorum, CAUGHT_UP_MS);
        if (step.kind === "done") return [];
        if (step.kind === "wait") return [...step.reasons];
        const leader = this.nodes.find(({ nodeId }) => nodeId === quorum.leaderId);
        const server = leader === undefined ? undefined : controllerAddress(leader);
        if (server === undefined) return [`voter ${quorum.leaderId} leads, which is no host's`];
        const { id, directoryId } = step.voter;
        last = `${step.host}: voter ${id} (directory ${directoryId})`;
        if (step.kind === "add") {
          await this.admin.addVoter(server, step.voter);
          this.options.done(`${last} joined the quorum`);
        } else {
          await this.admin.removeVoter(server, step.voter);
          this.options.done(`${last} left the quorum`);
        }
        return ["one step is done"];
      });
      return reasons.length === 0
        ? { done: undefined }
        : { pending: [last, ...reasons].filter((text) => text !== "").join(": ") };
    });
  }

  /**
   * A process with all that is wanted may not serve yet, or may die for ever: systemd starts it again
   * by itself, also with files that were staged after its last death.
   */
  async awaitAll(): Promise<void> {
    await this.together([...this.hosts.values()], (host) =>
      this.orJournal(host, () => this.awaitBack(host)),
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
      const view = await this.look(this.admin).catch(() => undefined);
      const fenced = new Set(view?.brokers.filter((one) => one.fenced).map((one) => one.id));
      const next = nextToRoll(left, fenced, view?.quorum.leaderId);
      if (next === undefined) return;
      const host = this.hostOf(next.host);
      await this.passGate(host, "restarted");
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

  private async passGate(
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
        const others = this.nodes.filter((one) => one !== node);
        const [silent, blocking] = await Promise.all([
          Promise.all(others.map((other) => this.silence(other))),
          asReasons(async () =>
            blockers(node.nodeId, await this.look(this.admin), this.gateOptions),
          ),
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

  /** (Re)starts one node and waits until it is fully back. */
  private async startOne(host: NodeHost, verb: "started" | "restarted"): Promise<void> {
    const { node } = host;
    this.options.progress(`${node.host}: being ${verb}`);
    await this.orJournal(host, async () => {
      await host.start();
      await this.awaitBack(host);
    });
    const wrong = differences(node.want, (await this.probe(host)).started);
    if (wrong.length > 0) {
      throw new NodeError(
        `${node.host}: it was ${verb}, but not with what is wanted: ${wrong.join(", ")}. ` +
          "Were its files or its unit changed by hand meanwhile? Run `pulumi up` again.",
      );
    }
    this.options.done(`${node.host}: ${verb}, and in sync`);
  }

  private awaitBack(host: NodeHost): Promise<void> {
    return asking(this.connectTo(host.node.address), (own) => this.awaitBackBy(host, own));
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

  /**
   * Why a node is not back. After an unclean end the cluster shows its former registration, unfenced
   * and in sync, until its session ends: 9 s by default. So the new process is asked, and for its own
   * view: it opens its client listener once it has replayed the metadata up to its new registration.
   */
  private async askNode(node: RolloutNode, own: KafkaAdmin): Promise<string[]> {
    const silent = await this.silence(node);
    if (silent.length > 0) return silent;
    return asReasons(async () => notBack(node, await this.look(own), this.gateOptions));
  }

  private async fillOf(node: RolloutNode): Promise<Fill | undefined> {
    if (!isBroker(node)) return undefined;
    const topics = await this.admin.listPartitions().catch(() => []);
    return replicaFill(node.nodeId, topics, (id) => {
      const broker = this.nodes.find(({ nodeId }) => nodeId === id);
      return broker === undefined ? undefined : this.connectTo(broker.address);
    });
  }

  /** Which of a node's own listeners do not answer. */
  private async silence(node: RolloutNode): Promise<string[]> {
    const listeners = new Set([node.address, controllerAddress(node) ?? []].flat());
    const answers = await Promise.all(
      [...listeners].map((server) => asReasons(() => this.admin.ping(server).then(() => []))),
    );
    return answers.flat().map((reason) => `${node.host} does not answer (${reason})`);
  }

  private async look(admin: KafkaAdmin): Promise<ClusterView> {
    const [brokers, topics, quorum] = await Promise.all([
      admin.listBrokers(),
      admin.listPartitions(),
      this.admin.describeQuorum(this.controllers),
    ]);
    return { brokers, topics, quorum };
  }

  /** Where the quorum's leader may be: on a machine that is about to be left, too. */
  private get controllers(): string[] {
    const former = [...this.moves.values()].flatMap((move) => move.former.listeners);
    return [...this.nodes.flatMap((node) => controllerAddress(node) ?? []), ...former];
  }

  private get gateOptions() {
    const members = this.nodes.filter(isBroker).map((node) => node.nodeId);
    return { members, caughtUpMs: CAUGHT_UP_MS };
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

  /** Hosts on which something is to be changed while the broker runs, by name. */
  private get toTune(): NodeHost[] {
    return this.inVerdict("current")
      .filter((host) => !this.runTime.isDone(host.node, this.probeOf(host)))
      .sort((a, b) => (a.node.host < b.node.host ? -1 : 1));
  }
}

/** A cluster that does not answer is a reason like any other. */
async function asReasons(ask: () => Promise<string[]>): Promise<string[]> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof KafkaError) return [error.message];
    throw error;
  }
}
