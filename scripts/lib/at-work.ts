import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ToolchainError, withLock, type Log } from "../../toolchain";
import { UserError } from "./errors";
import { readIfPresent } from "./files";
import type { LabFolder } from "./lab-folder";

/**
 * Runs `work` as the only command that changes this lab: from the look at what an earlier run has left to
 * the end of its own. The engine's own lock is no help here, since it begins with the engine, and two
 * commands that recover a lab at once would each take the other's work for a leftover.
 * @param what the command, as the user typed it
 * @throws UserError while another command is at work, naming its process. One that was killed is none
 */
export async function aloneAtWork<T>(
  folder: LabFolder,
  what: string,
  log: Log,
  work: () => Promise<T>,
): Promise<T> {
  const file = join(folder.dir, "lock");
  mkdirSync(folder.dir, { recursive: true, mode: 0o700 });
  let begun = false;
  const begin = (): Promise<T> => {
    begun = true;
    return work();
  };
  try {
    return await withLock(file, what, log, begin, { deadlineMs: AT_ONCE });
  } catch (error) {
    if (begun || !(error instanceof ToolchainError)) throw error;
    throw new UserError(`Another command is at work on the lab ${folder.stack}${holderOf(file)}`);
  }
}

/** No waiting: what the user typed was meant for the lab as it was then. */
const AT_ONCE = -1;

function holderOf(file: string): string {
  try {
    const { pid, what, host } = JSON.parse(readIfPresent(file) ?? "") as {
      pid: number;
      what: string;
      host: string;
    };
    return `: \`${what}\`, process ${pid} on ${host}. Wait for its end, or interrupt it with kill -INT ${pid}.`;
  } catch {
    return ". It has just ended: try again."; // released in the meantime
  }
}
