/** What the ring does, apart from brokers, sockets and clocks. */

export interface SkyPosition {
  /** Degrees, from 0 up to but not including 360. */
  readonly rightAscension: number;
  /** Degrees, -90 to 90. */
  readonly declination: number;
}

/** An alert, as its record's value has it (JSON). */
export interface Alert extends SkyPosition {
  /** The lab's name of the host that sends it. */
  readonly from: string;
  /** Random, another one at each start of the program. */
  readonly session: string;
  /** From 1 on in each session. */
  readonly seq: number;
  /** ISO 8601 in UTC, with milliseconds. */
  readonly time: string;
}

/**
 * A position as likely as any other on the sphere: the area of a ring around the poles' axis goes with the
 * sine of its declination, so it is that which is drawn evenly.
 *
 * @param random as Math.random
 */
export function randomPosition(random: () => number): SkyPosition {
  const degrees = (radians: number): number => (radians * 180) / Math.PI;
  return {
    rightAscension: round(random() * 360) % 360,
    declination: round(degrees(Math.asin(2 * random() - 1))),
  };
}

/** To a hundred-thousandth of a degree, some hundredths of an arc second. */
const round = (degrees: number): number => Math.round(degrees * 1e5) / 1e5;

/**
 * When the next alert of an even pace is due. What was missed while the program stood still is not made up
 * for.
 *
 * @param dueMs when the one before was due
 */
export function nextDue(dueMs: number, periodMs: number, nowMs: number): number {
  const next = dueMs + periodMs;
  if (next > nowMs) return next;
  return next + Math.ceil((nowMs - next + 1) / periodMs) * periodMs;
}

/** What an alert that came is. */
export type Judgement =
  /** It is the next one, or the first of its session that is seen. */
  | { readonly kind: "new"; readonly missing: number; readonly newSession: boolean }
  /** It had been missed. */
  | { readonly kind: "late" }
  | { readonly kind: "duplicate" }
  /** From before the first that was seen of its session: nobody knows whether it came before. */
  | { readonly kind: "earlier" };

/** How far back it is known which alerts of a session have come. */
const WINDOW = 10_000;
/** Sessions of one sender, and senders, that are kept in mind: the latest. */
const SESSIONS = 4;
const SENDERS = 64;

/** What has come of one session. */
interface Session {
  readonly first: number;
  highest: number;
  readonly missing: Set<number>;
}

/** Counts what was lost and what came twice, by sender, session and number. Bounded. */
export class Tally {
  private readonly senders = new Map<string, Map<string, Session>>();

  take({ from, session, seq }: Pick<Alert, "from" | "session" | "seq">): Judgement {
    const sessions = touch(this.senders, from, SENDERS, () => new Map<string, Session>());
    const isKnownSender = sessions.size > 0;
    const known = sessions.get(session);
    if (known === undefined) {
      const fresh = { first: seq, highest: seq, missing: new Set<number>() };
      touch(sessions, session, SESSIONS, () => fresh);
      return { kind: "new", missing: 0, newSession: isKnownSender };
    }
    if (seq < known.first) return { kind: "earlier" };
    if (seq <= known.highest) {
      return known.missing.delete(seq) ? { kind: "late" } : { kind: "duplicate" };
    }
    const missing = seq - known.highest - 1;
    for (let n = Math.max(known.highest + 1, seq - WINDOW); n < seq; n++) known.missing.add(n);
    known.highest = seq;
    for (const n of known.missing) {
      if (n > seq - WINDOW) break;
      known.missing.delete(n);
    }
    return { kind: "new", missing, newSession: false };
  }
}

/** The entry, as the latest one; the oldest goes where there are too many. */
function touch<V>(map: Map<string, V>, key: string, limit: number, make: () => V): V {
  const value = map.get(key) ?? make();
  map.delete(key);
  map.set(key, value);
  if (map.size > limit) map.delete(map.keys().next().value!);
  return value;
}
