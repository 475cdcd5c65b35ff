/** What the live cluster says to an edit of a topic: each question by itself, bounded, and asked only where the edit raises it. */
import type { KafkaAdmin, LiveTopic } from "../admin/port";
import { planMoves } from "./assignment";
import type { Answer, Findings, Keys, Loss, Moves, Thinnest } from "./changes";
import { sizesOf, stakeOfLive } from "./destruction";
import type { Cut, Edit } from "./edits";
import { asksForDefault, beginsToCompact, cutsOf, MIN_ISR } from "./edits";
import type { Wanted } from "./live-checks";
import type { ClusterLook, Tell } from "./look";
import { costOf, describeMoves } from "./move-costs";
import { replicaFacts } from "./replicas";

/** Newest records that are looked at for keys: enough to tell, few enough to be read within moments. */
const SAMPLE_RECORDS = 200;
const SAMPLE_PARTITIONS = 8;
/** Kafka's own `log.segment.bytes`. */
const DEFAULT_SEGMENT_BYTES = 1024 ** 3;

export interface Verdicts extends Findings {
  /** Why the replicas cannot be so, each with its property in front. */
  readonly refusals: readonly string[];
}

/** What the questions that these edits raise were answered with, of a topic as it was seen a moment ago. */
export async function findingsOf(
  look: ClusterLook,
  tell: Tell,
  seen: Answer<LiveTopic>,
  edits: readonly Edit[],
  wanted: Wanted,
): Promise<Verdicts> {
  const ask = <T>(
    question: (admin: KafkaAdmin, live: LiveTopic) => Promise<T> | T,
  ): Promise<Answer<T>> =>
    "leftOut" in seen
      ? Promise.resolve(seen)
      : look.ask(tell, async (admin) => question(admin, seen.found));
  const when = <T>(
    raised: (edit: Edit) => boolean,
    question: (admin: KafkaAdmin, live: LiveTopic) => Promise<T> | T,
  ) => (edits.some(raised) ? ask(question) : undefined);
  const moves = edits.some(isMove);
  const cuts = [...cutsOf(edits, configAfter(seen, edits, wanted))];
  const defaults = edits.filter(asksForDefault).map(async ({ key }) => {
    const answer = await ask((admin, { topic }) => admin.topicDefault(topic, key));
    return [key, answer] as const;
  });
  const [stake, keys, thinnest, plan, ...losses] = await Promise.all([
    when(({ kind }) => kind === "name", stakeOfLive),
    when(asksForKeys, keysOf),
    // A higher one waits for the moves, which the planner judges.
    moves ? undefined : when(asksForReplicas, (_, live) => thinnestOf(live)),
    when(isMove, (admin, live) => movesOf(admin, live, wanted, look.throttle)),
    ...cuts.map(async ([key, limits]): Promise<[string, Answer<Loss>]> => {
      if (limits.some(({ kind }) => kind === "default")) {
        return [key, { leftOut: "only the brokers know their default" }];
      }
      return [key, await ask((admin, live) => lossOf(admin, live, limits))];
    }),
  ]);
  return {
    losses: new Map(losses),
    defaults: new Map(await Promise.all(defaults)),
    refusals: plan !== undefined && "found" in plan ? plan.found.refusals : [],
    ...(stake === undefined ? {} : { stake }),
    ...(keys === undefined ? {} : { keys }),
    ...(thinnest === undefined ? {} : { thinnest }),
    ...(plan === undefined ? {} : { moves: plan }),
  };
}

/** The settings as they will be. Those that others have set stay. */
function configAfter(
  seen: Answer<LiveTopic>,
  edits: readonly Edit[],
  { config }: Wanted,
): Readonly<Record<string, string>> {
  const removed = edits.flatMap((edit) =>
    edit.kind === "config" && edit.to === undefined ? [edit.key] : [],
  );
  const present = "found" in seen ? Object.entries(seen.found.config) : [];
  const kept = present.filter(([key]) => !removed.includes(key));
  return { ...Object.fromEntries(kept), ...config };
}

const asksForKeys = (edit: Edit): boolean =>
  (edit.kind === "partitions" && edit.to > edit.from) ||
  (edit.kind === "config" && beginsToCompact(edit));

const isMove = ({ kind }: Edit): boolean => kind === "replicas";

const asksForReplicas = (edit: Edit): boolean =>
  edit.kind === "config" &&
  edit.key === MIN_ISR &&
  !(edit.from !== undefined && edit.to !== undefined && Number(edit.to) < Number(edit.from));

async function movesOf(
  admin: KafkaAdmin,
  live: LiveTopic,
  { replicationFactor, placement, config }: Wanted,
  throttle: number,
): Promise<Moves & Pick<Verdicts, "refusals">> {
  const sizes = sizesOf(admin, live);
  // Waited for below, once it is known that they are needed.
  sizes.catch(() => undefined);
  const facts = await replicaFacts(admin, live);
  const minInsyncReplicas = Number(config[MIN_ISR] ?? facts.minInsyncReplicas);
  const factor = replicationFactor ?? live.partitions[0]?.replicas.length ?? 1;
  const plan = planMoves({ replicationFactor: factor, placement }, { ...facts, minInsyncReplicas });
  const { refusals } = plan;
  if (refusals.length > 0) return { refusals, copies: false, cost: "refused", byPartition: [] };
  const bytes = await sizes;
  const lines = describeMoves(plan, bytes, throttle);
  return {
    refusals,
    copies: costOf(plan.moves, bytes, throttle).total > 0,
    cost: lines.at(-1) ?? "every partition has them already",
    byPartition: lines.slice(0, -1),
  };
}

async function endsOf(admin: KafkaAdmin, { topic, partitions }: LiveTopic) {
  const numbers = partitions.map(({ partition }) => partition);
  const [starts, ends] = await Promise.all([
    admin.offsets(topic, numbers, "earliest"),
    admin.offsets(topic, numbers, "latest"),
  ]);
  const spans = numbers.map((partition) => {
    const start = starts.get(partition) ?? 0n;
    return { partition, start, records: (ends.get(partition) ?? start) - start };
  });
  return { numbers, spans };
}

async function keysOf(admin: KafkaAdmin, live: LiveTopic): Promise<Keys> {
  const { spans } = await endsOf(admin, live);
  const filled = spans.filter(({ records }) => records > 0n);
  const chosen = spread(filled, SAMPLE_PARTITIONS);
  const each = Math.ceil(SAMPLE_RECORDS / Math.max(chosen.length, 1));
  const samples = await Promise.all(
    chosen.map(({ partition }) => admin.sampleRecords(live.topic, partition, each)),
  );
  return {
    records: filled.reduce((sum, { records }) => sum + records, 0n),
    keyed: samples.reduce((sum, { keyed }) => sum + keyed, 0),
    unkeyed: samples.reduce((sum, { unkeyed }) => sum + unkeyed, 0),
  };
}

/** At most so many, from all over the list, and the same ones each time. */
function spread<T>(items: readonly T[], most: number): T[] {
  if (items.length <= most) return [...items];
  return Array.from({ length: most }, (_, i) => items[Math.floor((i * items.length) / most)]!);
}

function thinnestOf({ partitions }: LiveTopic): Thinnest {
  const [least] = [...partitions].sort((a, b) => a.isr.length - b.isr.length);
  return { partition: least?.partition ?? 0, inSync: least?.isr.length ?? 0 };
}

/** What of the log is beyond any of the limits. */
async function lossOf(admin: KafkaAdmin, live: LiveTopic, cuts: readonly Cut[]): Promise<Loss> {
  const [{ numbers, spans }, sizes] = await Promise.all([
    endsOf(admin, live),
    sizesOf(admin, live),
  ]);
  const segmentBytes = Number(live.config["segment.bytes"] ?? DEFAULT_SEGMENT_BYTES);
  const losses = await Promise.all(
    cuts.map(async (cut): Promise<Loss[]> => {
      if (cut.kind === "default") return [];
      const kept =
        cut.kind === "time"
          ? await admin.offsets(live.topic, numbers, { timestampMs: Date.now() - cut.retentionMs })
          : undefined;
      return spans.map(({ partition, start, records }) => {
        const bytes = sizes.get(partition) ?? 0;
        return cut.kind === "time"
          ? olderThan((kept?.get(partition) ?? start) - start, records, bytes, segmentBytes)
          : largerThan(cut.retentionBytes, records, bytes, segmentBytes);
      });
    }),
  );
  // Of two limits the one that takes more from a partition counts.
  return spans
    .map((_, index) => losses.map((one) => one[index]!).reduce(greater, NOTHING))
    .reduce(sum, NOTHING);
}

const NOTHING: Loss = { records: 0n, bytes: 0, segments: 0, exact: true };
const greater = (a: Loss, b: Loss): Loss => (b.records > a.records ? b : a);
const sum = (a: Loss, b: Loss): Loss => ({
  records: a.records + b.records,
  bytes: a.bytes + b.bytes,
  segments: a.segments + b.segments,
  exact: a.exact && b.exact,
});

/** The records are counted; bytes and segments follow from their part of the log, since no request tells of segments. */
export function olderThan(old: bigint, records: bigint, bytes: number, segmentBytes: number): Loss {
  if (old <= 0n || records <= 0n) return NOTHING;
  const lost = (bytes * Number(old)) / Number(records);
  return { records: old, bytes: lost, segments: segmentsOf(lost, segmentBytes), exact: true };
}

/** What is beyond the limit is told in bytes; how many records (a part of one counts) and segments that is follows from it. */
export function largerThan(
  limit: number,
  records: bigint,
  bytes: number,
  segmentBytes: number,
): Loss {
  const lost = bytes - limit;
  if (lost <= 0) return NOTHING;
  const share = BigInt(Math.ceil((Number(records) * lost) / bytes));
  return { records: share, bytes: lost, segments: segmentsOf(lost, segmentBytes), exact: false };
}

const segmentsOf = (bytes: number, segmentBytes: number): number =>
  Math.max(1, Math.round(bytes / segmentBytes));
