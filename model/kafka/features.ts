/**
 * What a cluster has agreed upon beside its settings: features with a finalized level each, which only
 * ever rise while brokers are exchanged. A broker that does not know a finalized level refuses to start.
 */
import type { KafkaVersion } from "../types";

export const METADATA_FEATURE = "metadata.version";

interface MetadataStep {
  /** Kafka's own name, e.g. `4.1-IV1`. */
  readonly name: string;
  readonly level: number;
  /** Whether the records of the metadata log changed with it: then there is no way back across it. */
  readonly changesRecords: boolean;
}

/**
 * Steps of the metadata version that a Kafka 4 knows: name, level, and `records` where the log's records
 * changed with it. Read from Kafka's own jars, 4.4.0 (`MetadataVersion`, up to `LATEST_PRODUCTION`).
 */
const METADATA_STEPS: readonly MetadataStep[] = `
3.3-IV3 7 records
3.4-IV0 8 records
3.5-IV0 9
3.5-IV1 10
3.5-IV2 11 records
3.6-IV0 12
3.6-IV1 13 records
3.6-IV2 14 records
3.7-IV0 15 records
3.7-IV1 16
3.7-IV2 17 records
3.7-IV3 18
3.7-IV4 19
3.8-IV0 20
3.9-IV0 21
4.0-IV0 22
4.0-IV1 23 records
4.0-IV2 24
4.0-IV3 25
4.1-IV0 26
4.1-IV1 27
4.2-IV0 28
4.2-IV1 29
4.3-IV0 30 records
4.4-IV0 31
4.4-IV1 32 records
4.4-IV2 33 records
`
  .trim()
  .split("\n")
  .map((line) => {
    const [name = "", level, records] = line.split(" ");
    return { name, level: Number(level), changesRecords: records !== undefined };
  });

/** Least and greatest level of a feature. */
export type LevelRange = readonly [min: number, max: number];

/**
 * Features that each version of the lab's knows, with their levels; a level of 0 is "off". Read from
 * Kafka's own jars (`BrokerFeatures.defaultSupportedFeatures`). `kraft.version` is left out: the quorum
 * keeps it by itself, and all of these versions have the same.
 */
const FEATURES: Readonly<Record<KafkaVersion, Readonly<Record<string, LevelRange>>>> = (() => {
  const of41 = {
    [METADATA_FEATURE]: [7, 27],
    "eligible.leader.replicas.version": [0, 1],
    "group.version": [0, 1],
    "share.version": [0, 1],
    "transaction.version": [0, 2],
  } as const;
  const of42 = { ...of41, [METADATA_FEATURE]: [7, 29], "streams.version": [0, 1] } as const;
  const of43 = { ...of42, [METADATA_FEATURE]: [7, 30] } as const;
  const of44 = { ...of43, [METADATA_FEATURE]: [7, 33], "share.version": [0, 2] } as const;
  return { "4.1.1": of41, "4.1.2": of41, "4.2.0": of42, "4.3.0": of43, "4.4.0": of44 };
})();

/** The levels that a version knows; undefined for a version that the lab does not run. */
export function knownFeatures(version: string): Readonly<Record<string, LevelRange>> | undefined {
  return Object.hasOwn(FEATURES, version) ? FEATURES[version as KafkaVersion] : undefined;
}

/**
 * Every way to write a metadata version: `4.1-IV1`, or `4.1` for the last one of that release. Those of
 * Kafka 3 are left out: a cluster may still have one, but nobody raises it to one.
 */
export const metadataVersionWords: readonly string[] = [
  ...new Set(
    METADATA_STEPS.filter(({ name }) => !name.startsWith("3.")).flatMap(({ name }) => [
      releaseOf(name),
      name,
    ]),
  ),
];

/** The full name of what was written: `4.1` is `4.1-IV1`. */
export function metadataVersionName(word: string): string {
  const found = METADATA_STEPS.filter(({ name }) => name === word || releaseOf(name) === word);
  return found.at(-1)?.name ?? word;
}

/** The level behind a full name; undefined for a name that is not known here. */
export function metadataLevel(name: string): number | undefined {
  return METADATA_STEPS.find((step) => step.name === name)?.level;
}

/** A level's name, as far as it is known here; a later Kafka's is told by its number. */
export function nameOfLevel(level: number): string {
  return METADATA_STEPS.find((step) => step.level === level)?.name ?? `level ${level}`;
}

/** The level behind a name that `nameOfLevel` gave. */
export function levelOfName(name: string): number | undefined {
  const number = /^level (\d+)$/.exec(name)?.[1];
  return metadataLevel(name) ?? (number === undefined ? undefined : Number(number));
}

/** `4.1` of `4.1-IV1`: the first Kafka that can read it. */
export function releaseOf(name: string): string {
  return name.replace(/-.*$/, "");
}

/** The newest metadata version that a version of Kafka knows, which a new cluster of it begins with. */
export function newestMetadataVersion(version: KafkaVersion): string {
  return nameOfLevel(FEATURES[version][METADATA_FEATURE]?.[1] ?? 0);
}

/** Whether Kafka itself would take a metadata version back: no record changed in between. */
export function canReturn(from: number, to: number): boolean {
  return METADATA_STEPS.filter(({ level }) => level > to && level <= from).every(
    ({ changesRecords }) => !changesRecords,
  );
}
