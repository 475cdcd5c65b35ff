/** How far a bridge is behind, from its own figures in Prometheus' text format. */

/** What is read from one scrape. */
interface Scrape {
  /** Cumulative counts of the histogram, by the upper bound of each bucket, seconds. */
  readonly buckets: ReadonlyMap<number, number>;
  readonly produced: number;
  readonly inFlight: number;
  /** MQTT sessions that it serves and has no connection for. */
  readonly away: number;
}

/** How long the lag of what was carried last is remembered while nothing is, ms. */
const REMEMBERED_MS = 60_000;

const LINE = /^(\w+)(?:\{([^}]*)\})? (\S+)/;

export function parseScrape(text: string): Scrape {
  const buckets = new Map<number, number>();
  const sums = { produced: 0, inFlight: 0, away: 0 };
  for (const line of text.split("\n")) {
    const [, name, labels = "", raw] = LINE.exec(line) ?? [];
    const value = Number(raw);
    if (name === "pilab_bridge_event_lag_seconds_bucket") {
      const bound = /le="([^"]+)"/.exec(labels)?.[1];
      buckets.set(bound === "+Inf" ? Infinity : Number(bound), value);
    } else if (name === "pilab_bridge_produced_total") sums.produced += value;
    else if (name === "pilab_bridge_in_flight") sums.inFlight += value;
    else if (name === "pilab_bridge_sessions" && labels.includes('"away"')) sums.away += value;
  }
  return { buckets, ...sums };
}

/**
 * The lag of one bridge over time: that of the middle one of the messages that it has carried since the last
 * scrape, or for how long it has carried nothing of what it holds, or has not answered. The middle one, so
 * that a device whose clock is wrong does not count for the bridge.
 */
export class BridgeLag {
  private last: Scrape | undefined;
  private lastAnswerMs: number;
  private lastProgressMs: number;
  private median: { readonly seconds: number; readonly atMs: number } | undefined;

  constructor(nowMs: number) {
    this.lastAnswerMs = nowMs;
    this.lastProgressMs = nowMs;
  }

  /** @param scrape undefined where it did not answer */
  take(scrape: Scrape | undefined, nowMs: number): number {
    if (scrape === undefined) return (nowMs - this.lastAnswerMs) / 1000;
    const last = this.last;
    this.last = scrape;
    this.lastAnswerMs = nowMs;
    if (last === undefined || scrape.inFlight === 0 || scrape.produced !== last.produced) {
      this.lastProgressMs = nowMs;
    }
    const seconds = last === undefined ? undefined : medianOf(last.buckets, scrape.buckets);
    if (seconds !== undefined) this.median = { seconds, atMs: nowMs };
    const isFresh = this.median !== undefined && nowMs - this.median.atMs < REMEMBERED_MS;
    const carried = isFresh ? (this.median?.seconds ?? 0) : 0;
    return Math.max(carried, (nowMs - this.lastProgressMs) / 1000);
  }
}

/** The middle one of what was observed between two scrapes; undefined where nothing was. */
function medianOf(
  before: ReadonlyMap<number, number>,
  after: ReadonlyMap<number, number>,
): number | undefined {
  const bounds = [...after.keys()].sort((a, b) => a - b);
  const total = (scrape: ReadonlyMap<number, number>) => scrape.get(Infinity) ?? 0;
  // A bridge that has begun anew counts from nothing.
  const isNew = total(after) < total(before);
  const count = (bound: number) => (after.get(bound) ?? 0) - (isNew ? 0 : (before.get(bound) ?? 0));
  const all = count(Infinity);
  if (all <= 0) return undefined;
  let [below, lower] = [0, 0];
  for (const bound of bounds) {
    const upTo = count(bound);
    if (upTo >= all / 2) {
      // All that is known of the last bucket is where it begins.
      if (bound === Infinity) return lower;
      return lower + ((all / 2 - below) / (upTo - below)) * (bound - lower);
    }
    [below, lower] = [upTo, bound];
  }
  return lower;
}
