/**
 * The note on a host of what we have set while its broker runs: what tells our values from others'.
 */
import { sameValue } from "../../model/kafka/settings";
import type { RunTimeSettings } from "../admin/port";

/** Values that we have set, or were about to set, by key; the newest is the last. */
export type Recorded = ReadonlyMap<string, readonly string[]>;

/** A line `key=value` for each value that we have set. */
export function parseRecord(text: string): Recorded {
  const recorded = new Map<string, readonly string[]>();
  for (const line of text.split("\n")) {
    const at = line.indexOf("=");
    if (at <= 0) continue;
    const key = line.slice(0, at);
    recorded.set(key, [...(recorded.get(key) ?? []), line.slice(at + 1)]);
  }
  return recorded;
}

export function renderRecord(recorded: Recorded): string {
  return [...recorded]
    .flatMap(([key, values]) => values.map((value) => `${key}=${value}\n`))
    .join("");
}

/** The record before values are set: the former ones may be in force until then. */
export function recordedBefore(
  recorded: Recorded,
  set: Readonly<Record<string, string>>,
): Recorded {
  const next = new Map(recorded);
  for (const [key, value] of Object.entries(set)) {
    next.set(key, [...(next.get(key) ?? []).filter((one) => one !== value), value]);
  }
  return next;
}

/** The record afterwards: what the broker has of ours, and nothing that it has not. */
export function recordedAfter(recorded: Recorded, live: RunTimeSettings): Recorded {
  return new Map(
    [...recorded].flatMap(([key, values]) => {
      const over = live.own[key];
      const isSet = values.some((one) => over !== undefined && sameValue("broker", key, one, over));
      return isSet && over !== undefined ? [[key, [over]] as const] : [];
    }),
  );
}
