/** Which topics leave a set, and what is said of it: values in, texts out. */
import type { CheckFailure, PropertyMap } from "../../plugins/common/rpc";
import { isMap, propertyPath, reveal, Unknown } from "../../plugins/common/rpc";
import type { Condemned, Verdict } from "../topic/destruction";

export function checkTopicSet(news: PropertyMap): CheckFailure[] {
  const failures: CheckFailure[] = [];
  const { topics, unprotected } = reveal(news);
  if (!(topics instanceof Unknown)) {
    if (!isMap(topics))
      failures.push({ property: "topics", reason: "is no map of topics' ids by name" });
    for (const [name, id] of Object.entries(isMap(topics) ? topics : {})) {
      if (typeof id === "string" || id instanceof Unknown) continue;
      failures.push({ property: propertyPath(["topics", name]), reason: "is no topic's id" });
    }
  }
  const isList =
    Array.isArray(unprotected) && unprotected.every((name) => typeof name === "string");
  if (unprotected !== undefined && !(unprotected instanceof Unknown) && !isList) {
    failures.push({ property: "unprotected", reason: "is no list of topics' names" });
  }
  return failures;
}

export interface SetChange {
  /** In the state, and not wanted any more. */
  readonly leaving: readonly Condemned[];
  /** Names that are wanted, and not in the state. */
  readonly appearing: readonly string[];
}

/** What an edit does to the set; nothing where it is not known yet. */
export function changeOfSet(olds: PropertyMap, news: PropertyMap): SetChange {
  const after = reveal(news["topics"]);
  if (!isMap(after)) return { leaving: [], appearing: [] };
  const known = idsOf(olds);
  const unprotected = reveal(olds["unprotected"]);
  const isFree = (name: string): boolean =>
    Array.isArray(unprotected) && unprotected.includes(name);
  return {
    leaving: [...known]
      .filter(([name]) => !(name in after))
      .map(([name, topicId]) => ({ name, topicId, protected: !isFree(name) })),
    appearing: Object.keys(after).filter((name) => !known.has(name)),
  };
}

/** Ids by name, as far as they are known. */
export function idsOf(map: PropertyMap): Map<string, string> {
  const topics = reveal(map["topics"]);
  return new Map(
    Object.entries(isMap(topics) ? topics : {}).filter(
      (entry): entry is [string, string] => typeof entry[1] === "string",
    ),
  );
}

export interface Judged {
  readonly topic: Condemned;
  readonly verdict: Verdict;
}

/** One text for all topics that must stay; undefined if all may go. */
export function refusalText(
  judged: readonly Judged[],
  appearing: readonly string[],
): string | undefined {
  const refused = judged.filter(({ verdict }) => verdict.kind === "refused");
  if (refused.length === 0) return undefined;
  const lines = refused.map(({ topic, verdict }) => lineOf(topic.name, verdict));
  return ["nothing was changed:", ...lines, ...renameNote(judged, appearing)].join("\n  ");
}

/** What goes, and by whose leave. */
export function warnings(judged: readonly Judged[], appearing: readonly string[]): string[] {
  const lines = judged.map(({ topic, verdict }) => lineOf(topic.name, verdict));
  return [...lines, ...renameNote(judged, appearing)];
}

function lineOf(name: string, verdict: Verdict): string {
  switch (verdict.kind) {
    case "nothing there":
      return `topics.${name}: it is gone from the cluster already`;
    case "allowed":
      return `destroys: topics.${name}: ${verdict.why}`;
    case "refused":
      return `topics.${name}: ${verdict.why}`;
    default:
      return verdict satisfies never;
  }
}

function renameNote(judged: readonly Judged[], appearing: readonly string[]): string[] {
  const leaving = judged.flatMap(({ topic, verdict }) =>
    verdict.kind === "nothing there" || verdict.empty ? [] : [topic.name],
  );
  if (leaving.length === 0 || appearing.length === 0) return [];
  return [
    `${appearing.join(", ")} would be made in the same edit: if a rename is meant, it is a destroy and a ` +
      `create to Kafka, and the records of ${leaving.join(", ")} do not move. To keep them, declare both, ` +
      "copy what you need, move producers and consumers, and then remove the old one.",
  ];
}

/** Consents that nothing in the state asks for, in words; empty if there are none. */
export function idleConsents(
  consents: ReadonlySet<string>,
  olds: PropertyMap,
  news: PropertyMap,
): string[] {
  const ids = new Set([...idsOf(olds).values(), ...idsOf(news).values()]);
  const idle = [...consents].filter((id) => !ids.has(id)).sort();
  if (idle.length === 0) return [];
  return [
    `deleteTopics has ${idle.join(", ")}, which ${idle.length === 1 ? "is the id" : "are ids"} of no topic ` +
      "that the stack has: once what it was for is gone, remove it there",
  ];
}
