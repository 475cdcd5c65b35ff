import type { HostShell } from "../ssh/port";
import type { PackageCache } from "./cache";
import { fill, type Filled } from "./fill";
import { BringError, BringHost, type Look, mirrorsOf, type Way } from "./host";
import { ageInWords, packageOf } from "./judge";
import { Hindrance } from "./hindrance";
import { HostProxy } from "./proxy";
import type { Mirrors } from "./reach";

export interface BringOptions {
  /** Logical host name. */
  readonly host: string;
  /** Text of `bring.sh`, with its variables. */
  readonly script: string;
  /** Whether what is missing is installed, or only the cache is filled. */
  readonly install: boolean;
  /** Mirrors that the lab's configuration names, `host` or `host:port`; none: any that the host's sources name. */
  readonly mirrors: readonly string[];
  readonly signal: AbortSignal;
  readonly status: (line: string) => void;
  readonly warn: (line: string) => void;
}

export interface Brought {
  /** What was missing. */
  readonly missing: readonly string[];
  readonly system: string;
  /** Undefined where nothing was to be done. */
  readonly filled: Filled | undefined;
}

/**
 * Brings a host what it misses, through the cache, and fills the cache with all that the lab's packages need on such
 * a host: whatever lists it has, every package of theirs is in it too.
 *
 * @throws BringError, which names the host and what to do
 */
export async function bring(
  shell: HostShell,
  cache: PackageCache,
  options: BringOptions,
): Promise<Brought> {
  const { host, status } = options;
  const on = new BringHost(host, shell, options.script);
  const look = await on.look();
  const { missing, system } = look;
  if (options.install && missing.length === 0) return { missing, system, filled: undefined };
  const mirrors = await mayFetch(look.sources, cache, options);
  const proxy = new HostProxy(cache, mirrors);
  const port = await shell.forwardIn((connection) => proxy.accept(connection));
  const names = [...mirrors.hosts].map((mirror) => mirror.replace(/:\d+$/, ""));
  try {
    status(`${host}: reading the lists of packages through this machine`);
    const way = await update(on, { port, names, expired: false }, proxy, options);
    const filled = await installAndFill(on, way, proxy, look, cache, options);
    return { missing, system, filled };
  } catch (error) {
    options.signal.throwIfAborted();
    throw error instanceof BringError ? explained(host, error, proxy, cache) : error;
  } finally {
    await on.clean().catch(() => undefined);
  }
}

/** Before the host is asked for more than a look. */
async function mayFetch(
  sources: readonly string[],
  cache: PackageCache,
  { host, mirrors: named }: BringOptions,
): Promise<Mirrors> {
  try {
    const mirrors = mirrorsOf(sources, named);
    await cache.check(mirrors);
    return mirrors;
  } catch (error) {
    if (!(error instanceof Hindrance)) throw error;
    throw new BringError(`${host}: ${error.message}. ${error.remedy}`, { cause: error });
  }
}

/** Lists from the cache may be past their date; only those are taken all the same. */
async function update(
  on: BringHost,
  way: Way,
  proxy: HostProxy,
  { host, warn }: BringOptions,
): Promise<Way> {
  let used = way;
  try {
    await on.update(way);
  } catch (error) {
    if (!(error instanceof BringError) || proxy.stale === undefined) throw error;
    used = { ...way, expired: true };
    await on.update(used);
  }
  if (proxy.stale !== undefined) {
    const { ageMs, why } = proxy.stale;
    warn(
      `${host}: ${why}, so its packages come from this machine's cache alone, by lists that are ${ageInWords(ageMs)} old` +
        (used.expired ? " and past their date: it gets no newer security fixes than those." : "."),
    );
  }
  return used;
}

async function installAndFill(
  on: BringHost,
  way: Way,
  proxy: HostProxy,
  { missing }: Look,
  cache: PackageCache,
  { host, install, signal, status, warn }: BringOptions,
): Promise<Filled> {
  const listed = await on.list(way);
  for (const { url, size, sha256 } of listed) proxy.expected.set(url, { size, sha256 });
  if (install) status(`${host}: installing ${missing.join(", ")} through this machine`);
  const filling = fill(cache, listed, proxy.mirrors, signal, install ? undefined : status);
  // It goes on beside the installation, whose failure is told first.
  filling.catch(() => undefined);
  if (install) await on.install(way);
  const filled = await filling;
  await cache.store.prune();
  const [first] = filled.missed;
  if (first !== undefined && install) {
    warn(
      `${host} has what it needs, but the cache lacks ${filled.missed.length} of ${filled.files} packages for a machine with an empty card ` +
        `(${first.name}: ${first.why}). ${first.remedy ?? "Run `npm run packages` while this machine is online."}`,
    );
  }
  return filled;
}

/** What the host saw as a failed download, told by what was behind it. */
function explained(
  host: string,
  error: BringError,
  { misses }: HostProxy,
  cache: PackageCache,
): BringError {
  const [first] = misses;
  if (first === undefined) return error;
  const more = misses.length > 1 ? ` (and ${misses.length - 1} more)` : "";
  const online = `Bring this machine online once and run \`npm run packages\`, or \`up\` again; what it keeps is in ${cache.store.folder}.`;
  return new BringError(
    `${host}: ${packageOf(first.url)} cannot be had: ${first.url}: ${first.why}${more}. ${first.remedy ?? online} ` +
      `The host said: ${error.message.replace(`${host}: `, "")}`,
    { cause: error },
  );
}
