/** A topic's replicas on the live cluster: what a look says of them, and the moving of them. */
import type { CallContext, PropertyMap } from "../../plugins/common/rpc";
import { InitFailedError } from "../../plugins/common/rpc";
import type { KafkaAdmin, LiveTopic, Reassignment } from "../admin/port";
import { KafkaError } from "../admin/port";
import type { ClusterAccess } from "../cluster";
import { planMoves } from "./assignment";
import { minIsrWanted } from "./config-change";
import { Mover } from "./mover";
import { asSecretAsKnown, observeTopic, type TopicSpec, type TopicState } from "./plan";
import { looksUnsettled, unfinishedReplicas } from "./replica-state";
import { replicaFacts } from "./replicas";
import { BrokerThrottle } from "./throttle";

export interface ObservedTopic extends TopicState {
  /** What moves have left to do, in words. No input stands for it: a diff shows it until an update did it. */
  readonly unfinished?: string[];
}

export class ReplicaMoves {
  /** Shared by all topics that this process moves. */
  private readonly throttle: BrokerThrottle;

  constructor(private readonly cluster: Pick<ClusterAccess, "admin" | "settings">) {
    this.throttle = new BrokerThrottle(
      () => this.admin,
      () => cluster.settings().reassignmentThrottle,
    );
  }

  /** Why the replicas must not be moved to where they are wanted; empty if they may, or need not. */
  async refusals(want: TopicSpec, live: LiveTopic): Promise<readonly string[]> {
    const facts = await replicaFacts(this.admin, live);
    const minInsyncReplicas = minIsrWanted(want, live);
    return planMoves(want, { ...facts, minInsyncReplicas }).refusals;
  }

  /** See `Mover.run`. A lower `min.insync.replicas` has been written already, a higher one not yet. */
  async run(want: TopicSpec, live: LiveTopic, context: CallContext): Promise<void> {
    const mover = new Mover(want.name, want, this.admin, this.throttle, context);
    await mover.run(Math.min(live.minInsyncReplicas, minIsrWanted(want, live)));
  }

  /**
   * What the state is to keep of the topic. A move under way is no drift: its partition is where it leads.
   *
   * @param known the outputs so far
   */
  async observe(known: TopicSpec, seen: LiveTopic): Promise<ObservedTopic> {
    const { live, reassignments } = await this.look(known, seen);
    const unfinished = unfinishedReplicas(live, reassignments);
    const state = observeTopic(known, live, reassignments);
    return unfinished.length === 0 ? state : { ...state, unfinished };
  }

  /** The topic with what is under way, which is asked for only where something points to it. */
  async look(
    known: TopicSpec,
    seen: LiveTopic,
  ): Promise<{ readonly live: LiveTopic; readonly reassignments: readonly Reassignment[] }> {
    if (!looksUnsettled(known, seen)) return { live: seen, reassignments: [] };
    const reassignments = await this.admin.listReassignments([known.name]);
    if (reassignments.length > 0) return { live: seen, reassignments };
    // What has ended between the two questions shows in a look after the second one.
    return { live: (await this.admin.describeTopic(known.name)) ?? seen, reassignments };
  }

  /**
   * The failure with what is true by now, for the engine to keep.
   *
   * @param known the outputs so far, with the settings wanted
   */
  async whatIsTrue(causes: readonly string[], known: TopicSpec, news: PropertyMap): Promise<Error> {
    const end = "The next `pulumi up` goes on from what is there.";
    const reasons = [...causes, end].map((reason) => `topic ${known.name}: ${reason}`);
    try {
      const live = await this.admin.describeTopic(known.name);
      if (live === undefined) return new Error(reasons.join("\n"));
      const seen = await this.observe(known, live);
      const config = asSecretAsKnown(news["config"], seen.config);
      const outputs: PropertyMap = { ...news, ...seen, config };
      return new InitFailedError({ id: known.name, outputs, reasons });
    } catch (unseen) {
      if (!(unseen instanceof KafkaError)) throw unseen;
      return new Error([...reasons, unseen.message].join("\n"));
    }
  }

  private get admin(): KafkaAdmin {
    return this.cluster.admin();
  }
}
