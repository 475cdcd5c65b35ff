import { ensureProgram } from "./apt";
import type { Log } from "./log";
import { which } from "./process";

/** As distributions and Google call it; the first that is there is taken. */
const names = [
  "chromium-headless-shell",
  "chromium",
  "chromium-browser",
  "google-chrome-stable",
  "google-chrome",
];

/**
 * A Chromium that runs without a screen, for the tests of the status page. Labs do not need one.
 *
 * @returns its path
 */
export function ensureChromium(log: Log): Promise<string> {
  const found = names.find((name) => which(name) !== undefined) ?? names[0]!;
  return ensureProgram(
    log,
    found,
    [names[0]!, "fonts-dejavu-core"],
    "to look at the status page as a browser shows it",
  );
}
