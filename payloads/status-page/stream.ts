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
  /** What may wait for one that does not keep up, bytes, before one more event; whoever has more is dropped. Default 1 MiB. */
  readonly maxWaitingBytes?: number;
  /** How often it is looked for changes, ms. Default 1000. */
  readonly everyMs?: number;
  /** How often those are told that nothing has changed, ms. Default 5000; the page counts on it. */
  readonly beatMs?: number;
}

/** How soon a browser that has lost its connection tries again, ms. */
const RETRY_MS = 2_000;

/**
 * Server-sent events (WHATWG HTML, section 9.2): `snapshot`, all there is, to each that comes, then `change`
 * with what has changed since, and `beat` where nothing has. Whoever reconnects gets a snapshot again, whatever
 * its `Last-Event-ID`: the past is of no use to anybody here.
 */
export class Stream {
  private readonly clients = new Set<ServerResponse>();
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
    this.clients.add(client);
    this.options.figures.clients.set(this.clients.size);
    client.once("close", () => this.leave(client));
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
    for (const client of this.clients) client.end();
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
    for (const client of this.clients) this.send(client, text);
  }

  private send(client: ServerResponse, text: string): void {
    // What waited before: a long text by itself is no sign of a slow reader.
    if (client.writableLength > (this.options.maxWaitingBytes ?? 1 << 20)) {
      // Its browser comes back, and begins with what is then.
      this.options.figures.dropped.inc();
      client.destroy();
      return this.leave(client);
    }
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
