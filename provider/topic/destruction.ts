/** What goes with a topic that is destroyed, and whether it may be: questions to the cluster, and the rule. */
import type { LiveTopic, TopicAdmin } from "../admin/port";
import { KafkaError } from "../admin/port";
import { counted, formatBytes } from "./amounts";
import { partitionBytes } from "./move-costs";

/** What there is of a topic. */
export type Stake =
  | { readonly kind: "gone" }
  | {
      readonly kind: "there";
      /** Empty where the brokers know no ids. */
      readonly topicId: string;
      readonly partitions: number;
      /** Between the ends of its partitions' logs. */
      readonly records: bigint;
      /** Of one replica of each partition; undefined where no broker told it, or nothing is held. */
      readonly bytes: number | undefined;
      /** Compacted away records count too: their offsets stay. */
      readonly compacted: boolean;
    };

/** What is known of a topic that is to go. */
export interface Condemned {
  readonly name: string;
  /** Its id as the stack knows it; empty where the brokers know no ids. */
  readonly topicId: string;
  readonly protected: boolean;
}

/** Why the cluster did not say what there is; with the topic's id where it was seen all the same. */
export interface Uncounted {
  readonly unknown: string;
  readonly topicId?: string;
}

export type Verdict =
  | { readonly kind: "nothing there" }
  /** `why`: what is lost by whose leave. `empty`: it was seen to hold no record. */
  | { readonly kind: "allowed"; readonly why: string; readonly empty: boolean }
  | { readonly kind: "refused"; readonly why: string; readonly empty: boolean };

type Questions = Pick<TopicAdmin, "describeTopic" | "offsets" | "replicaSizes">;

/** @throws KafkaError if it cannot be told */
export async function stakeOf(admin: Questions, name: string): Promise<Stake> {
  const live = await admin.describeTopic(name);
  return live === undefined ? { kind: "gone" } : stakeOfLive(admin, live);
}

/** @throws KafkaError if it cannot be told */
export async function stakeOfLive(admin: Questions, live: LiveTopic): Promise<Stake> {
  const partitions = live.partitions.map(({ partition }) => partition);
  const [starts, ends] = await Promise.all([
    admin.offsets(live.topic, partitions, "earliest"),
    admin.offsets(live.topic, partitions, "latest"),
  ]);
  const count = (partition: number): bigint =>
    (ends.get(partition) ?? 0n) - (starts.get(partition) ?? 0n);
  const records = partitions.reduce((sum, partition) => sum + count(partition), 0n);
  // Every broker is asked for sizes, and nobody is told the size of nothing.
  const sizes = records === 0n ? undefined : await sizesOf(admin, live).catch(unlessKafka);
  return {
    kind: "there",
    topicId: live.topicId,
    partitions: partitions.length,
    records,
    bytes: sizes === undefined ? undefined : [...sizes.values()].reduce((a, b) => a + b, 0),
    compacted: (live.config["cleanup.policy"] ?? "").includes("compact"),
  };
}

/** The size is told beside the records, which decide. */
function unlessKafka(error: unknown): undefined {
  if (!(error instanceof KafkaError)) throw error;
  return undefined;
}

/**
 * Bytes of each partition, one replica of it.
 * @throws KafkaError where no broker tells that of one: it is not nothing
 */
export async function sizesOf(
  admin: Pick<TopicAdmin, "replicaSizes">,
  { topic, partitions }: LiveTopic,
): Promise<ReadonlyMap<number, number>> {
  const sizes = await admin.replicaSizes([topic]);
  const untold = partitions.find(
    ({ partition, replicas }) =>
      !replicas.some((id) => sizes.get(id)?.has(`${topic}-${partition}`)),
  );
  if (untold === undefined) return partitionBytes(topic, partitions, sizes);
  throw new KafkaError(
    "refused",
    `no broker tells the size of topic ${topic}, partition ${untold.partition}`,
  );
}

/** `12,345 records, 3.2 MiB in 3 partitions`; undefined where nothing is held. */
export function stakeText(stake: Stake): string | undefined {
  if (stake.kind === "gone" || stake.records === 0n) return undefined;
  const { records, bytes, partitions, compacted } = stake;
  const size = bytes === undefined ? "" : `, ${formatBytes(bytes)}`;
  return `${compacted ? "up to " : ""}${counted(records, "record")}${size} in ${counted(partitions, "partition")}`;
}

/**
 * Whether a topic may be destroyed: by a consent that has its id, or unprotected and empty. Brokers before
 * Kafka 2.8 know no ids: there, no protection is what counts.
 */
export function judgeDestruction(
  state: Condemned,
  stake: Stake | Uncounted,
  consents: ReadonlySet<string>,
): Verdict {
  if ("kind" in stake && stake.kind === "gone") return { kind: "nothing there" };
  const { topicId = state.topicId } = stake;
  const held = "unknown" in stake ? "what was not counted" : stakeText(stake);
  const empty = held === undefined;
  if (topicId !== state.topicId && state.topicId !== "") {
    return {
      kind: "refused",
      empty,
      why:
        `it was deleted and made again: it is another one than the stack knows, its id is ${topicId}, ` +
        `not ${state.topicId}, and it holds ${held ?? "no records"}. Run \`pulumi refresh\` to take ` +
        "the new one over; what is to become of it is then judged anew.",
    };
  }
  // Brokers that were raised to 2.8 since have given it an id.
  const known = { ...state, topicId };
  if ("unknown" in stake) {
    const loss = `what it holds was not counted, since ${stake.unknown}`;
    const leave = leaveOf(known, consents, loss);
    if (leave !== undefined) return { kind: "allowed", why: leave, empty };
    return { kind: "refused", why: unseen(known, stake.unknown), empty };
  }
  const loss = held === undefined ? "it is empty" : `its ${held} are lost`;
  const leave = !known.protected && empty ? loss : leaveOf(known, consents, loss);
  if (leave !== undefined) return { kind: "allowed", why: leave, empty };
  return { kind: "refused", why: losing(known, held), empty };
}

/** What is lost by whose leave; undefined without any. */
function leaveOf(
  { topicId, protected: guarded }: Condemned,
  consents: ReadonlySet<string>,
  loss: string,
): string | undefined {
  if (topicId !== "" && consents.has(topicId)) {
    return `${loss}; its id ${topicId} has consent`;
  }
  if (topicId !== "" || guarded) return undefined;
  return `${loss}; its deletionProtection is off, which counts since its brokers know no topic ids`;
}

const UNPROTECT = "set its deletionProtection to false, apply, and then remove it";

const named = ({ topicId }: Condemned): string => (topicId === "" ? "" : ` (id ${topicId})`);

function losing(known: Condemned, held: string | undefined): string {
  const lose =
    held === undefined
      ? `it is empty${named(known)}, and its deletionProtection is on.`
      : `destroying it${named(known)} would lose ${held}.`;
  const other = held === undefined && known.topicId !== "" ? `${UNPROTECT}; or ` : "";
  return `${lose} To do so ${other}${consentTo(known)}; else put it back.`;
}

function consentTo({ topicId }: Condemned): string {
  return topicId === ""
    ? `${UNPROTECT} (its brokers know no topic ids, by which consent could be given)`
    : `add ${topicId} to \`deleteTopics\` (the provider's deletionConsents)`;
}

function unseen(known: Condemned, reason: string): string {
  return (
    `what destroying it${named(known)} would lose was not counted, since ${reason}. To do so all the ` +
    `same ${consentTo(known)}; else put it back, or try again when the cluster answers.`
  );
}
