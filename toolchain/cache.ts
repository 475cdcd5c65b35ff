import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

import type { Log } from "./log";
import { withLock } from "./lock";
import { cacheDir } from "./paths";

/** One entry of the cache. */
export interface CacheEntry {
  /** Folder or file below the cache; it carries the version and whatever else the content depends on. */
  readonly name: string;
  /** What is being made, for progress lines. */
  readonly title: string;
  /** Whether what is there under that name can be used; what cannot is made anew. Default: whatever is there can. */
  readonly isWhole?: (path: string) => Promise<boolean>;
}

/** The path of an entry that is there already, or undefined. */
export function cachedPath(name: string): string | undefined {
  const final = path.join(cacheDir(), name);
  return fs.existsSync(final) ? final : undefined;
}

/**
 * The path of an entry, made by `build` if it is not there. `build` fills a folder of its own and says
 * what in it becomes the entry (default: the folder itself); that is moved into place as a whole, so an
 * interrupted build leaves nothing that could be taken for a finished one. Concurrent callers wait.
 */
export async function cached(
  log: Log,
  entry: CacheEntry,
  build: (folder: string) => Promise<string | void>,
): Promise<string> {
  const final = path.join(cacheDir(), entry.name);
  const isThere = async (): Promise<boolean> =>
    fs.existsSync(final) && (entry.isWhole === undefined || (await entry.isWhole(final)));
  if (await isThere()) return final;
  const flat = entry.name.replaceAll("/", "_");
  const temporary = path.join(cacheDir(), "tmp");
  return withLock(path.join(cacheDir(), "locks", `${flat}.lock`), entry.title, log, async () => {
    // Another one may have made it meanwhile.
    if (await isThere()) return final;
    fs.mkdirSync(temporary, { recursive: true });
    // Whoever holds the lock is the only builder: what others left is of no use any more.
    for (const left of fs.readdirSync(temporary)) {
      if (left.startsWith(`${flat}~`)) removeTree(path.join(temporary, left));
    }
    const folder = path.join(temporary, `${flat}~${process.pid}~${randomUUID()}`);
    fs.mkdirSync(folder);
    try {
      const result = (await build(folder)) ?? folder;
      flushTree(result);
      fs.mkdirSync(path.dirname(final), { recursive: true });
      removeTree(final);
      fs.renameSync(result, final);
      return final;
    } finally {
      removeTree(folder);
    }
  });
}

function removeTree(folder: string): void {
  fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

/** Writes everything to disk before it gets its final name: a power cut must not leave half an entry. */
function flushTree(file: string): void {
  const stat = fs.lstatSync(file);
  if (stat.isDirectory()) {
    for (const child of fs.readdirSync(file)) flushTree(path.join(file, child));
  } else if (stat.isFile()) {
    const handle = fs.openSync(file, "r");
    try {
      fs.fsyncSync(handle);
    } finally {
      fs.closeSync(handle);
    }
  }
}
