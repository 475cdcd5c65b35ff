import { join } from "node:path";

import { cacheDir } from "../../shared/cache-dir";
import { accepts } from "../reachable";
import { PackageCache } from "./cache";
import type { Mirrors } from "./reach";
import { PackageStore } from "./store";
import { proxyFor, Upstream } from "./upstream";

/**
 * All that a lab of Debian installs is about 90 MB for one kind of machine, and a new version of its lists 10 MB:
 * years of updates fit, and so do a few distributions.
 */
const LIMIT_BYTES = 4 * 1024 ** 3;

/** A mirror, or the proxy before it, accepts a connection within this, ms, or does not answer. */
const REACH_MS = 3_000;

/**
 * Whether packages of a mirror can be had here: something of it is kept, or it answers.
 * @param mirrors all that the host's sources name
 * @throws Hindrance where one of them is not asked
 */
export async function canFetchHere(
  origin: string,
  mirrors: Mirrors,
  env = process.env,
): Promise<boolean> {
  const url = new URL(origin);
  await new Upstream(env).check(mirrors);
  const kept = await packageStore(env).list();
  if (kept.some((one) => one.absent !== true && new URL(one.url).host === url.host)) return true;
  const { hostname, port } = proxyFor(url, env) ?? url;
  return accepts(`${hostname}:${port === "" ? 80 : port}`, REACH_MS);
}

/** The cache of this machine, shared by all labs. */
export function packageCache(env: NodeJS.ProcessEnv = process.env): PackageCache {
  return new PackageCache(packageStore(env), new Upstream(env));
}

function packageStore(env: NodeJS.ProcessEnv): PackageStore {
  return new PackageStore(join(cacheDir(env), "packages"), LIMIT_BYTES);
}
