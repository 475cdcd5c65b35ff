import { settingKeys } from "../../model/kafka/settings";
import { didYouMean } from "../../model/nearest";

/** How Kafka reads a setting's value. */
type Kind =
  | { readonly kind: "boolean" }
  | { readonly kind: "number"; readonly min: number; readonly max: number; readonly whole: boolean }
  | { readonly kind: "choice"; readonly of: readonly string[] }
  | { readonly kind: "list"; readonly of: readonly string[] };

const INT_MAX = 2 ** 31 - 1;
const int = (min: number): Kind => ({ kind: "number", min, max: INT_MAX, whole: true });
/** Kafka's own upper bound is 2^63 - 1; beyond 2^53 we leave the judgement to it. */
const long = (min: number): Kind => ({ kind: "number", min, max: Infinity, whole: true });
const level = (min: number, max: number): Kind => ({ kind: "number", min, max, whole: true });
const flag: Kind = { kind: "boolean" };

/**
 * Topic-level settings of Kafka 4.1 with their ranges, from its `LogConfig` (a provider test
 * compares the names with a broker's). What is out of range here is refused before any request.
 */
export const TOPIC_SETTINGS: Readonly<Record<string, Kind>> = {
  "cleanup.policy": { kind: "list", of: ["compact", "delete"] },
  "compression.gzip.level": level(-1, 9),
  "compression.lz4.level": level(1, 17),
  "compression.type": {
    kind: "choice",
    of: ["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"],
  },
  "compression.zstd.level": level(-131_072, 22),
  "delete.retention.ms": long(0),
  "file.delete.delay.ms": long(0),
  "flush.messages": long(1),
  "flush.ms": long(0),
  "index.interval.bytes": int(0),
  "local.retention.bytes": long(-2),
  "local.retention.ms": long(-2),
  "max.compaction.lag.ms": long(1),
  "max.message.bytes": int(0),
  "message.timestamp.after.max.ms": long(0),
  "message.timestamp.before.max.ms": long(0),
  "message.timestamp.type": { kind: "choice", of: ["CreateTime", "LogAppendTime"] },
  "min.cleanable.dirty.ratio": { kind: "number", min: 0, max: 1, whole: false },
  "min.compaction.lag.ms": long(0),
  "min.insync.replicas": int(1),
  preallocate: flag,
  "remote.log.copy.disable": flag,
  "remote.log.delete.on.disable": flag,
  "remote.storage.enable": flag,
  "retention.bytes": long(-1),
  "retention.ms": long(-1),
  // Kafka 4.0 raised it from 14 bytes (KIP-1030).
  "segment.bytes": int(1024 * 1024),
  "segment.index.bytes": int(4),
  "segment.jitter.ms": long(0),
  "segment.ms": long(1),
  "unclean.leader.election.enable": flag,
};

/** They are set and cleared by reassignments; a fixed value would throttle for ever. */
export const THROTTLE_SETTINGS: readonly string[] = [
  "follower.replication.throttled.replicas",
  "leader.replication.throttled.replicas",
];

/** Why a setting cannot be, with the remedy; undefined if it can. */
export function settingFault(key: string, value: string): string | undefined {
  if (THROTTLE_SETTINGS.includes(key)) {
    return "belongs to partition reassignments, which set and clear it; leave it out";
  }
  const kind = TOPIC_SETTINGS[key];
  // A later version's: which one the brokers run is theirs to say, and so are the values.
  if (kind === undefined && settingKeys("topic").includes(key)) return undefined;
  if (kind === undefined) {
    const hint = didYouMean(
      key,
      settingKeys("topic"),
      "See the topic-level configs of Kafka's documentation.",
    );
    return `is no topic-level setting of Kafka. ${hint}`;
  }
  const fault = valueFault(kind, value);
  return fault === undefined ? undefined : `"${value}" ${fault}`;
}

function valueFault(kind: Kind, value: string): string | undefined {
  switch (kind.kind) {
    case "boolean":
      return value === "true" || value === "false" ? undefined : 'is neither "true" nor "false"';
    case "choice":
      return kind.of.includes(value) ? undefined : `is none of ${kind.of.join(", ")}`;
    case "list":
      return splitList(value).every((item) => kind.of.includes(item)) && value.trim() !== ""
        ? undefined
        : `is no comma-separated list of ${kind.of.join(", ")}`;
    case "number": {
      const shape = kind.whole ? /^-?\d+$/ : /^-?\d+(\.\d+)?$/;
      if (!shape.test(value)) return kind.whole ? "is no whole number" : "is no number";
      if (Number(value) >= kind.min && Number(value) <= kind.max) return undefined;
      return kind.max === Infinity
        ? `is out of range: at least ${kind.min}`
        : `is out of range: ${kind.min} to ${kind.max}`;
    }
  }
}

/** Whether two values of a setting mean the same to Kafka, which answers in its own notation. */
export function sameSetting(key: string, a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a === b || canonical(key, a) === canonical(key, b);
}

function canonical(key: string, value: string): string {
  const kind = TOPIC_SETTINGS[key];
  switch (kind?.kind) {
    case undefined:
    case "boolean":
    case "choice":
      return value.trim();
    case "list":
      return splitList(value).sort().join(",");
    case "number":
      return kind.whole ? value.trim().replace(/^(-?)0+(?=\d)/, "$1") : String(Number(value));
  }
}

const splitList = (value: string): string[] => value.split(",").map((item) => item.trim());
