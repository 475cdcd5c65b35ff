/** Settings that are changed while brokers run: what is in force, what is to be set, and the doing of it. */
import { sameValue } from "../../model/kafka/settings";
import type { AdminOptions, KafkaAdmin, RunTimeSettings } from "../admin/port";
import { asking, BRISK, isUnreachable, KafkaError, PATIENT } from "../admin/port";
import { waitFor } from "../wait";
import type { NodeHost } from "./hosts";
import { NodeError } from "./hosts";
import { isBroker, type RolloutNode } from "./node";
import { type Recorded, recordedAfter, recordedBefore, renderRecord } from "./record";
import type { RunTimeFacts, RunTimePlan } from "./run-time-plan";
import { inForce, planRunTime } from "./run-time-plan";
import type { Fingerprint, HostProbe } from "./stamp";

/** How long a broker may take to hear from the controllers what was set for it, ms. */
const SEEN_MS = 15_000;
const INTERVAL_MS = 100;

export interface RunTimeOptions {
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
  readonly done: (line: string) => void;
  readonly warn: (line: string) => void;
}

export class RunTime {
  /** What each broker said last; none of a broker that is down or silent. */
  private readonly live = new Map<string, RunTimeSettings>();
  /** Notes that were written since a host was last looked at. */
  private readonly records = new Map<string, Recorded>();
  private readonly told = new Set<string>();

  constructor(
    /** Speaks to one broker alone, at its own client listener. */
    private readonly connectTo: (server: string, options: AdminOptions) => KafkaAdmin,
    /** What the state has of a host. */
    private readonly former: (host: string) => Fingerprint | undefined,
    private readonly options: RunTimeOptions,
  ) {}

  /** Asks the broker what was set while it ran. Of a silent one nothing is known: its gate will tell. */
  async look(node: RolloutNode, probe: HostProbe): Promise<void> {
    this.live.delete(node.host);
    this.records.delete(node.host);
    // A controller alone keeps none of these settings: what changes there, a restart brings.
    if (probe.unit.active !== "active" || !isBroker(node)) return;
    try {
      this.live.set(node.host, await this.ask(node, BRISK));
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
    }
  }

  plan(node: RolloutNode, probe: HostProbe): RunTimePlan {
    return planRunTime(this.facts(node, probe));
  }

  /** Whether nothing is to be set or taken back on this host. */
  isDone(node: RolloutNode, probe: HostProbe): boolean {
    const { set, remove } = this.plan(node, probe);
    return Object.keys(set).length === 0 && remove.length === 0;
  }

  /** What the process was started with, and over that what was set since. */
  inForce(node: RolloutNode, probe: HostProbe): Fingerprint | undefined {
    return inForce(this.facts(node, probe));
  }

  /** Names what others have set, once each; nothing of it is changed. */
  tell(node: RolloutNode, probe: HostProbe): void {
    for (const { key, value, of } of this.plan(node, probe).foreign) {
      const wanted = node.want.properties[key];
      const text =
        of === "all brokers"
          ? `${key}=${value} was set as the default of all brokers while they run, by others, and is in ` +
            `force in place of ${wanted}. It is left alone. To end it: \`kafka-configs.sh ` +
            `--bootstrap-server ${node.address} --entity-type brokers --entity-default --alter ` +
            `--delete-config ${key}\``
          : `${node.host}: ${key}=${value} was set while it runs, by others, and is in force in place of ` +
            `${wanted}. It is left alone for now: the next preview shows it as a change, and \`up\` takes it back`;
      if (this.told.has(text)) continue;
      this.told.add(text);
      this.options.warn(text);
    }
  }

  /**
   * Sets what is to be set on all these hosts, and removes what is of no use any more. Kafka judges
   * the values of all of them before the first is set.
   */
  async apply(hosts: readonly { host: NodeHost; probe: HostProbe }[]): Promise<void> {
    const work = hosts.map(({ host, probe }) => ({
      host,
      probe,
      plan: this.plan(host.node, probe),
    }));
    for (const { host, plan } of work) await this.alter(host.node, plan, true);
    for (const { host, probe, plan } of work) {
      this.options.signal.throwIfAborted();
      await this.applyOne(host, probe, plan);
    }
  }

  private async applyOne(host: NodeHost, probe: HostProbe, plan: RunTimePlan): Promise<void> {
    const { node } = host;
    const recorded = recordedBefore(this.recorded(node.host, probe), plan.set);
    // The record first: were this run killed between the two, the next one would take what we set for
    // somebody else's.
    if (Object.keys(plan.set).length > 0) await host.record(renderRecord(recorded));
    await this.alter(node, plan, false);
    const live = await this.awaitSeen(node, plan);
    const after = recordedAfter(recorded, live);
    this.live.set(node.host, live);
    this.records.set(node.host, after);
    await host.record(renderRecord(after));
    const keys = Object.keys(plan.set);
    if (keys.length > 0) {
      this.options.done(
        `${node.host}: ${keys.join(", ")} changed while it runs, without a restart`,
      );
    }
  }

  private async alter(
    node: RolloutNode,
    { set, remove }: RunTimePlan,
    validateOnly: boolean,
  ): Promise<void> {
    await asking(this.connectTo(node.address, PATIENT), async (admin) => {
      try {
        await admin.alterRunTimeSettings(node.nodeId, set, remove, { validateOnly });
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        const values = Object.entries(set).map(([key, value]) => `${key}=${value}`);
        const what = [...values, ...remove.map((key) => `${key} (taken back)`)].join(", ");
        throw new NodeError(
          `${node.host}: ${what} cannot be changed while it runs: ${error.message}. ` +
            (error.kind === "refused"
              ? "Give values that Kafka takes, then run `pulumi up` again."
              : "Run `pulumi up` again: what was done already is kept."),
        );
      }
    });
  }

  private awaitSeen(node: RolloutNode, { set, remove }: RunTimePlan): Promise<RunTimeSettings> {
    const { signal, progress } = this.options;
    const what = `${node.host} to take over what was set while it runs`;
    const wait = { what, timeoutMs: SEEN_MS, intervalMs: INTERVAL_MS, signal, progress };
    return waitFor(wait, async () => {
      const live = await this.ask(node, PATIENT).catch((error: unknown) => {
        if (!isUnreachable(error)) throw error;
        return undefined;
      });
      if (live === undefined) return { pending: "it does not answer" };
      const missing = [
        ...Object.entries(set)
          .filter(([key, value]) => !sameValue("broker", key, live.own[key] ?? "", value))
          .map(([key]) => key),
        ...remove.filter((key) => live.own[key] !== undefined),
      ];
      return missing.length === 0 ? { done: live } : { pending: `not yet: ${missing.join(", ")}` };
    });
  }

  private ask(node: RolloutNode, options: AdminOptions): Promise<RunTimeSettings> {
    return asking(this.connectTo(node.address, options), (admin) =>
      admin.runTimeSettings(node.nodeId),
    );
  }

  private facts({ host, want }: RolloutNode, probe: HostProbe): RunTimeFacts {
    return {
      want,
      started: probe.started,
      former: this.former(host),
      recorded: this.recorded(host, probe),
      live: this.live.get(host),
    };
  }

  private recorded(host: string, probe: HostProbe): Recorded {
    return this.records.get(host) ?? probe.recorded ?? new Map<string, readonly string[]>();
  }
}
