/** What an edit of a topic makes another: values in, values out. */
import { isDeepStrictEqual } from "node:util";
import type { PropertyMap, PropertyValue } from "../../plugins/common/rpc";
import {
  asSecretAs,
  containsSecret,
  containsUnknown,
  isMap,
  reveal,
  sameValue,
  shallowMapOf,
  Unknown,
} from "../../plugins/common/rpc";
import type { LiveTopic } from "../admin/port";
import { sameSetting } from "./settings";

/** One thing of a topic that an edit makes another. */
export type Edit =
  | { readonly kind: "name"; readonly from: string; readonly to: string }
  | { readonly kind: "partitions"; readonly from: number; readonly to: number }
  | { readonly kind: "replicas"; readonly what: string }
  /** Of the stack's state alone. */
  | { readonly kind: "state"; readonly what: string }
  | ConfigEdit
  | { readonly kind: "unknown"; readonly property: string };

export interface ConfigEdit {
  readonly kind: "config";
  readonly key: string;
  /** Undefined: the brokers' default. */
  readonly from: string | undefined;
  readonly to: string | undefined;
  /** Its values are shown nowhere. */
  readonly secret: boolean;
}

/** What the new inputs have otherwise than the last ones; empty for a topic that is new. */
export function editsOf(olds: PropertyMap, news: PropertyMap): Edit[] {
  if (Object.keys(olds).length === 0) return [];
  const [before, after] = [reveal(olds), reveal(news)];
  const edits: Edit[] = [];
  const compare = <T extends PropertyValue>(key: string, edit: (from: T, to: T) => Edit): void => {
    const [from, to] = [before[key], after[key]];
    if (to instanceof Unknown) edits.push({ kind: "unknown", property: key });
    else if (from !== to && from !== undefined && to !== undefined)
      edits.push(edit(from as T, to as T));
  };
  compare<string>("name", (from, to) => ({ kind: "name", from, to }));
  compare<number>("partitions", (from, to) => ({ kind: "partitions", from, to }));
  edits.push(...replicaEdits(before, after), ...configEdits(olds["config"], news["config"]));
  compare<boolean>("deletionProtection", (from, to) => ({
    kind: "state",
    what: `deletionProtection ${from} => ${to}`,
  }));
  return edits;
}

/**
 * What the update is going to make another, by what the cluster has: a failed update has written what the
 * inputs of the state do not know, and others write too. What it finds as wanted is said to be.
 */
export function editsFrom(olds: PropertyMap, live: LiveTopic, news: PropertyMap): Edit[] {
  const known = editsOf(olds, news);
  if (known.some(({ kind }) => kind === "name")) return known;
  const [before, after] = [shallowMapOf(olds["config"]), shallowMapOf(news["config"])];
  const config: PropertyMap = {};
  for (const key of Object.keys({ ...before, ...after })) {
    const value = live.config[key];
    if (value !== undefined) config[key] = asSecretAs(before[key], value);
  }
  const there = { partitions: live.partitions.length, config: asSecretAs(olds["config"], config) };
  const edits = new Map(editsOf({ ...olds, ...there }, news).map((edit) => [keyOf(edit), edit]));
  for (const edit of known) {
    const key = keyOf(edit);
    if (!edits.has(key)) {
      edits.set(key, { kind: "state", what: `${editText(edit)}; the cluster has it so already` });
    }
  }
  return [...edits.values()];
}

/** Those that the first list has and the second has not, by what they are about. */
export function editsBeyond(edits: readonly Edit[], told: readonly Edit[]): Edit[] {
  const keys = new Set(told.map(keyOf));
  return edits.filter((edit) => !keys.has(keyOf(edit)));
}

/** Those that the second list has not, or has from another beginning: of two limits one may be raised to the same value and the other cut. */
export function editsOtherwise(edits: readonly Edit[], told: readonly Edit[]): Edit[] {
  return edits.filter((edit) => !told.some((one) => isDeepStrictEqual(one, edit)));
}

/** What of a topic it is about. */
function keyOf(edit: Edit): string {
  switch (edit.kind) {
    case "config":
      return `config ${edit.key}`;
    case "state":
      return `state ${edit.what}`;
    case "unknown":
      return `unknown ${edit.property}`;
    case "name":
    case "partitions":
    case "replicas":
      return edit.kind;
    default:
      return edit satisfies never;
  }
}

function editText(edit: Edit): string {
  switch (edit.kind) {
    case "config":
      return configText(edit);
    case "partitions":
      return `${edit.from} => ${edit.to} partitions`;
    case "name":
      return `name ${edit.from} => ${edit.to}`;
    case "replicas":
    case "state":
      return edit.what;
    case "unknown":
      return edit.property;
    default:
      return edit satisfies never;
  }
}

/** `retention.ms 604800000 => 86400000`. */
export function configText({ key, from, to, secret }: ConfigEdit): string {
  if (secret) return `${key}, whose values are secret`;
  return `${key} ${from ?? "(the brokers' default)"} => ${to ?? "(the brokers' default)"}`;
}

/** Why a topic cannot have fewer partitions, with the ways out; undefined where it is to have as many or more. */
export function shrinkFault(edits: readonly Edit[]): string | undefined {
  const shrinks = edits.find((edit) => edit.kind === "partitions" && edit.to < edit.from);
  if (shrinks?.kind !== "partitions" || edits.some(({ kind }) => kind === "name")) return undefined;
  const { from, to } = shrinks;
  return (
    `${from} cannot become ${to}: Kafka cannot take partitions away without their records. Keep ${from}; ` +
    `or declare another topic with ${to}, copy what you need, move producers and consumers, and remove this one`
  );
}

function replicaEdits(before: PropertyMap, after: PropertyMap): Edit[] {
  const factors = [before["replicationFactor"], after["replicationFactor"]];
  const places = [before["placement"], after["placement"]];
  for (const [property, value] of [
    ["replicationFactor", factors[1]],
    ["placement", places[1]],
  ] as const) {
    if (containsUnknown(value)) return [{ kind: "unknown", property }];
  }
  const what: string[] = [];
  if (!sameValue(factors[0], factors[1])) {
    what.push(`replication factor ${shown(factors[0])} => ${shown(factors[1])}`);
  }
  if (!sameValue(places[0] ?? null, places[1] ?? null)) {
    const [, place] = places;
    if (place !== undefined && place !== null) what.push("another placement");
    else if (what.length === 0) return [{ kind: "state", what: "placement is no longer declared" }];
  }
  return what.length === 0 ? [] : [{ kind: "replicas", what: what.join(", ") }];
}

const shown = (value: PropertyValue | undefined): string => JSON.stringify(value ?? null);

function configEdits(olds: PropertyMap[string], news: PropertyMap[string]): Edit[] {
  const [before, after] = [reveal(olds), reveal(news)];
  if (after instanceof Unknown) return [{ kind: "unknown", property: "config" }];
  const [a, b] = [isMap(before) ? before : {}, isMap(after) ? after : {}];
  const secretAt = (map: PropertyMap[string], key: string): boolean =>
    isMap(map) ? containsSecret(map[key]) : containsSecret(map);
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].sort().flatMap((key): Edit[] => {
    const [from, to] = [a[key], b[key]];
    if (to instanceof Unknown) return [{ kind: "unknown", property: key }];
    if (sameSetting(key, textOf(from), textOf(to))) return [];
    const secret = secretAt(olds, key) || secretAt(news, key);
    return [{ kind: "config", key, from: textOf(from), to: textOf(to), secret }];
  });
}

const textOf = (value: PropertyValue | undefined): string | undefined =>
  typeof value === "string" ? value : undefined;

export const MIN_ISR = "min.insync.replicas";
export const UNCLEAN = "unclean.leader.election.enable";

const POLICY = "cleanup.policy";
const has = (policy: string | undefined, word: string): boolean =>
  (policy ?? "delete").split(",").some((one) => one.trim() === word);

export const beginsToCompact = ({ key, from, to }: ConfigEdit): boolean =>
  key === POLICY && has(to, "compact") && !has(from, "compact");

/** Where the topic says nothing itself before or after, the brokers' default counts. */
export const asksForDefault = (edit: Edit): edit is ConfigEdit =>
  edit.kind === "config" &&
  (edit.key === MIN_ISR || edit.key === UNCLEAN) &&
  (edit.from === undefined || edit.to === undefined);

/** A limit that log segments are deleted by from now on: sooner than before. */
export type Cut =
  | { readonly kind: "time"; readonly retentionMs: number }
  | { readonly kind: "size"; readonly retentionBytes: number }
  /** The brokers' default, which only they know. */
  | { readonly kind: "default" };

const RETENTION_MS = "retention.ms";
const RETENTION_BYTES = "retention.bytes";
/** Kafka's own `log.retention.hours`: 7 days. */
const DEFAULT_RETENTION_MS = String(7 * 24 * 3_600_000);

/** What of its log a topic may lose by each edit of its settings, by key; only where it may lose something. */
export function cutsOf(
  edits: readonly Edit[],
  config: Readonly<Record<string, string>>,
): Map<string, readonly Cut[]> {
  const cuts = new Map<string, readonly Cut[]>();
  if (!has(config[POLICY], "delete")) return cuts;
  for (const edit of edits) {
    if (edit.kind !== "config") continue;
    const found = cutOf(edit, config);
    if (found.length > 0) cuts.set(edit.key, found);
  }
  return cuts;
}

function cutOf({ key, from, to }: ConfigEdit, config: Readonly<Record<string, string>>): Cut[] {
  switch (key) {
    case RETENTION_MS:
    case RETENTION_BYTES:
      if (to === undefined) return [{ kind: "default" }];
      return shortens(from, to) ? limitOf(key, to) : [];
    case POLICY:
      if (has(from, "delete")) return [];
      return [
        ...limitOf(RETENTION_MS, config[RETENTION_MS] ?? DEFAULT_RETENTION_MS),
        ...limitOf(RETENTION_BYTES, config[RETENTION_BYTES] ?? "-1"),
      ];
    default:
      return [];
  }
}

/** Without a value of its own the topic had the brokers' default, which may have been longer. */
const shortens = (from: string | undefined, to: string): boolean =>
  from === undefined || Number(from) < 0 || Number(to) < Number(from);

function limitOf(key: typeof RETENTION_MS | typeof RETENTION_BYTES, value: string): Cut[] {
  const limit = Number(value);
  if (limit < 0) return [];
  return key === RETENTION_MS
    ? [{ kind: "time", retentionMs: limit }]
    : [{ kind: "size", retentionBytes: limit }];
}
