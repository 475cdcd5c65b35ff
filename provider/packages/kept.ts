import { join } from "node:path";

import { cacheDir } from "../../shared/cache-dir";
import { PackageCache } from "./cache";
import { PackageStore } from "./store";

/**
 * All that a lab of Debian installs is about 90 MB for one kind of machine, and a new version of its lists 10 MB:
 * years of updates fit, and so do a few distributions.
 */
const LIMIT_BYTES = 4 * 1024 ** 3;

/** The cache of this machine, shared by all labs. */
export function packageCache(env: NodeJS.ProcessEnv = process.env): PackageCache {
  return new PackageCache(new PackageStore(join(cacheDir(env), "packages"), LIMIT_BYTES));
}
