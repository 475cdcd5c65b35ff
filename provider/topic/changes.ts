/** What each edit of a topic does to its data, by class: values in, lines out. */
import type { DetailedDiff, PropertyMap } from "../../plugins/common/rpc";
import { sameValue } from "../../plugins/common/rpc";
import { counted, formatCount, formatBytes } from "./amounts";
import type { Stake } from "./destruction";
import { stakeText } from "./destruction";
import type { ConfigEdit, Edit } from "./edits";
import { beginsToCompact, configText, MIN_ISR, UNCLEAN } from "./edits";

/** From nothing to fear to what no backup of ours undoes. `may …`: the cluster was not asked. */
export type ChangeClass =
  | "safe"
  | "not known yet"
  | "moves data"
  | "may block writes"
  | "blocks writes"
  | "may weaken writes"
  | "weakens writes"
  | "may remap keys"
  | "remaps keys"
  | "may destroy"
  | "destroys";

export interface Change {
  readonly is: ChangeClass;
  /** What is changed, and what that does. */
  readonly what: string;
  /** Its parts, for the preview alone. Default: none. */
  readonly parts?: readonly string[];
}

/** What was found out, or why it was not. */
export type Answer<T> = { readonly found: T } | { readonly leftOut: string };

/** A look at the newest records of some partitions. */
export interface Keys {
  readonly records: bigint;
  readonly keyed: number;
  readonly unkeyed: number;
}

/** What a shorter retention would delete. */
export interface Loss {
  readonly records: bigint;
  readonly bytes: number;
  readonly segments: number;
  /** Whether the records were counted, and not told from the bytes. */
  readonly exact: boolean;
}

/** The partition with the fewest replicas in sync. */
export interface Thinnest {
  readonly partition: number;
  readonly inSync: number;
}

/** The plan of replicas' moves, in its own words. */
export interface Moves {
  /** What it comes to: bytes and time. */
  readonly cost: string;
  /** Whether anything is copied. */
  readonly copies: boolean;
  readonly byPartition: readonly string[];
}

/** What the cluster said to the questions that these edits raise; those that no edit raises are absent. */
export interface Findings {
  readonly stake?: Answer<Stake>;
  readonly keys?: Answer<Keys>;
  readonly moves?: Answer<Moves>;
  readonly thinnest?: Answer<Thinnest>;
  /** What the brokers have of a setting that the topic had not, or is not to have, by key. */
  readonly defaults?: ReadonlyMap<string, Answer<string | undefined>>;
  /** By key of the edit. */
  readonly losses: ReadonlyMap<string, Answer<Loss>>;
}

/** The class of each edit. */
export function classify(edits: readonly Edit[], findings: Findings): Change[] {
  return edits.flatMap((edit) => classOf(edit, findings));
}

function classOf(edit: Edit, findings: Findings): Change[] {
  switch (edit.kind) {
    case "name":
      return [renaming(edit.from, edit.to, findings.stake)];
    case "partitions":
      return [resizing(edit.from, edit.to, findings.keys)];
    case "replicas":
      return [moving(edit.what, findings.moves)];
    case "config":
      return setting(edit, findings);
    case "state":
      return [{ is: "safe", what: edit.what }];
    case "unknown":
      return [{ is: "not known yet", what: `${edit.property}: its value comes during the update` }];
    default:
      return edit satisfies never;
  }
}

function moving(what: string, moves: Answer<Moves> | undefined): Change {
  if (moves === undefined || "leftOut" in moves) {
    return { is: "moves data", what: `${what}; how much was not asked${because(moves)}` };
  }
  const { cost, copies, byPartition } = moves.found;
  return { is: copies ? "moves data" : "safe", what: `${what}; ${cost}`, parts: byPartition };
}

/** `, since no broker answers`; empty where there is nothing to say. */
const because = (answer: Answer<unknown> | undefined): string =>
  answer !== undefined && "leftOut" in answer ? `, since ${answer.leftOut}` : "";

function renaming(from: string, to: string, stake: Answer<Stake> | undefined): Change {
  const what = `name ${from} => ${to}: a rename is a destroy and a create. ${to} is made empty, and ${from} is destroyed`;
  if (stake === undefined || "leftOut" in stake) {
    return { is: "destroys", what: `${what}; what it holds was not asked${because(stake)}` };
  }
  const held = stakeText(stake.found);
  return { is: "destroys", what: held === undefined ? what : `${what} with its ${held}` };
}

/** To more: fewer are refused before anything is asked. */
function resizing(from: number, to: number, keys: Answer<Keys> | undefined): Change {
  const what = `${from} => ${to} partitions`;
  if (keys === undefined || "leftOut" in keys) {
    return {
      is: "may remap keys",
      what: `${what}; whether its records have keys was not asked${because(keys)}`,
    };
  }
  const { records, keyed, unkeyed } = keys.found;
  if (records === 0n) return { is: "safe", what: `${what}; it is empty` };
  const sampled = counted(keyed + unkeyed, "sampled record");
  if (keyed === 0) return { is: "safe", what: `${what}; none of ${sampled} has a key` };
  return {
    is: "remaps keys",
    what:
      `${what}; keys were found in ${keyed} of ${sampled}: new records of a key may go to another ` +
      "partition than its old ones, so that their order is lost across the change",
  };
}

function setting(edit: ConfigEdit, findings: Findings): Change[] {
  const what = configText(edit);
  if (beginsToCompact(edit)) return [compacting(what, findings.keys)];
  if (edit.key === MIN_ISR) return insisting(edit, what, findings);
  if (edit.key === UNCLEAN) return [leading(edit, what, findings)];
  const loss = findings.losses.get(edit.key);
  if (loss === undefined) return [{ is: "safe", what }];
  if ("leftOut" in loss) {
    return [
      { is: "may destroy", what: `${what}; what it deletes was not counted${because(loss)}` },
    ];
  }
  const { records, bytes, segments, exact } = loss.found;
  if (records === 0n) return [{ is: "safe", what: `${what}; it deletes nothing now` }];
  return [
    {
      is: "destroys",
      what:
        `${what}; ${exact ? "" : "about "}${counted(records, "record")}, about ${formatBytes(bytes)} in about ` +
        `${counted(segments, "segment")}, ${records === 1n ? "is" : "are"} beyond that now. Kafka deletes whole ` +
        "segments, each once all its records are",
    },
  ];
}

/** The two ends of an edit as they are in force, where the topic says nothing itself by the brokers' default. */
function inForce({ key, from, to }: ConfigEdit, { defaults }: Findings) {
  const answer = defaults?.get(key);
  const found = answer !== undefined && "found" in answer ? answer.found : undefined;
  return { before: from ?? found, after: to ?? found, why: because(answer) };
}

/** Whether a replica that lacks records may lead from now on. */
function leading(edit: ConfigEdit, what: string, findings: Findings): Change {
  const { before, after, why } = inForce(edit, findings);
  const [did, does] = [before, after].map((value) => value?.toLowerCase() === "true");
  if (did || (after !== undefined && !does)) return { is: "safe", what };
  const lost =
    "where no replica in sync is left, one that is behind leads, at once, and what it lacks is lost";
  const unless = does ? "" : `, if they have it so: their default was not asked${why}`;
  return { is: "may destroy", what: `${what}; ${lost}${unless}` };
}

/** How many replicas a write needs: more may stop it, fewer make less of it. */
function insisting(edit: ConfigEdit, what: string, findings: Findings): Change[] {
  const { before, after, why } = inForce(edit, findings);
  if (before !== undefined && after !== undefined && Number(after) < Number(before)) {
    const few = edit.secret
      ? "fewer replicas in sync than before"
      : `${counted(Number(after), "replica")} in sync, where ${before} were needed`;
    const lost = `writes with acks=all are taken with ${few}: what so few have is lost with them`;
    return [{ is: "weakens writes", what: `${what}; ${lost}` }];
  }
  // Less than 1 there is not.
  const mayWeaken = (before === undefined || after === undefined) && edit.from !== "1";
  const asked = "whether fewer replicas suffice than before was not asked";
  const weaker: Change = { is: "may weaken writes", what: `${what}; ${asked}${why}` };
  const blocking = blocked(what, { after, why }, findings.thinnest);
  if (!mayWeaken) return [blocking];
  return blocking.is === "safe" ? [weaker] : [blocking, weaker];
}

function blocked(
  what: string,
  { after, why }: { readonly after: string | undefined; readonly why: string },
  thinnest: Answer<Thinnest> | undefined,
): Change {
  if (thinnest === undefined) return { is: "safe", what };
  if ("leftOut" in thinnest) {
    const asked = "how many replicas are in sync was not asked";
    return { is: "may block writes", what: `${what}; ${asked}${because(thinnest)}` };
  }
  if (after === undefined) {
    const asked = "how many replicas a write then needs was not asked";
    return { is: "may block writes", what: `${what}; ${asked}${why}` };
  }
  const { partition, inSync } = thinnest.found;
  if (Number(after) <= inSync) return { is: "safe", what };
  return {
    is: "blocks writes",
    what:
      `${what}; partition ${partition} has ${counted(inSync, "replica")} in sync: writes with acks=all ` +
      "are refused until there are enough",
  };
}

function compacting(what: string, keys: Answer<Keys> | undefined): Change {
  const kept = "of each key only the newest record is kept";
  if (keys === undefined || "leftOut" in keys) {
    return {
      is: "may destroy",
      what: `${what}; ${kept}, and records without a key are refused and removed: whether it has any was not asked${because(keys)}`,
    };
  }
  const { records, keyed, unkeyed } = keys.found;
  if (records === 0n) return { is: "safe", what: `${what}; it is empty` };
  if (unkeyed === 0) return { is: "destroys", what: `${what}; ${kept}` };
  return {
    is: "destroys",
    what:
      `${what}; ${kept}, and ${formatCount(unkeyed)} of ${counted(keyed + unkeyed, "sampled record")} ` +
      "have none: brokers refuse such records from then on, and their cleaner removes those that are there",
  };
}

/** As entries of `changes`: the class comes first. */
export const changeLines = ({ is, what, parts = [] }: Change): [string, ...string[]] => [
  `${is}: ${what}`,
  ...parts.map((part) => `${is}: ${part}`),
];

/** Whether it is said in the log, too. */
export function isSerious({ is }: Change): boolean {
  switch (is) {
    case "safe":
    case "not known yet":
      return false;
    case "moves data":
    case "may block writes":
    case "blocks writes":
    case "may weaken writes":
    case "weakens writes":
    case "may remap keys":
    case "remaps keys":
    case "may destroy":
    case "destroys":
      return true;
    default:
      return is satisfies never;
  }
}

/**
 * The lines beside what is changed, as something new: side by side with those of an earlier edit they would
 * read as if one had become the other.
 */
export function changesDiff(oldInputs: PropertyMap, news: PropertyMap): DetailedDiff {
  const [before, after] = [oldInputs["changes"], news["changes"]];
  if (after === undefined || sameValue(before, after)) return {};
  return { changes: { kind: "add", inputDiff: true } };
}
