import type { PackageCache } from "./cache";
import { type Told, toldOf } from "./hindrance";
import { packageOf } from "./judge";
import type { Listed } from "./host";
import type { Mirrors } from "./reach";

export interface Filled {
  /** Of all that was to be there. */
  readonly files: number;
  readonly bytes: number;
  /** Bytes that were fetched now. */
  readonly fetched: number;
  /** What could not be had, with the reason. */
  readonly missed: readonly ({ readonly name: string; readonly url: string } & Told)[];
}

/** Files at once; the mirrors' connections are fewer still. */
const AT_ONCE = 4;

/** Sees to it that all listed files are in the cache, each with the content that the lists say. */
export async function fill(
  cache: PackageCache,
  listed: readonly Listed[],
  mirrors: Mirrors,
  signal: AbortSignal,
  progress: (line: string) => void = () => undefined,
): Promise<Filled> {
  const missed: Filled["missed"][number][] = [];
  const queue = [...listed];
  let [done, bytes, fetched] = [0, 0, 0];
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      signal.throwIfAborted();
      const { url, size, sha256 } = next;
      try {
        const answer = await cache.get(new URL(url), { mirrors, expected: { size, sha256 } });
        if (answer.kind !== "file") missed.push({ name: packageOf(url), url, why: answer.why });
        else {
          // Read to its end: so a file that the disk has spoilt is found, and fetched the next time.
          for await (const chunk of answer.body) void chunk;
          bytes += size;
          if (answer.from === "mirror") fetched += size;
        }
      } catch (error) {
        missed.push({ name: packageOf(url), url, ...toldOf(error, cache.store.folder) });
      }
      done++;
      if (done % 10 === 0) progress(`${done} of ${listed.length} packages are in the cache`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { files: listed.length, bytes, fetched, missed };
}
