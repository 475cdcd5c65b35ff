import * as os from "node:os";
import * as path from "node:path";

/** The checkout. */
export const checkoutDir = path.resolve(__dirname, "..");

/** The folder of the Go modules and other files that builds start from. */
export const toolchainDir = __dirname;

/**
 * Where everything that is downloaded or built is kept, outside the checkout.
 * PI_LAB_CACHE names it; otherwise it is `pi-lab` in the user's cache folder.
 */
export function cacheDir(env: NodeJS.ProcessEnv = process.env): string {
  const own = env["PI_LAB_CACHE"];
  if (own !== undefined && own !== "") return path.resolve(own);
  const xdg = env["XDG_CACHE_HOME"];
  const base = xdg !== undefined && xdg !== "" ? xdg : path.join(os.homedir(), ".cache");
  return path.join(base, "pi-lab");
}

/** True where downloads are switched off: everything is then built from package registries. */
export function downloadsAreOff(env: NodeJS.ProcessEnv = process.env): boolean {
  return env["PI_LAB_NO_DOWNLOAD"] === "1";
}
