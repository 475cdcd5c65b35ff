import * as path from "node:path";

export { cacheDir } from "../shared/cache-dir";

/** The checkout. */
export const checkoutDir = path.resolve(__dirname, "..");

/** The folder of the Go modules and other files that builds start from. */
export const toolchainDir = __dirname;

/** True where downloads are switched off: everything is then built from package registries. */
export function downloadsAreOff(env: NodeJS.ProcessEnv = process.env): boolean {
  return env["PI_LAB_NO_DOWNLOAD"] === "1";
}
