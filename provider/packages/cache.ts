import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";

import type { Digest } from "./judge";
import { digestInUrl, isImmutable, isPlausible } from "./judge";
import { Download } from "./download";
import { Hindrance } from "./hindrance";
import type { Mirrors } from "./reach";
import type { Entry, PackageStore } from "./store";
import { type Upstream, UpstreamAway } from "./upstream";

/** What a file must be, as the archive's signed lists say. */
export interface Expected {
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
}

export interface Wish {
  /** Where the host may have it from. */
  readonly mirrors: Mirrors;
  readonly expected?: Expected | undefined;
}

/** An answer to one who asked. Its body is read to the end, or returned. */
export type Answer =
  | {
      readonly kind: "file";
      /** `stale`: a list from the cache, since nobody could be asked for a newer one. */
      readonly from: "cache" | "mirror" | "stale";
      /** Bytes, where they are known before. */
      readonly size: number | undefined;
      readonly lastModified: string | undefined;
      /** How long ago a mirror said last that it was current, ms; 0 but for `stale`. */
      readonly ageMs: number;
      /** Why nobody could be asked. */
      readonly why?: string;
      readonly body: AsyncGenerator<Buffer>;
    }
  /** What the mirror answered instead. */
  | { readonly kind: "refused"; readonly status: number; readonly why: string }
  /** It is not kept, and there is nobody to ask. */
  | { readonly kind: "away"; readonly why: string };

/** Until a mirror begins to answer, ms; shorter where there is something to go on with. */
const DEADLINE_MS = 15_000;
const LIST_DEADLINE_MS = 5_000;
/** How long a list counts as current, ms: all hosts of one `up` get the same. */
const CURRENT_MS = 60_000;
const MIN_START = 64;
/** A file's greatest size, bytes: several times that of the largest package or list that a lab needs. */
const MAX_FILE = 1024 ** 3;

/** Where it comes from, found once for all who ask at the same time. */
type Found =
  | {
      readonly kind: "download";
      readonly download: Download;
      readonly lastModified: string | undefined;
    }
  | { readonly kind: "kept" }
  | { readonly kind: "stale"; readonly why: string }
  | Exclude<Answer, { kind: "file" }>;

/**
 * Files of package archives, from the store or from their mirrors. What never changes is asked for once, lists
 * are asked anew; where no mirror answers, lists are taken as they were last seen.
 */
export class PackageCache {
  private readonly underWay = new Map<string, Promise<Found>>();
  private readonly currentUntilMs = new Map<string, number>();

  constructor(
    readonly store: PackageStore,
    private readonly upstream: Pick<Upstream, "check" | "get" | "close">,
    private readonly maxFileBytes = MAX_FILE,
  ) {}

  /**
   * Says before anything is asked what will not be.
   * @throws Hindrance
   */
  check(mirrors: Mirrors): Promise<void> {
    return this.upstream.check(mirrors);
  }

  async get(url: URL, wish: Wish): Promise<Answer> {
    const key = url.href;
    if (wish.expected !== undefined || isImmutable(url) || this.isCurrent(key)) {
      const entry = await this.fitting(url, wish);
      if (entry !== undefined) {
        if (wish.expected !== undefined || isImmutable(url)) await this.store.touch(key);
        return this.fromStore(entry, "cache");
      }
    }
    let finding = this.underWay.get(key);
    if (finding === undefined) {
      finding = this.find(url, wish);
      this.underWay.set(key, finding);
      // Who comes while a file is on its way reads along.
      void finding
        .then((found) => (found.kind === "download" ? found.download.outcome() : undefined))
        .catch(() => undefined)
        .finally(() => this.underWay.delete(key));
    }
    return this.answer(url, wish, await finding);
  }

  /** Breaks off what is under way, and returns when nothing is. */
  async close(): Promise<void> {
    this.upstream.close();
    const outcomes = [...this.underWay.values()].map(async (finding) => {
      const found = await finding;
      if (found.kind === "download") await found.download.outcome();
    });
    await Promise.allSettled(outcomes);
  }

  private isCurrent(key: string): boolean {
    return (this.currentUntilMs.get(key) ?? 0) > Date.now();
  }

  /** What is kept, if it is what is expected. */
  private async fitting(url: URL, { expected }: Wish): Promise<Entry | undefined> {
    const entry = await this.store.find(url.href);
    if (entry === undefined || expected === undefined) return entry;
    if (entry.size === expected.size && entry.sha256 === expected.sha256) return entry;
    await this.store.remove(url.href);
    return undefined;
  }

  /** Asks the mirror. While a file is on its way, all who ask for it share it. */
  private async find(url: URL, wish: Wish): Promise<Found> {
    const key = url.href;
    const entry = isImmutable(url) ? undefined : await this.store.find(key);
    const stale = (why: string): Found =>
      entry === undefined ? { kind: "away", why } : { kind: "stale", why };
    const deadlineMs = entry === undefined ? DEADLINE_MS : LIST_DEADLINE_MS;
    const ifModifiedSince = entry?.lastModified;
    try {
      const ask = { mirrors: wish.mirrors, ifModifiedSince, deadlineMs };
      const response = await this.upstream.get(url, ask);
      const status = response.statusCode ?? 0;
      if (status === 200) return await this.download(url, wish, response);
      response.resume();
      if (status === 304) {
        await this.store.touch(key);
        this.currentUntilMs.set(key, Date.now() + CURRENT_MS);
        return { kind: "kept" };
      }
      const why = `${url.host} answers ${status} ${response.statusMessage ?? ""}`.trim();
      // It is missing there; all else says more of the way than of the file.
      if (status === 404 || status === 410) {
        if (!isImmutable(url)) await this.keepAbsence(key);
        return { kind: "refused", status, why };
      }
      return stale(why);
    } catch (error) {
      if (error instanceof UpstreamAway) return stale(error.message);
      throw error;
    }
  }

  /** apt asks for lists in several forms: offline it must hear again that there is none of this one. */
  private async keepAbsence(url: string): Promise<void> {
    const draft = await this.store.draft();
    try {
      await draft.keep({ url, size: 0, sha256: draft.digest(), absent: true });
    } finally {
      await draft.file.close();
    }
    this.currentUntilMs.set(url, Date.now() + CURRENT_MS);
  }

  private async download(url: URL, wish: Wish, response: IncomingMessage): Promise<Found> {
    const chunks = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    const start = await firstBytes(chunks).catch((error: Error) => {
      throw new UpstreamAway(`${url.host} broke off (${error.message})`);
    });
    if (!isPlausible(url, response.headers["content-type"], start)) {
      response.destroy();
      const remedy = "does the network want a login?";
      throw new UpstreamAway(
        `what came from ${url.host} is no file of a package archive; ${remedy}`,
      );
    }
    const length = response.headers["content-length"];
    const size = length === undefined ? undefined : Number(length);
    const lastModified = response.headers["last-modified"];
    if (size !== undefined && size > this.maxFileBytes) {
      response.destroy();
      throw this.huge(url);
    }
    const draft = await this.store.draft();
    const download = new Download(draft, size, async (written) => {
      const named = digestInUrl(url);
      const hash = named === undefined ? undefined : createHash(named.algorithm);
      const take = async (chunk: Buffer): Promise<void> => {
        if (draft.size + chunk.length > this.maxFileBytes) throw this.huge(url);
        await draft.write(chunk);
        hash?.update(chunk);
        written();
      };
      try {
        await take(start);
        for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
          await take(next.value);
        }
      } catch (error) {
        response.destroy();
        throw error;
      }
      const sha256 = draft.digest();
      const got = { size: draft.size, sha256, named: hash?.digest("hex") };
      refuseWrong(url, got, { ...wish.expected, length: size, named });
      const isWhole = size !== undefined || response.headers["transfer-encoding"] !== undefined;
      // A connection's end may also be the end of a mirror's power.
      if (!isWhole && named === undefined && wish.expected === undefined) return draft.discard();
      const date = lastModified === undefined ? {} : { lastModified };
      await draft.keep({ url: url.href, size: draft.size, sha256, ...date });
      if (!isImmutable(url)) this.currentUntilMs.set(url.href, Date.now() + CURRENT_MS);
    });
    return { kind: "download", download, lastModified };
  }

  /** Told before it has filled the disk. */
  private huge({ host }: URL): Hindrance {
    return new Hindrance(
      `${host} sends more than ${Math.floor(this.maxFileBytes / 1024 ** 2)} MiB for it`,
      `No file that a lab needs is so large: see what answers for ${host}.`,
    );
  }

  private async answer(url: URL, wish: Wish, found: Found): Promise<Answer> {
    switch (found.kind) {
      case "download": {
        const { download, lastModified } = found;
        const body = this.readAlong(url, wish, download);
        return { kind: "file", from: "mirror", size: download.size, lastModified, ageMs: 0, body };
      }
      case "kept":
      case "stale": {
        const entry = await this.fitting(url, wish);
        if (entry === undefined)
          return { kind: "away", why: `${url.href} was removed from the cache` };
        return found.kind === "kept"
          ? this.fromStore(entry, "cache")
          : this.fromStore(entry, "stale", found.why);
      }
      case "refused":
      case "away":
        return found;
      default:
        return found satisfies never;
    }
  }

  private fromStore(entry: Entry, from: "cache" | "stale", why?: string): Answer {
    if (entry.absent === true) {
      return { kind: "refused", status: 404, why: `${new URL(entry.url).host} has no such file` };
    }
    const { size, lastModified, usedMs } = entry;
    const ageMs = from === "stale" ? Math.max(0, Date.now() - usedMs) : 0;
    const reason = why === undefined ? {} : { why };
    const body = this.store.read(entry);
    return { kind: "file", from, size, lastModified, ageMs, ...reason, body };
  }

  private async *readAlong(url: URL, wish: Wish, download: Download): AsyncGenerator<Buffer> {
    if (download.isOpen) {
      yield* download.read();
      return;
    }
    const fault = await download.outcome();
    if (fault !== undefined) throw fault;
    const entry = await this.fitting(url, wish);
    if (entry === undefined) throw new Error(`${url.href} was not kept`);
    yield* this.store.read(entry);
  }
}

/** Enough to see what it is. */
async function firstBytes(chunks: AsyncIterator<Buffer>): Promise<Buffer> {
  let start = Buffer.alloc(0);
  while (start.length < MIN_START) {
    const next = await chunks.next();
    if (next.done === true) break;
    start = Buffer.concat([start, next.value]);
  }
  return start;
}

interface Got {
  readonly size: number;
  readonly sha256: string;
  readonly named: string | undefined;
}

interface Must {
  readonly size?: number;
  readonly sha256?: string;
  readonly length: number | undefined;
  readonly named: Digest | undefined;
}

function refuseWrong(url: URL, got: Got, must: Must): void {
  const differs = (is: number | string | undefined, due: number | string | undefined): boolean =>
    due !== undefined && is !== due;
  if (differs(got.size, must.length) || differs(got.size, must.size)) {
    throw new Error(`${url.href} came with ${got.size} of ${must.length ?? must.size} bytes`);
  }
  if (differs(got.sha256, must.sha256) || differs(got.named, must.named?.hex)) {
    throw new Error(`what came as ${url.href} is not what the archive's lists say`);
  }
}
