/** What a topic's check says of an edit: the line of each change, and faults that only the cluster shows. */
import type { CheckFailure, CheckResult, Log, PropertyMap } from "../../plugins/common/rpc";
import { isMap, propertyPath, reveal } from "../../plugins/common/rpc";
import type { LiveTopic } from "../admin/port";
import type { Answer } from "./changes";
import { changeLines, classify, isSerious } from "./changes";
import type { Edit } from "./edits";
import { editsBeyond, editsFrom, editsOf, editsOtherwise, MIN_ISR, shrinkFault } from "./edits";
import type { Fresh, Wanted } from "./live-checks";
import { clusterFailures, collisionFailures, freshOf, tooFewBrokers } from "./live-checks";
import type { ClusterLook, Tell } from "./look";
import { assertAsKnown } from "./stale-state";
import { findingsOf } from "./verdicts";

/** What a check saw and said of an edit: the diff after it knows what the state has, which no check is told. */
export interface Told {
  readonly edits: readonly Edit[];
  /** The topic, if there is one; absent where nobody was asked, or answered. */
  readonly seen?: { readonly live: LiveTopic | undefined };
}

export interface Preview extends CheckResult {
  /** Absent for a topic that is new, or at fault. */
  readonly told?: Told;
}

/**
 * Checked inputs with `changes`: what this edit does, or what the last one did while nothing changes, so
 * that nothing shows then. The cluster is asked about what is new or changed alone.
 */
export async function previewTopic(
  look: ClusterLook,
  olds: PropertyMap,
  news: PropertyMap,
  log: Log,
): Promise<Preview> {
  const isNew = Object.keys(olds).length === 0;
  const edits = editsOf(olds, news);
  const wanted = wantedOf(news);
  if (!isNew && edits.length === 0) {
    return { inputs: { ...news, changes: olds["changes"] }, told: { edits } };
  }
  const shrinks = shrinkFault(edits);
  if (shrinks !== undefined) return refused(news, shrinks);
  // Before a lab's first `up` there is nobody to ask, and nothing to lose.
  const tell: Tell = (line) => (isNew ? log.info(line) : log.warn(line));
  const fresh = freshOf(isNew, edits, wanted);
  const impossible = impossibleMinIsr(wanted, fresh);
  if (impossible.length > 0) return { inputs: news, failures: impossible };
  const failures = await liveFailures(look, wanted, fresh, tell);
  if (failures.length > 0) return { inputs: news, failures };
  if (isNew) {
    const facts = await look.facts(tell);
    const few = "found" in facts ? tooFewBrokers(wanted, facts.found) : undefined;
    if (few !== undefined) log.warn(`topic ${wanted.name}: ${few}`);
    return { inputs: news };
  }
  return changesOf(look, olds, news, tell, log);
}

const refused = (news: PropertyMap, reason: string): Preview => ({
  inputs: news,
  failures: [{ property: "partitions", reason }],
});

/** What an edit of a topic does, by what the cluster has of it, else by what the last inputs were. */
async function changesOf(
  look: ClusterLook,
  olds: PropertyMap,
  news: PropertyMap,
  tell: Tell,
  log: Log,
): Promise<Preview> {
  const topic = reveal(olds)["name"] as string;
  const known = editsOf(olds, news);
  const asked = known.some(({ kind }) => kind !== "state")
    ? await look.ask(tell, (admin) => admin.describeTopic(topic))
    : undefined;
  const seen = asked !== undefined && "found" in asked ? { live: asked.found } : undefined;
  const live = seen?.live;
  const edits = live === undefined ? known : editsFrom(olds, live, news);
  const shrinks = shrinkFault(edits);
  if (shrinks !== undefined) return refused(news, shrinks);
  const { refusals, changes } = await judge(look, tell, answerOf(asked), edits, wantedOf(news));
  if (refusals.length > 0) return { inputs: news, failures: refusals.map(atItsProperty) };
  for (const change of changes.filter(isSerious)) {
    log.warn(`topic ${topic}: ${changeLines(change)[0]}`);
  }
  const told = seen === undefined ? { edits } : { edits, seen };
  return { inputs: { ...news, changes: changes.flatMap(changeLines) }, told };
}

async function judge(
  look: ClusterLook,
  tell: Tell,
  seen: Answer<LiveTopic>,
  edits: readonly Edit[],
  wanted: Wanted,
) {
  const { refusals, ...findings } = await findingsOf(look, tell, seen, edits, wanted);
  return { refusals, changes: classify(edits, findings) };
}

/** Of a question that no edit raised nothing is to be asked further. */
function answerOf(asked: Answer<LiveTopic | undefined> | undefined): Answer<LiveTopic> {
  if (asked === undefined) return { leftOut: "nothing of it is in the cluster" };
  if ("leftOut" in asked) return asked;
  if (asked.found === undefined) return { leftOut: "the topic is gone from the cluster" };
  return { found: asked.found };
}

/**
 * Compares what a check has told with the state: whether the topic is the one that the stack knows, and what
 * the update changes beyond the edit. A failed update has left in the state what the last inputs do not know;
 * `changes` is checked already, so that the log says it.
 *
 * @throws Error where the update would refuse it
 */
export async function tellByState(
  look: ClusterLook,
  { edits, seen }: Told,
  olds: PropertyMap,
  news: PropertyMap,
  log: Log,
): Promise<void> {
  if (edits.some(({ kind }) => kind === "name")) return;
  const { name, topicId } = reveal(olds);
  const topic = name as string;
  const wanted = { partitions: reveal(news)["partitions"] as number };
  if (seen !== undefined) assertAsKnown(topic, topicId, wanted, seen.live);
  // What the check had of the cluster holds. Without it it went by the last inputs: the state knows better.
  const untold = seen === undefined ? editsOtherwise : editsBeyond;
  const beyond = untold(editsOf(olds, news), edits);
  const shrinks = shrinkFault(beyond);
  if (shrinks !== undefined) throw new Error(`topic ${topic}: partitions: ${shrinks}`);
  if (!beyond.some(({ kind }) => kind !== "state")) return;
  const tell: Tell = (line) => log.warn(line);
  const asked = await look.ask(tell, (admin) => admin.describeTopic(topic));
  if ("found" in asked) assertAsKnown(topic, topicId, wanted, asked.found);
  const all = "found" in asked ? editsFrom(olds, asked.found!, news) : beyond;
  const rest = untold(all, edits);
  const { refusals, changes } = await judge(look, tell, answerOf(asked), rest, wantedOf(news));
  if (refusals.length > 0) throw new Error([`topic ${topic}:`, ...refusals].join("\n  "));
  for (const change of changes) {
    const line = `topic ${topic}: ${changeLines(change)[0]}`;
    if (isSerious(change)) log.warn(line);
    else log.info(line);
  }
}

/** The planner's refusals begin with the property: `placement[3]: …`. */
function atItsProperty(refusal: string): CheckFailure {
  const at = refusal.indexOf(": ");
  return { property: refusal.slice(0, at), reason: refusal.slice(at + 2) };
}

async function liveFailures(
  look: ClusterLook,
  wanted: Wanted,
  fresh: Fresh,
  tell: Tell,
): Promise<CheckFailure[]> {
  if (!fresh.name && !fresh.replicas && fresh.keys.length === 0) return [];
  const facts = await look.facts(tell);
  if ("leftOut" in facts) return [];
  const failures = clusterFailures(wanted, fresh, facts.found);
  if (!fresh.name || wanted.name === undefined) return failures;
  const names = await look.topics(tell);
  if ("leftOut" in names) return failures;
  return [...failures, ...collisionFailures(wanted.name, names.found)];
}

function wantedOf(news: PropertyMap): Wanted {
  const { name, replicationFactor, placement, config } = reveal(news);
  return {
    name: typeof name === "string" ? name : undefined,
    replicationFactor: typeof replicationFactor === "number" ? replicationFactor : undefined,
    placement: isPlacement(placement) ? placement : undefined,
    config: Object.fromEntries(
      Object.entries(isMap(config) ? config : {}).filter(
        (entry): entry is [string, string] => typeof entry[1] === "string",
      ),
    ),
  };
}

const isPlacement = (value: unknown): value is number[][] =>
  Array.isArray(value) &&
  value.every((ids) => Array.isArray(ids) && ids.every((id) => typeof id === "number"));

/** What a topic has already is not judged again: one that was imported may be so. */
function impossibleMinIsr({ replicationFactor, config }: Wanted, fresh: Fresh): CheckFailure[] {
  if (!fresh.replicas && !fresh.keys.includes(MIN_ISR)) return [];
  const minIsr = config[MIN_ISR];
  if (minIsr === undefined || replicationFactor === undefined) return [];
  if (Number(minIsr) <= replicationFactor) return [];
  return [
    {
      property: propertyPath(["config", MIN_ISR]),
      reason:
        `${minIsr} is more than the replication factor, ${replicationFactor}: no write with acks=all ` +
        `could ever succeed. Give at most ${replicationFactor}`,
    },
  ];
}
