/** What a topic's check says of an edit: the line of each change, and faults that only the cluster shows. */
import type { CheckFailure, CheckResult, Log, PropertyMap } from "../../plugins/common/rpc";
import { isMap, propertyPath, reveal } from "../../plugins/common/rpc";
import { changeLines, classify, isSerious } from "./changes";
import { editsOf, MIN_ISR } from "./edits";
import type { Fresh, Wanted } from "./live-checks";
import { clusterFailures, collisionFailures, freshOf, tooFewBrokers } from "./live-checks";
import type { ClusterLook, Tell } from "./look";
import { findingsOf } from "./verdicts";

/**
 * Checked inputs with `changes`: what this edit does, or what the last one did while nothing changes, so
 * that nothing shows then. The cluster is asked about what is new or changed alone.
 */
export async function previewTopic(
  look: ClusterLook,
  olds: PropertyMap,
  news: PropertyMap,
  log: Log,
): Promise<CheckResult> {
  const isNew = Object.keys(olds).length === 0;
  const edits = editsOf(olds, news);
  const wanted = wantedOf(news);
  if (!isNew && edits.length === 0) {
    return { inputs: { ...news, changes: olds["changes"] } };
  }
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
  const topic = reveal(olds)["name"] as string;
  const { refusals, ...findings } = await findingsOf(look, tell, topic, edits, wanted);
  if (refusals.length > 0) return { inputs: news, failures: refusals.map(atItsProperty) };
  const changes = classify(edits, findings);
  for (const change of changes.filter(isSerious)) {
    log.warn(`topic ${topic}: ${changeLines(change)[0]}`);
  }
  return { inputs: { ...news, changes: changes.flatMap(changeLines) } };
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
