/** What a metadata version may become, and which Kafka can live with what is finalized: values in, reasons out. */
import {
  canReturn,
  knownFeatures,
  METADATA_FEATURE,
  metadataLevel,
  nameOfLevel,
  releaseOf,
} from "../../model/kafka/features";
import type { CheckFailure, PropertyMap } from "../../plugins/common/rpc";
import { reveal, Unknown } from "../../plugins/common/rpc";
import type { Features } from "../admin/port";

/** Finalized levels by feature. */
export type Finalized = Features["finalized"];

export function checkMetadataVersion(news: PropertyMap): CheckFailure[] {
  const value = reveal(news["metadataVersion"]);
  if (value instanceof Unknown) return [];
  if (typeof value === "string" && metadataLevel(value) !== undefined) return [];
  const shown = value === undefined ? "it is missing" : `${JSON.stringify(value)} is none`;
  return [
    {
      property: "metadataVersion",
      reason: `must be a metadata version by its full name, such as 4.1-IV1: ${shown}`,
    },
  ];
}

/** Shown beside the version in every preview that changes it. */
export function oneWayNote(name: string): string {
  return `one-way: from then on no Kafka older than ${releaseOf(name)} can be a broker of this cluster`;
}

/**
 * Why `from` (finalized) cannot become `to`, with the ways out; undefined if it can, or is it already.
 */
export function refusedStep(from: number, to: number): string | undefined {
  if (to >= from) return undefined;
  const [before, after] = [nameOfLevel(from), nameOfLevel(to)];
  const out =
    `Write ${before} (or a newer one) under cluster.metadataVersion, or leave the key out: ` +
    "nothing changes then.";
  if (!canReturn(from, to)) {
    return (
      `the metadata version ${before} is finalized and cannot go back to ${after}: the metadata log ` +
      `has records since that an older one cannot read. ${out} Only a new cluster begins with an older one.`
    );
  }
  return (
    `the metadata version ${before} is finalized, and going back to ${after} is not done here. ${out} ` +
    `Kafka itself can go back by this step, as no record changed with it: on a broker's host, ` +
    `\`kafka-features.sh --bootstrap-server ADDRESS:9092 downgrade --metadata ${after}\`, then ` +
    "`pulumi refresh`."
  );
}

/** Which of these nodes' Kafka cannot read the level, as reasons. */
export function nodesThatCannotRead(
  level: number,
  nodes: readonly { readonly server: string; readonly supported: Features["supported"] }[],
): string[] {
  return nodes.flatMap(({ server, supported }) => {
    const [min, max] = supported[METADATA_FEATURE] ?? [0, 0];
    if (level >= min && level <= max) return [];
    return [`${server} runs a Kafka that knows ${nameOfLevel(min)} to ${nameOfLevel(max)}`];
  });
}

/**
 * Why a version of Kafka would not start in a cluster with these levels finalized; empty if it would.
 * Kafka 4 forbids no skipped step by itself: what counts is that each finalized level is within what
 * the new binaries know. Of a version that is not known here nothing is said.
 */
export function unreadable(version: string, finalized: Finalized): string[] {
  const known = knownFeatures(version);
  if (known === undefined) return [];
  return Object.entries(finalized).flatMap(([feature, level]) => {
    // Levels of a feature that is off bind nobody; those of the quorum are its own.
    if (level === 0 || feature === QUORUM_FEATURE) return [];
    const [min, max] = known[feature] ?? [0, 0];
    if (level >= min && level <= max) return [];
    return [outOfRange(feature, level, min, max)];
  });
}

const QUORUM_FEATURE = "kraft.version";

function outOfRange(feature: string, level: number, min: number, max: number): string {
  const name = (one: number): string =>
    feature === METADATA_FEATURE ? nameOfLevel(one) : String(one);
  const known = max === 0 ? "does not know it" : `knows ${name(min)} to ${name(max)}`;
  return `the cluster has finalized ${feature} ${name(level)}, and it ${known}`;
}
