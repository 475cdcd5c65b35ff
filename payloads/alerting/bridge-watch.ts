import { setTimeout as sleep } from "node:timers/promises";
import type { AlertingConfig } from "../../model";
import { stoodStill, withDeadline } from "../lib/deadline";
import { BridgeLag, parseScrape } from "./lag";

/** Between two questions, and how long an answer may take, ms. */
const ASK_MS = 1_000;
const ANSWER_MS = 1_500;
/** After that the other bridges have taken over what a bridge carried that is away, ms. */
const TAKEN_OVER_MS = 30_000;
/** Bytes of an answer that are looked at. */
const MAX_BYTES = 4 * 1024 * 1024;

interface Seen {
  /** Since when it does not answer, or has no connection to the MQTT broker; monotonic ms. */
  illSinceMs: number | undefined;
}

/** Reads the bridges' figures. */
export class BridgeWatch {
  private readonly stopping = new AbortController();
  private readonly seen = new Map<string, Seen>();

  /** @param tell how far a bridge is behind, seconds; each second */
  constructor(
    bridges: AlertingConfig["bridges"],
    private readonly tell: (host: string, lagSeconds: number) => void,
    private readonly answerMs = ANSWER_MS,
  ) {
    for (const bridge of bridges) {
      this.seen.set(bridge.host, { illSinceMs: undefined });
      void this.watch(bridge.host, bridge.url);
    }
  }

  /** Whether what devices publish is carried: by all bridges, or by others in place of one that is gone. */
  flows(nowMs = performance.now()): boolean {
    const all = [...this.seen.values()];
    const isWell = ({ illSinceMs }: Seen) => illSinceMs === undefined;
    if (all.every(isWell)) return true;
    const isSettled = ({ illSinceMs }: Seen) =>
      illSinceMs === undefined || nowMs - illSinceMs >= TAKEN_OVER_MS;
    return all.some(isWell) && all.every(isSettled);
  }

  stop(): void {
    this.stopping.abort();
  }

  private async watch(host: string, url: string): Promise<void> {
    const { signal } = this.stopping;
    const lag = new BridgeLag(performance.now());
    while (!signal.aborted) {
      const begun = performance.now();
      const text = await ask(url, this.answerMs, signal);
      if (signal.aborted) return;
      if (text === undefined && stoodStill(begun, this.answerMs)) continue;
      const scrape = text === undefined ? undefined : parseScrape(text);
      const now = performance.now();
      const isWell = scrape !== undefined && scrape.away === 0;
      const seen = this.seen.get(host);
      if (seen !== undefined) seen.illSinceMs = isWell ? undefined : (seen.illSinceMs ?? now);
      this.tell(host, lag.take(scrape, now));
      const rest = Math.max(0, begun + ASK_MS - performance.now());
      await sleep(rest, undefined, { signal }).catch(() => {});
    }
  }
}

/** Undefined where there is no answer of use. */
async function ask(
  url: string,
  answerMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    return await withDeadline(answerMs, signal, (over) => read(url, over));
  } catch {
    return undefined;
  }
}

async function read(url: string, signal: AbortSignal): Promise<string | undefined> {
  const response = await fetch(url, { signal });
  if (response.body === null) return undefined;
  if (!response.ok) {
    // Else each such answer keeps a connection.
    await response.body.cancel();
    return undefined;
  }
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
    bytes += part.length;
    if (bytes > MAX_BYTES) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}
