import type { Session } from "./routes";

/** What another bridge has told of itself lately. */
export interface Peer {
  /** Ids of the sessions that it serves or is about to. */
  readonly serves: ReadonlySet<string>;
  /** Those of them for which the MQTT broker keeps messages by now. */
  readonly subscribed: ReadonlySet<string>;
}

export interface View {
  readonly me: string;
  /** All bridges of the configuration, this one too, in the same order everywhere. */
  readonly bridges: readonly string[];
  readonly sessions: readonly Session[];
  /** Bridges that live, by host; also such as the configuration does not know any more. */
  readonly peers: ReadonlyMap<string, Peer>;
  /** Sessions that the MQTT broker may keep, by what bridges have noted there. */
  readonly noted: readonly Session[];
  /** Ids of the sessions that this bridge serves, and of those that the MQTT broker keeps for it. */
  readonly serving: ReadonlySet<string>;
  readonly subscribed: ReadonlySet<string>;
  /** Whether the others have had the time to say that they live. */
  readonly settled: boolean;
}

/**
 * Which sessions this bridge is to serve. Slice I is for the I-th bridge; while that one is away, for the
 * next one that lives. Nothing is lost where two disagree: the MQTT broker lets one client alone have a session.
 */
export function sessionsToServe(view: View): Session[] {
  const { me, bridges, sessions, serving, settled } = view;
  return sessions.filter(({ id, slice }) => {
    if (firstAlive(view, slice % bridges.length) !== me) return false;
    // Another one that serves it has seen this one return by then and finishes what it has begun.
    return serving.has(id) || (settled && !isServedElsewhere(view, id));
  });
}

/**
 * Sessions of a former configuration that this bridge is to empty and end. Only once all messages are
 * queued for the present ones as well, so that no moment is without a subscription.
 */
export function sessionsToEnd(view: View): Session[] {
  const { me, sessions, noted, peers, subscribed, settled } = view;
  const present = new Set(sessions.map(({ id }) => id));
  const isCovered = [...present].every(
    (id) => subscribed.has(id) || [...peers.values()].some((peer) => peer.subscribed.has(id)),
  );
  if (!settled || !isCovered || firstAlive(view, 0) !== me) return [];
  return noted.filter(({ id }) => !present.has(id) && !isServedElsewhere(view, id));
}

function firstAlive({ me, bridges, peers }: View, from: number): string | undefined {
  const order = [...bridges.slice(from), ...bridges.slice(0, from)];
  return order.find((host) => host === me || peers.has(host));
}

const isServedElsewhere = ({ peers }: View, id: string): boolean =>
  [...peers.values()].some(({ serves }) => serves.has(id));
