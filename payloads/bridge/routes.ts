import { createHash } from "node:crypto";
import type { BridgeConfig } from "../../model";
import { eventTime } from "../lib/event-time";

export type Route = BridgeConfig["routes"][number];

/**
 * One session on the MQTT broker: a route's filter, and the slice of its topics that is taken from it.
 * Whoever serves it connects with its id, so that no two bridges can at once.
 */
export interface Session {
  /** Also the MQTT client id. Made of filter and slices alone: a route's new target keeps what is queued. */
  readonly id: string;
  readonly route: Route;
  /** 0 to `slices` - 1. */
  readonly slice: number;
  readonly slices: number;
}

/** The sessions of all routes: each is cut into as many slices as there are bridges to share it. */
export function planSessions(routes: readonly Route[], bridges: number): Session[] {
  return routes.flatMap((route) =>
    Array.from({ length: bridges }, (_, slice) => ({
      id: sessionId(route.from, slice, bridges),
      route,
      slice,
      slices: bridges,
    })),
  );
}

/** Letters, digits and `-` alone: Mosquitto's patterns of rules want no `+`, `#` or `/` in a client id. */
function sessionId(filter: string, slice: number, slices: number): string {
  const hash = createHash("sha256").update(filter, "utf8").digest("hex").slice(0, 12);
  return `bridge-${hash}-${slice + 1}-of-${slices}`;
}

/** Which of so many slices has an MQTT topic: its 32-bit FNV-1a hash, modulo. All of a topic in one. */
export function sliceOf(topic: string, slices: number): number {
  if (slices === 1) return 0;
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(topic, "utf8")) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0) % slices;
}

/** How a route makes the key of a topic that its filter takes: `{topic}`, and `{1}` for the first `+`. */
export function keyMaker({ from, key }: Route): (topic: string) => string {
  const wildcards = from.split("/").flatMap((level, at) => (level === "+" ? [at] : []));
  return (topic) => {
    const levels = topic.split("/");
    return key.replace(/\{(topic|[1-9]\d*)\}/g, (_, name: string) =>
      name === "topic" ? topic : (levels[wildcards[Number(name) - 1] ?? -1] ?? ""),
    );
  };
}

/** Epoch ms of the event that a JSON payload tells of in its `time`; undefined where there is none. */
export function timeIn(payload: Buffer): number | undefined {
  if (payload[0] !== 0x7b || payload.length > 4096) return undefined;
  try {
    const { time } = JSON.parse(payload.toString("utf8")) as { time?: unknown };
    return eventTime(time);
  } catch {
    return undefined;
  }
}
