import type { ServerResponse } from "node:http";
import { allOf, changesBetween, pack, type Packed } from "./changes";
import type { Figures } from "./figures";
import type { Items } from "./items";

export interface StreamOptions {
  /** What there is to show now. */
  readonly items: () => Items;
  readonly figures: Figures;
  /** Who may follow at once. Default 100. */
  readonly maxClients?: number;
  /**
   * How long one may leave what it was sent untaken, ms, before it is dropped. Default 15,000: the page itself
   * begins anew when it has heard nothing for 12 s.
   */
  readonly stuckMs?: number;
  /** How often it is looked for changes, ms. Default 1000. */
  readonly everyMs?: number;
  /** How often those are told that nothing has changed, ms. Default 5000; the page counts on it. */
  readonly beatMs?: number;
}

/** One that follows. */
interface Follower {
  /** Since when it has not taken what it was sent, monotonic ms; undefined while nothing was held back from it. */
  behindSinceMs: number | undefined;
}

/** How soon a browser that has lost its connection tries again, ms. */
const RETRY_MS = 2_000;

/**
 * Server-sent events (WHATWG HTML, section 9.2): `snapshot`, all there is, to each that comes, then `change`
 * with what has changed since, and `beat` where nothing has. Whoever reconnects gets a snapshot again, whatever
 * its `Last-Event-ID`: the past is of no use to anybody here.
 *
 * Whoever does not keep up is sent nothing more until it has taken what it has, and then a snapshot: one text
 * at most waits for each.
 */
export class Stream {
  private readonly clients = new Map<ServerResponse, Follower>();
  private readonly timer: NodeJS.Timeout;
  private packed: Packed = new Map();
  private snapshot: string | undefined;
  private packedAt = -Infinity;
  private toldAt = 0;
  private id = 0;

  constructor(private readonly options: StreamOptions) {
    this.timer = setInterval(() => this.tick(), options.everyMs ?? 1_000);
  }

  get isFull(): boolean {
    return this.clients.size >= (this.options.maxClients ?? 100);
  }

  /** Follows from now on. The answer's head has been written. */
  join(client: ServerResponse): void {
    // Who comes to an empty room finds what was there when the last one left.
    if (this.clients.size === 0) this.look();
    const follower: Follower = { behindSinceMs: undefined };
    this.clients.set(client, follower);
    this.options.figures.clients.set(this.clients.size);
    client.once("close", () => this.leave(client));
    client.on("drain", () => {
      if (follower.behindSinceMs === undefined) return;
      follower.behindSinceMs = undefined;
      this.send(client, this.snapshotText());
    });
    this.send(client, `retry: ${RETRY_MS}\n${this.snapshotText()}`);
  }

  /** All there is, as one JSON text. */
  state(): string {
    const { everyMs = 1_000 } = this.options;
    if (this.clients.size === 0 && Date.now() - this.packedAt >= everyMs) this.look();
    return `{"at":${Date.now()},"items":${allOf(this.packed)}}`;
  }

  close(): void {
    clearInterval(this.timer);
    for (const client of this.clients.keys()) client.end();
  }

  private tick(): void {
    if (this.clients.size === 0) return;
    const before = this.packed;
    this.look();
    const changes = changesBetween(before, this.packed);
    const now = Date.now();
    if (changes !== undefined) {
      this.tell("change", `{"at":${now},"items":${changes}}`);
    } else if (now - this.toldAt >= (this.options.beatMs ?? 5_000)) {
      this.tell("beat", `{"at":${now}}`);
    }
  }

  private look(): void {
    this.packed = pack(this.options.items());
    this.packedAt = Date.now();
    this.snapshot = undefined;
  }

  /** The same text for all that come between two looks. */
  private snapshotText(): string {
    this.snapshot ??= eventText(
      "snapshot",
      this.id,
      `{"at":${this.packedAt},"items":${allOf(this.packed)}}`,
    );
    return this.snapshot;
  }

  private tell(event: string, data: string): void {
    this.toldAt = Date.now();
    const text = eventText(event, ++this.id, data);
    for (const [client, follower] of this.clients) {
      if (client.writableNeedDrain) this.holdBack(client, follower);
      else this.send(client, text);
    }
  }

  private holdBack(client: ServerResponse, follower: Follower): void {
    const now = performance.now();
    follower.behindSinceMs ??= now;
    if (now - follower.behindSinceMs < (this.options.stuckMs ?? 15_000)) return;
    // Its browser comes back, if it is still there, and begins with what is then.
    this.options.figures.dropped.inc();
    client.destroy();
    this.leave(client);
  }

  private send(client: ServerResponse, text: string): void {
    client.write(text);
    this.options.figures.sentBytes.inc(Buffer.byteLength(text));
  }

  private leave(client: ServerResponse): void {
    this.clients.delete(client);
    this.options.figures.clients.set(this.clients.size);
  }
}

/** JSON has no line breaks of its own, which would end the event. */
const eventText = (event: string, id: number, data: string): string =>
  `event: ${event}\nid: ${id}\ndata: ${data}\n\n`;
