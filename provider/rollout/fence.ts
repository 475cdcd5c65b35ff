/** Keeps a node from ever running on two machines. */
import { SshError } from "../../plugins/common/ssh";
import type { KafkaAdmin } from "../admin/port";
import { goneBecause } from "../ssh/gone";
import type { OpenShell } from "../ssh/port";
import { waitFor, WaitTimeoutError } from "../wait";
import type { FormerMachine } from "./former";
import { NodeError, NodeHost } from "./hosts";
import type { Move } from "./moves";
import { listenersOf, type RolloutNode } from "./node";
import { runsAs } from "./plan";
import { stopping } from "./telling";

/** A machine that is off is not waited for; one whose Kafka answers is on, and perhaps busy. */
const SHORT_DIAL = { retries: 0, dialTimeoutMs: 3_000 };
const PATIENT_DIAL = { retries: 2, dialTimeoutMs: 10_000 };
/** A broker whose process is gone counts as serving until its session ends: 9 s by default. */
export const RELEASE_MS = 60_000;
export const RELEASE_INTERVAL_MS = 500;

export interface FenceOptions {
  readonly service: string;
  readonly openShell: OpenShell;
  readonly admin: KafkaAdmin;
  /** All nodes, where they are wanted. */
  readonly nodes: readonly RolloutNode[];
  /** Their machines, logged in, by host. */
  readonly hosts: ReadonlyMap<string, NodeHost>;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
  readonly warn: (line: string) => void;
}

/** A machine that lets us in. */
interface Found {
  readonly machine: NodeHost;
  /** It is one of the lab's present ones: it stays logged in. */
  readonly isPresent: boolean;
}

export class Fence {
  /** Host keys of former machines that are gone from their address, or another cluster's by now. */
  private readonly replaced = new Set<string | undefined>();

  /** The cluster that the present machines' disks are formatted for; unknown before the first look. */
  private clusterId: string | undefined;

  constructor(private readonly options: FenceOptions) {}

  /**
   * Looks who serves at a node's former addresses. A machine with another host key is none that the node was
   * on, and one with another cluster's disk is that cluster's: it is neither waited for nor asked anything.
   */
  async recognise({ node, from }: Pick<Move, "node" | "from">): Promise<void> {
    const { service, openShell, signal, progress } = this.options;
    const work = from.map(async (former) => {
      if ((await this.answering([former])).length === 0) return;
      const { login } = former;
      const dial = { signal, status: progress, ...PATIENT_DIAL };
      try {
        const machine = await NodeHost.open({ ...node, login }, service, openShell, dial);
        await this.isAnotherClusters(former, machine).finally(() => machine.close());
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof SshError)) throw error;
        if (error.code === "host_key_mismatch") this.replaced.add(login.hostKey);
      }
    });
    await Promise.all(work);
  }

  /** Whether the machine is none of this cluster's any more, or another one is in its place. */
  isReplaced = ({ login }: FormerMachine): boolean => this.replaced.has(login.hostKey);

  /**
   * Holds Kafka on a node's other machines, where it does not run.
   *
   * @param told whether machines that are gone are warned of
   * @returns false if it does run on one of them, or something answers there: then nothing was done
   */
  async holdIdle({ node, from }: Move, told: boolean): Promise<boolean> {
    this.options.progress(`${node.host}: looking for Kafka on machines that it has left`);
    await this.recognise({ node, from });
    if ((await this.answering(from)).length > 0) return false;
    return this.on({ node, from }, told, async (found) => {
      const probes = await Promise.all(found.map(({ machine }) => machine.probe()));
      if (probes.some((probe) => runsAs(node.nodeId, probe))) return false;
      const open = found.filter((_, index) => probes[index]?.held !== true);
      await Promise.all(open.map((one) => this.hold(node, one)));
      return true;
    });
  }

  /**
   * Stops Kafka on the machines (or the disk) that a node leaves, and holds it there: no boot and no
   * `systemctl start` brings it back. A machine that is off, or whose address is another one's by now,
   * cannot be stopped and need not be; what still serves without letting us in is an error.
   */
  async stop(move: Move): Promise<void> {
    const { node, from } = move;
    const places = from.map(({ login }) => login.host).join(", ");
    this.options.progress(`${stopping(node.host)} (${places})`);
    await this.on(move, true, (found) => Promise.all(found.map((one) => this.hold(node, one))));
  }

  /**
   * Returns once no former listener answers any more, and the cluster does not count the old process in.
   *
   * @param countedIn why the cluster still does; nothing if the new process is up, whose place it has
   */
  async awaitRelease(
    { node, from }: Move,
    countedIn: () => Promise<readonly string[]>,
  ): Promise<void> {
    const { signal, progress, service } = this.options;
    const wait = {
      what: `the cluster to let go of ${node.host}'s former process`,
      timeoutMs: RELEASE_MS,
      intervalMs: RELEASE_INTERVAL_MS,
      signal,
      progress,
    };
    try {
      await waitFor(wait, async () => {
        const answering = await this.answering(from);
        const reasons = answering.map((server) => `${server} still answers`);
        reasons.push(...(await countedIn()));
        return reasons.length === 0 ? { done: undefined } : { pending: reasons.join("; ") };
      });
    } catch (error) {
      if (!(error instanceof WaitTimeoutError)) throw error;
      throw new NodeError(
        `${node.host}: ${error.message}. Two processes must not run as one node, so the new one was not ` +
          `started. Stop the former one by hand (\`sudo systemctl disable --now ${service}\` there, or ` +
          "switch that machine off), then run `pulumi up` again.",
      );
    }
  }

  /** Whether a former machine's disk was formatted for another cluster since; then it is left alone. */
  private async isAnotherClusters(former: FormerMachine, machine: NodeHost): Promise<boolean> {
    const { clusterId } = await machine.probe();
    if (clusterId === undefined) return false;
    for (const host of this.options.hosts.values()) {
      this.clusterId ??= (await host.probe()).clusterId;
      if (this.clusterId !== undefined) break;
    }
    if (this.clusterId === undefined || this.clusterId === clusterId) return false;
    this.replaced.add(former.login.hostKey);
    return true;
  }

  /** The listeners of these machines that still answer; an address may be a present node's by now, or a stranger's. */
  private answering(machines: readonly FormerMachine[]): Promise<string[]> {
    const present = new Set(this.options.nodes.flatMap(listenersOf));
    const servers = machines
      .filter((one) => !this.isReplaced(one))
      .flatMap(({ listeners }) => listeners);
    return stillAnswering(
      [...new Set(servers)].filter((server) => !present.has(server)),
      this.options.admin,
    );
  }

  /** Works on those of a node's other machines that let us in. */
  private async on<T>(
    { node, from, last }: Move,
    told: boolean,
    work: (found: readonly Found[]) => Promise<T>,
  ): Promise<T> {
    const outcomes = await Promise.allSettled(
      from.map((machine) => this.find(node, machine, machine === last)),
    );
    const found: Found[] = [];
    try {
      for (const outcome of outcomes) {
        if (outcome.status === "rejected") continue;
        if (typeof outcome.value !== "string") found.push(outcome.value);
        else if (told) {
          this.options.warn(`${node.host}: ${outcome.value}; it is taken for gone`);
        }
      }
      const failed = outcomes.find((outcome) => outcome.status === "rejected");
      if (failed !== undefined) throw failed.reason;
      return await work(found);
    } finally {
      found.filter(({ isPresent }) => !isPresent).forEach(({ machine }) => machine.close());
    }
  }

  /** Logs in, or says why the machine counts as gone. */
  private async find(
    node: RolloutNode,
    former: FormerMachine,
    isLast: boolean,
  ): Promise<Found | string> {
    const { hosts } = this.options;
    const { host, hostKey } = former.login;
    const present = [...hosts.values()].find((one) => one.node.login.hostKey === hostKey);
    if (present !== undefined) return { machine: present, isPresent: true };
    const machine = await this.enter(node, former, isLast);
    if (typeof machine === "string") return machine;
    try {
      if (!(await this.isAnotherClusters(former, machine))) return { machine, isPresent: false };
    } catch (error) {
      machine.close();
      throw error;
    }
    machine.close();
    return `its former machine (${host}) is another cluster's by now, and is left alone`;
  }

  /** What is lost after the login is an error: a machine that lets us in is not gone. */
  private async enter(
    node: RolloutNode,
    former: FormerMachine,
    isLast: boolean,
  ): Promise<NodeHost | string> {
    const { service, openShell, signal, progress } = this.options;
    const { login } = former;
    const isOn = (await this.answering([former])).length > 0;
    try {
      const dial = { signal, status: progress, ...(isOn ? PATIENT_DIAL : SHORT_DIAL) };
      return await NodeHost.open({ ...node, login }, service, openShell, dial);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof SshError)) throw error;
      const gone = goneBecause(login.host, error);
      if (gone !== undefined) return gone;
      if (!isLast && !isOn) {
        return `its former machine (${login.host}) lets nobody in, and no Kafka answers there`;
      }
      throw new NodeError(
        `${node.host}: its former machine answers, but Kafka cannot be stopped there: ` +
          `${error.message}. Stop it by hand (\`sudo systemctl disable --now ${service}\`) or switch ` +
          "that machine off, then run `pulumi up` again.",
      );
    }
  }

  private async hold(node: RolloutNode, { machine, isPresent }: Found): Promise<void> {
    if (isPresent && machine.node.nodeId !== node.nodeId) {
      // It is another node's by now, which is not to be held; only the process of this one must end.
      if (runsAs(node.nodeId, await machine.probe())) await machine.stop();
      return;
    }
    await machine.hold(
      `${node.host} was given another machine or disk; pi-lab holds Kafka here. It lifts this itself once ` +
        "the configuration names this machine again: never remove it while another one may run the node.",
    );
  }
}

/** Those of the servers that still answer. */
export async function stillAnswering(
  servers: readonly string[],
  admin: KafkaAdmin,
): Promise<string[]> {
  const answers = await Promise.all(
    servers.map((server) =>
      admin.ping(server).then(
        () => [server],
        () => [],
      ),
    ),
  );
  return answers.flat();
}
