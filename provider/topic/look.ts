/** Looks at the live cluster for what a preview says: bounded, and left out rather than waited for. */
import type { KafkaAdmin } from "../admin/port";
import { isUnreachable, KafkaError } from "../admin/port";
import type { ClusterAccess } from "../cluster";
import type { Answer } from "./changes";
import type { ClusterFacts } from "./live-checks";

/** Limit of each question that a preview asks, ms. */
export const VERDICT_MS = 2_000;

/** Why nothing was asked. */
export const OFF = "live checks are off";
const SILENT = "no broker answers";

/** Where it goes that nobody was asked. */
export type Tell = (line: string) => void;

/** One a run: whether anyone answers is found out, and told, once; so is what the cluster is. */
export class ClusterLook {
  private cluster: Promise<Answer<ClusterFacts>> | undefined;
  private names: Promise<Answer<readonly string[]>> | undefined;
  private told = false;

  constructor(private readonly access: Pick<ClusterAccess, "admin" | "settings">) {}

  /** What one broker may copy a second when replicas move, bytes. */
  get throttle(): number {
    return this.access.settings().reassignmentThrottle;
  }

  /** What the cluster is, as it was at the first question of the run. */
  async facts(tell: Tell): Promise<Answer<ClusterFacts>> {
    if (!this.access.settings().liveChecks) return { leftOut: OFF };
    this.cluster ??= bounded(VERDICT_MS, async () => {
      const admin = this.access.admin();
      const [brokers, release] = await Promise.all([admin.listBrokers(), admin.kafkaRelease()]);
      return { brokers, release };
    });
    const facts = await this.cluster;
    if ("leftOut" in facts && !this.told) {
      this.told = true;
      tell(`what this does to topics was not asked of the cluster, since ${facts.leftOut}`);
    }
    return facts;
  }

  /** All topics, as they were at the first question of the run. */
  topics(tell: Tell): Promise<Answer<readonly string[]>> {
    this.names ??= this.ask(tell, async (admin) =>
      (await admin.listPartitions()).map(({ topic }) => topic),
    );
    return this.names;
  }

  /** The answer, or why there is none: checks are off, nobody answers, too slow, refused. */
  async ask<T>(tell: Tell, question: (admin: KafkaAdmin) => Promise<T>): Promise<Answer<T>> {
    const facts = await this.facts(tell);
    return "leftOut" in facts ? facts : bounded(VERDICT_MS, () => question(this.access.admin()));
  }
}

/** What Kafka answers within the time, ms, or why it does not count. Other errors are thrown. */
export async function bounded<T>(limitMs: number, work: () => Promise<T>): Promise<Answer<T>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Answer<T>>((resolve) => {
    timer = setTimeout(
      () => resolve({ leftOut: `no answer came within ${limitMs / 1000} s` }),
      limitMs,
    );
  });
  const answer = work().then(
    (found): Answer<T> => ({ found }),
    (error: unknown): Answer<T> => {
      if (isUnreachable(error)) return { leftOut: SILENT };
      if (error instanceof KafkaError) return { leftOut: error.message };
      throw error;
    },
  );
  try {
    // The race also takes what comes of an answer that nobody waits for any more.
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
