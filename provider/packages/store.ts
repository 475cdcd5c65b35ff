import { createHash, randomUUID } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { mkdir, open, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";

/** What is known of a kept file. */
export interface Kept {
  readonly url: string;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
  /** As its server said it; undefined: it did not. */
  readonly lastModified?: string;
  /** There is no such file, said its server; it is kept as an empty one. */
  readonly absent?: true;
}

export interface Entry extends Kept {
  /** When it was last asked for (of a list: last told to be current), ms since 1970. */
  readonly usedMs: number;
}

const CHUNK = 64 * 1024;
const DAY_MS = 86_400_000;
/** A trailer's length, in decimal, at the very end. */
const LENGTH_DIGITS = 8;
const MAX_TRAILER = 65_536;

/**
 * Files in a folder, by URL. What is known of a file stands behind its content, in the same file, which gets its
 * name once it is whole and on the disk: a power cut leaves a file or none, and one that was cut short has no
 * end that fits. Several processes may use one folder.
 */
export class PackageStore {
  private readonly files: string;
  private readonly drafts: string;
  /** Used by this process, which will want them again. */
  private readonly inUse = new Set<string>();

  constructor(
    readonly folder: string,
    private readonly limitBytes: number,
  ) {
    this.files = join(folder, "files");
    this.drafts = join(folder, "tmp");
  }

  /** What is kept of a URL; one that is damaged is thrown away. */
  async find(url: string): Promise<Entry | undefined> {
    this.inUse.add(nameOf(url));
    const path = this.pathOf(url);
    const file = await open(path).catch(ifMissing(undefined));
    if (file === undefined) return undefined;
    try {
      const kept = await readTrailer(file).catch(() => undefined);
      if (kept?.url === url) return { ...kept, usedMs: (await file.stat()).mtimeMs };
    } finally {
      await file.close();
    }
    await rm(path, { force: true });
    return undefined;
  }

  /** The content of a file that was found. One that is not what it was (a bad disk's) is thrown away at its end. */
  async *read({ url, size, sha256 }: Kept): AsyncGenerator<Buffer> {
    const file = await open(this.pathOf(url));
    const hash = createHash("sha256");
    try {
      for (let at = 0; at < size;) {
        const length = Math.min(CHUNK, size - at);
        const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at);
        if (bytesRead === 0) throw new Error(`${url} was cut short in the cache`);
        at += bytesRead;
        hash.update(buffer.subarray(0, bytesRead));
        // Before its end goes out: who has all of it may ask again at once.
        if (at === size && hash.digest("hex") !== sha256) await this.remove(url);
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  }

  /** Notes that it was asked for. */
  async touch(url: string): Promise<void> {
    const now = new Date();
    await utimes(this.pathOf(url), now, now).catch(ifMissing(undefined));
  }

  async remove(url: string): Promise<void> {
    await rm(this.pathOf(url), { force: true });
  }

  /** A new file; it is kept once `keep` is called. */
  async draft(): Promise<Draft> {
    await mkdir(this.drafts, { recursive: true });
    const path = join(this.drafts, randomUUID());
    return new Draft(path, await open(path, "wx+"), async (kept) => {
      const final = this.pathOf(kept.url);
      await mkdir(join(final, ".."), { recursive: true });
      await rename(path, final);
    });
  }

  /** All that is kept, the last used first. */
  async list(): Promise<Entry[]> {
    const found: Entry[] = [];
    for (const { path, mtimeMs } of await this.entries()) {
      const file = await open(path).catch(ifMissing(undefined));
      const kept = await (file === undefined
        ? undefined
        : readTrailer(file).catch(() => undefined));
      await file?.close();
      if (kept !== undefined) found.push({ ...kept, usedMs: mtimeMs });
    }
    return found;
  }

  /** Removes what has not been used for longest, until the rest fits; never what this process has used. */
  async prune(): Promise<number> {
    await this.removeOldDrafts();
    const entries = await this.entries();
    let total = entries.reduce((sum, { size }) => sum + size, 0);
    let removed = 0;
    for (const { name, path, size } of entries.reverse()) {
      if (total <= this.limitBytes) break;
      if (this.inUse.has(name)) continue;
      await rm(path, { force: true });
      total -= size;
      removed++;
    }
    return removed;
  }

  /** The last used first. */
  private async entries(): Promise<Found[]> {
    const names = await readdir(this.files, { recursive: true }).catch(ifMissing([]));
    const found: Found[] = [];
    for (const name of names) {
      const path = join(this.files, name);
      const info = await stat(path).catch(ifMissing(undefined));
      if (info?.isFile() !== true) continue;
      found.push({ name: name.slice(3), path, size: info.size, mtimeMs: info.mtimeMs });
    }
    return found.sort((a, b) => b.mtimeMs - a.mtimeMs);
  }

  /** Those of processes that were killed. */
  private async removeOldDrafts(): Promise<void> {
    for (const name of await readdir(this.drafts).catch(ifMissing([]))) {
      const path = join(this.drafts, name);
      const info = await stat(path).catch(ifMissing(undefined));
      if (info !== undefined && Date.now() - info.mtimeMs > DAY_MS) await rm(path, { force: true });
    }
  }

  private pathOf(url: string): string {
    const name = nameOf(url);
    return join(this.files, name.slice(0, 2), name);
  }
}

interface Found {
  readonly name: string;
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
}

/** A file that is being written, read by others while it grows. */
export class Draft {
  private readonly hash = createHash("sha256");
  private written = 0;

  constructor(
    private readonly path: string,
    readonly file: FileHandle,
    private readonly name: (kept: Kept) => Promise<void>,
  ) {}

  /** Bytes that can be read. */
  get size(): number {
    return this.written;
  }

  async write(chunk: Buffer): Promise<void> {
    await this.file.writeFile(chunk);
    this.hash.update(chunk);
    this.written += chunk.length;
  }

  /** Of all that was written. Ends the writing. */
  digest(): string {
    return this.hash.digest("hex");
  }

  async keep(kept: Kept): Promise<void> {
    const trailer = Buffer.from(JSON.stringify(kept));
    const length = String(trailer.length).padStart(LENGTH_DIGITS, "0");
    await this.file.writeFile(Buffer.concat([trailer, Buffer.from(length)]));
    await this.file.sync();
    await this.name(kept);
  }

  /** Whoever still reads it goes on with what there is. */
  async discard(): Promise<void> {
    await rm(this.path, { force: true });
  }
}

async function readTrailer(file: FileHandle): Promise<Kept | undefined> {
  const { size } = await file.stat();
  const length = Number(await readAt(file, size - LENGTH_DIGITS, LENGTH_DIGITS));
  if (!(length > 0 && length <= MAX_TRAILER)) return undefined;
  const kept = JSON.parse(await readAt(file, size - LENGTH_DIGITS - length, length)) as Kept;
  return kept.size === size - LENGTH_DIGITS - length ? kept : undefined;
}

async function readAt(file: FileHandle, position: number, length: number): Promise<string> {
  if (position < 0) return "";
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.toString("utf8", 0, bytesRead);
}

const nameOf = (url: string): string => createHash("sha256").update(url).digest("hex");

/** For what another process may have removed, or nobody has made yet. */
function ifMissing<T>(instead: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === "ENOENT") return instead;
    throw error;
  };
}
