import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { PiShell } from "./pi-shell";

const SCRIPT = readFileSync(join(__dirname, "link-copy.pl"), "utf8");
/** Nothing of the lab's listens there. */
const PORT = 7099;
const TIMEOUT_MS = 10 * 60_000;

export interface Copied {
  readonly bytes: number;
  readonly seconds: number;
}

/**
 * Copies files of one Pi to another's disk over plain TCP, and removes them there.
 * @param files absolute paths
 * @param address of `to`
 * @param target file for all of them
 */
export async function copyOverLink(
  from: PiShell,
  files: readonly string[],
  to: PiShell,
  address: string,
  target: string,
): Promise<Copied> {
  const options = { stdin: SCRIPT, timeoutMs: TIMEOUT_MS };
  try {
    const [said] = await Promise.all([
      to.exec(["perl", "-", "receive", String(PORT), target], options),
      from.exec(["perl", "-", "send", address, String(PORT), ...files], options),
    ]);
    return parseCopied(said);
  } finally {
    await to.exec(["rm", "-f", target]);
  }
}

/** @throws Error for anything but two numbers */
export function parseCopied(said: string): Copied {
  const [bytes, seconds, ...rest] = said.trim().split(/\s+/).map(Number);
  if (bytes !== undefined && seconds !== undefined && rest.length === 0 && bytes > 0 && seconds > 0)
    return { bytes, seconds };
  throw new Error(`the copy over the link said ${JSON.stringify(said)}, not its bytes and seconds`);
}
