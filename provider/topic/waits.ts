/** Waits until the cluster shows what was done to a topic. */
import type { CallContext, PropertyMap } from "../../plugins/common/rpc";
import { InitFailedError } from "../../plugins/common/rpc";
import type { LiveTopic } from "../admin/port";
import type { ClusterAccess } from "../cluster";
import { waitFor, WaitTimeoutError } from "../wait";
import { type ConfigChange, isEmptyChange, planConfig } from "./config-change";
import { notReady, type TopicSpec } from "./plan";

/**
 * How long a new partition may take until it has a leader and all its replicas in sync, ms. Brokers
 * that have just started, on a busy machine and with the exhibit's timeouts, took more than 30 s.
 */
const READY_MS = 120_000;
/** How long a deleted topic may show on the broker that we ask, ms. */
const GONE_MS = 10_000;
const INTERVAL_MS = 150;

/** Each gives what the state is to have, or what was seen. */
export class TopicWaits {
  constructor(private readonly cluster: Pick<ClusterAccess, "admin">) {}

  presence(name: string, context: CallContext): Promise<LiveTopic> {
    return this.wait(`topic ${name} to show`, READY_MS, context, async () => {
      const live = await this.cluster.admin().describeTopic(name);
      return live === undefined ? { pending: "the broker does not know it yet" } : { done: live };
    });
  }

  /** Waits for leaders and full ISRs. */
  async ready(news: PropertyMap, want: TopicSpec, context: CallContext): Promise<PropertyMap> {
    const { outputs } = await this.until(news, want, "in sync", context, (live) =>
      notReady(live, want),
    );
    return outputs;
  }

  /** Waits for settings alone: they hold, whichever brokers are away. */
  async settings(
    news: PropertyMap,
    want: TopicSpec,
    { remove }: ConfigChange,
    context: CallContext,
  ): Promise<PropertyMap> {
    const { live, outputs } = await this.until(news, want, "as set", context, (now) =>
      isEmptyChange(planConfig(remove, want.config, now.config))
        ? undefined
        : "the broker does not tell its settings yet",
    );
    const short = notReady(live, want);
    if (short !== undefined) {
      context.log.warn(
        `topic ${want.name}: its settings are in force; it does not serve in full: ${short}`,
      );
    }
    return outputs;
  }

  /** Waits until nothing is pending any more. A topic that exists but does not get there is kept in the state. */
  private async until(
    news: PropertyMap,
    want: TopicSpec,
    what: string,
    context: CallContext,
    pendingOf: (live: LiveTopic) => string | undefined,
  ): Promise<{ readonly live: LiveTopic; readonly outputs: PropertyMap }> {
    let topicId: string | undefined;
    try {
      const seen = await this.wait(
        `topic ${want.name} to be ${what}`,
        READY_MS,
        context,
        async () => {
          const live = await this.cluster.admin().describeTopic(want.name);
          topicId = live?.topicId ?? topicId;
          if (live === undefined) return { pending: "the broker does not know it yet" };
          const pending = pendingOf(live);
          return pending === undefined ? { done: live } : { pending };
        },
      );
      return { live: seen, outputs: { ...news, topicId: seen.topicId } };
    } catch (error) {
      if (topicId === undefined || !(error instanceof WaitTimeoutError)) throw error;
      throw new InitFailedError({
        id: want.name,
        outputs: { ...news, topicId },
        reasons: [
          `topic ${want.name}: ${error.message}. See that all brokers run; the next \`pulumi up\` looks again.`,
        ],
      });
    }
  }

  gone({ topic, topicId }: LiveTopic, context: CallContext): Promise<void> {
    return this.wait(`topic ${topic} to be gone`, GONE_MS, context, async () => {
      const now = await this.cluster.admin().describeTopic(topic);
      const left = now !== undefined && now.topicId === topicId;
      return left ? { pending: "the broker still knows it" } : { done: undefined };
    });
  }

  private wait<T>(
    what: string,
    timeoutMs: number,
    { signal, log }: CallContext,
    probe: Parameters<typeof waitFor<T>>[1],
  ): Promise<T> {
    const progress = (line: string): void => log.status(line);
    const pace = { intervalMs: INTERVAL_MS, eager: true };
    return waitFor({ what, timeoutMs, ...pace, signal, progress }, probe);
  }
}
