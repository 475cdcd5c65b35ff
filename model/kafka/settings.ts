import { compareNatural } from "../errors";
import { nearest } from "../nearest";
import type { KafkaVersion } from "../types";
import { BROKER_SETTINGS } from "./broker-settings";
import { FORMER_TOPIC_SETTINGS, TOPIC_SETTINGS } from "./topic-settings";

export type SettingScope = "topic" | "broker";

type Kind = "boolean" | "int" | "short" | "long" | "double" | "text" | "list";

/** What Kafka takes for one key. */
interface Setting {
  readonly kind: Kind;
  /** Least and greatest number; undefined is unbounded. */
  readonly min: string | undefined;
  readonly max: string | undefined;
  /** Words that are taken; beside a range, numbers that are taken too. Empty: any. */
  readonly words: readonly string[];
  /** Undefined: all versions that the lab runs have it. */
  readonly since: string | undefined;
}

/**
 * A line is `key kind [values] [since=version]`; values are `min..max` with either end open, words
 * with `|` between, or both.
 */
function parseTable(table: string): ReadonlyMap<string, Setting> {
  return new Map(
    table
      .trim()
      .split("\n")
      .map((line): [string, Setting] => {
        const [key = "", kind = "", ...rest] = line.split(" ");
        const since = rest.find((part) => part.startsWith("since="))?.slice("since=".length);
        const values = rest.find((part) => !part.startsWith("since="))?.split("|") ?? [];
        const [min, max] = values.find((value) => value.includes(".."))?.split("..") ?? [];
        const words = values.filter((value) => !value.includes(".."));
        return [
          key,
          { kind: kind as Kind, min: min || undefined, max: max || undefined, words, since },
        ];
      }),
  );
}

const tables: Readonly<Record<SettingScope, ReadonlyMap<string, Setting>>> = {
  topic: parseTable(TOPIC_SETTINGS),
  broker: parseTable(BROKER_SETTINGS),
};

const formerTopicSettings = parseTable(FORMER_TOPIC_SETTINGS);
const NARROWED = "4.0";

/** Keys that Kafka takes in this scope, over all versions that the lab runs. */
export function settingKeys(scope: SettingScope): string[] {
  return [...tables[scope].keys()];
}

export interface SettingProblem {
  /** True when the key is wrong, whatever its value. */
  readonly aboutKey: boolean;
  readonly cause: string;
  readonly remedy: string;
}

/** What is wrong with a setting for a broker of this version; undefined if nothing is. */
export function settingProblem(
  scope: SettingScope,
  key: string,
  value: string,
  version: KafkaVersion,
): SettingProblem | undefined {
  // A listener may have its own value of many a setting, under a name that its user chose.
  if (scope === "broker" && key.startsWith("listener.name.")) return undefined;
  const setting = tables[scope].get(key);
  if (setting === undefined) return unknownKey(scope, key);
  if (setting.since !== undefined && compareNatural(setting.since, version) > 0) {
    return {
      aboutKey: true,
      cause: `comes with Kafka ${setting.since}; this lab runs ${version}`,
      remedy: "Remove the line, or raise cluster.kafkaVersion.",
    };
  }
  const wanted = illegalValue(setting, value);
  return wanted === undefined
    ? undefined
    : { aboutKey: false, cause: "is not what Kafka takes", remedy: `Give ${wanted}.` };
}

/**
 * What is wrong with a topic's setting for brokers of any release from 2.6 on, such as `4.1`; undefined if
 * nothing is. Without a release: for all of them.
 */
export function topicSettingProblem(
  key: string,
  value: string,
  release?: string,
): SettingProblem | undefined {
  const former = formerTopicSettings.get(key);
  const present = tables.topic.get(key);
  if (former === undefined && present === undefined) return unknownKey("topic", key);
  const known = release === undefined ? (former ?? present) : topicSettingOf(key, release);
  if (known === undefined) {
    const cause =
      present === undefined
        ? `went with Kafka ${NARROWED}, and the brokers run that or a later one`
        : `comes with Kafka ${present.since}, and the brokers run an older one`;
    const near = nearest(key, settingsOfRelease(release ?? ""));
    return {
      aboutKey: true,
      cause,
      remedy: `Leave it out${near === undefined ? "" : `, or write ${near}, which they know`}.`,
    };
  }
  const wanted = illegalValue(known, value);
  if (wanted === undefined) return undefined;
  const who = former === undefined || release === undefined ? "Kafka takes" : "these brokers take";
  return { aboutKey: false, cause: `is not what ${who}`, remedy: `Give ${wanted}.` };
}

/** The setting as a release has it; undefined if it has none. */
function topicSettingOf(key: string, release: string): Setting | undefined {
  const former = compareReleases(release, NARROWED) < 0 ? formerTopicSettings.get(key) : undefined;
  const setting = former ?? tables.topic.get(key);
  const isThere = setting?.since === undefined || compareReleases(setting.since, release) <= 0;
  return isThere ? setting : undefined;
}

function settingsOfRelease(release: string): string[] {
  const keys = new Set([...tables.topic.keys(), ...formerTopicSettings.keys()]);
  return [...keys].filter((key) => topicSettingOf(key, release) !== undefined);
}

/** By major and minor version: no setting came with a patch. */
function compareReleases(a: string, b: string): number {
  const [majorA = 0, minorA = 0] = a.split(".").map(Number);
  const [majorB = 0, minorB = 0] = b.split(".").map(Number);
  return majorA - majorB || minorA - minorB;
}

/** Kafka drops keys that it does not know without a word: a mistyped one would do nothing. */
function unknownKey(scope: SettingScope, key: string): SettingProblem {
  const noun = scope === "topic" ? "topics" : "brokers";
  const other = scope === "topic" ? "broker" : "topic";
  const twin = scope === "topic" ? key.replace(/^log\./, "") : `log.${key}`;
  if (tables[other].has(key) && tables[scope].has(twin)) {
    return {
      aboutKey: true,
      cause: `is a setting of ${scope === "topic" ? "brokers" : "topics"}, not of ${noun}`,
      remedy: `Write ${twin}, which is its name for ${noun}.`,
    };
  }
  const near = nearest(key, settingKeys(scope));
  return {
    aboutKey: true,
    cause: `is not a setting of ${noun} that Kafka knows`,
    remedy:
      near === undefined
        ? `Remove the line; Kafka's documentation lists the settings of ${noun}.`
        : `Did you mean ${near}?`,
  };
}

const INTEGER_LIMITS = {
  short: { min: -(2n ** 15n), max: 2n ** 15n - 1n },
  int: { min: -(2n ** 31n), max: 2n ** 31n - 1n },
  long: { min: -(2n ** 63n), max: 2n ** 63n - 1n },
};

/**
 * What the value should have been, in words that go on after "Give"; undefined for a legal one.
 * Numbers and truth values in plain notation alone: Kafka takes `TRUE` and ` 5`, and answers in its
 * own notation, which would look like a change.
 */
function illegalValue({ kind, min, max, words }: Setting, value: string): string | undefined {
  switch (kind) {
    case "boolean":
      return value === "true" || value === "false" ? undefined : "true or false";
    case "short":
    case "int":
    case "long": {
      if (words.includes(value)) return undefined;
      const low = min === undefined ? INTEGER_LIMITS[kind].min : BigInt(min);
      const high = max === undefined ? INTEGER_LIMITS[kind].max : BigInt(max);
      const isLegal = /^-?\d+$/.test(value) && BigInt(value) >= low && BigInt(value) <= high;
      return isLegal ? undefined : `a whole number ${range(min, max, words, high)}`;
    }
    case "double": {
      const number = /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : NaN;
      const isLegal = number >= Number(min ?? -Infinity) && number <= Number(max ?? Infinity);
      return isLegal ? undefined : `a number${min === undefined ? "" : ` from ${min} to ${max}`}`;
    }
    case "text":
      return words.length === 0 || words.includes(value) ? undefined : `one of ${words.join(", ")}`;
    case "list": {
      const items = value.split(",").map((item) => item.trim());
      const isLegal =
        words.length === 0 ||
        (items.every((item) => words.includes(item)) && new Set(items).size === items.length);
      return isLegal ? undefined : `one or more of ${words.join(", ")}, with commas between`;
    }
    default:
      return kind satisfies never;
  }
}

/** Whether two values of a setting mean the same to Kafka, which answers in its own notation. */
export function sameValue(scope: SettingScope, key: string, a: string, b: string): boolean {
  return a === b || inKafkasNotation(scope, key, a) === inKafkasNotation(scope, key, b);
}

function inKafkasNotation(scope: SettingScope, key: string, value: string): string {
  const text = value.trim();
  const kind = tables[scope].get(key)?.kind;
  switch (kind) {
    case undefined:
    case "boolean":
    case "text":
      return text;
    case "short":
    case "int":
    case "long":
      return text.replace(/^(-?)0+(?=\d)/, "$1");
    case "double":
      return String(Number(text));
    case "list":
      return text
        .split(",")
        .map((item) => item.trim())
        .join(",");
    default:
      return kind satisfies never;
  }
}

function range(
  min: string | undefined,
  max: string | undefined,
  also: readonly string[],
  high: bigint,
): string {
  const exceptions = also.length === 0 ? "" : `, or ${also.join(" or ")}`;
  if (min === undefined) return `of at most ${high}${exceptions}`;
  return max === undefined
    ? `of at least ${min}${exceptions}`
    : `from ${min} to ${max}${exceptions}`;
}
