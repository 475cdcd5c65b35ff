import type { ClusterRule, LevelRule } from "../../../model";
import type { WeakPartition } from "./alerting";

/** The field of a bridge's readings. */
export const LAG_FIELD = "lagSeconds";
/** The subject of alerts about partitions: one alert for all of them. */
export const CLUSTER = "cluster";
/** Partitions that an alert names. */
const NAMED = 20;

export function levelIsBad({ type, level }: LevelRule, subject: string, value?: number): string {
  const shown = round(value);
  switch (type) {
    case "under-voltage":
      return `${subject} tells that its supply is too weak`;
    case "clock-offset":
      return `the clock of ${subject} is ${shown} s off (limit ${level.limit} s)`;
    case "bridge-lag":
      return `the bridge on ${subject} is ${shown} s behind (limit ${level.limit} s)`;
    case "threshold":
      return `${subject}: ${level.field} is ${shown} (limit ${level.limit})`;
    default:
      return type satisfies never;
  }
}

export function levelIsFine({ type, level }: LevelRule, subject: string, value?: number): string {
  const shown = round(value);
  switch (type) {
    case "under-voltage":
      return `the supply of ${subject} is strong enough again`;
    case "clock-offset":
      return `the clock of ${subject} is ${shown} s off again`;
    case "bridge-lag":
      return `the bridge on ${subject} is ${shown} s behind again`;
    case "threshold":
      return `${subject}: ${level.field} is ${shown} again`;
    default:
      return type satisfies never;
  }
}

export function clusterIsBad(
  { type }: ClusterRule,
  subject: string,
  weak: readonly WeakPartition[],
): { summary: string; value?: number; members?: readonly string[] } {
  if (type === "broker-down") return { summary: `the broker ${subject} does not answer` };
  const named = weak
    .slice(0, NAMED)
    .map(
      ({ topic, partition, inSync, needed }) => `${topic}-${partition} (${inSync} of ${needed})`,
    );
  const more = weak.length > NAMED ? `, and ${weak.length - NAMED} more` : "";
  const count = weak.length === 1 ? "1 partition is" : `${weak.length} partitions are`;
  return {
    summary: `${count} below min ISR, and take no writes: ${named.join(", ")}${more}`,
    value: weak.length,
    members: weak.slice(0, NAMED).map(({ topic, partition }) => `${topic}-${partition}`),
  };
}

export function clusterIsFine({ type }: ClusterRule, subject: string): string {
  return type === "broker-down"
    ? `the broker ${subject} answers again`
    : "no partition is below min ISR";
}

const round = (value?: number): string =>
  value === undefined ? "unknown" : String(Number(value.toPrecision(4)));
