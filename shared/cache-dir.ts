import { homedir } from "node:os";
import { join, resolve } from "node:path";

/**
 * Where everything that is downloaded or built is kept, outside the checkout.
 * PI_LAB_CACHE names it; otherwise it is `pi-lab` in the user's cache folder.
 */
export function cacheDir(env: NodeJS.ProcessEnv = process.env): string {
  const own = env["PI_LAB_CACHE"];
  if (own !== undefined && own !== "") return resolve(own);
  const xdg = env["XDG_CACHE_HOME"];
  const base = xdg !== undefined && xdg !== "" ? xdg : join(homedir(), ".cache");
  return join(base, "pi-lab");
}
