import { readdirSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { readIfPresent } from "./files";
import { isMissingFile } from "./errors";
import { lockDir, type LabFolder } from "./lab-folder";
import { startedAt } from "./processes";

/** A lock of the local backend: held while an operation runs, left behind by one that was killed. */
export interface BackendLock {
  readonly file: string;
  readonly pid: number;
  readonly username: string;
  readonly hostname: string;
  readonly timestamp: Date;
}

/** Who holds a lock: a process of this machine that lives, one that has ended, or one that cannot be seen from here. */
export type LockHolder = "alive" | "dead" | "elsewhere";

/** The locks on a lab's stack. */
export function backendLocks(folder: LabFolder): BackendLock[] {
  const dir = lockDir(folder);
  return listDir(dir)
    .filter((name) => name.endsWith(".json"))
    .flatMap((name) => parseLock(join(dir, name)) ?? []);
}

function listDir(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    if (isMissingFile(error)) return [];
    throw error;
  }
}

function parseLock(file: string): BackendLock | undefined {
  const text = readIfPresent(file);
  if (text === undefined) return undefined; // released in the meantime
  try {
    const lock = JSON.parse(text) as {
      pid: number;
      username: string;
      hostname: string;
      timestamp: string;
    };
    return { ...lock, file, timestamp: new Date(lock.timestamp) };
  } catch {
    // Cut off while it was written: its process is gone, and process 0 is nobody's.
    return { file, pid: 0, username: "", hostname: hostname(), timestamp: new Date(0) };
  }
}

/** Clocks tell a process's start to a second or two. */
const START_TOLERANCE_MS = 3000;

/** Judges a lock. A process that began after the lock was taken has only inherited the holder's number. */
export function holderOf(
  lock: BackendLock,
  thisHost: string = hostname(),
  startOf: (pid: number) => Date | undefined = startedAt,
): LockHolder {
  if (lock.hostname !== thisHost) return "elsewhere";
  const start = lock.pid > 0 ? startOf(lock.pid) : undefined;
  if (start === undefined) return "dead";
  return start.getTime() > lock.timestamp.getTime() + START_TOLERANCE_MS ? "dead" : "alive";
}

/** Removes exactly this lock. */
export function removeLock(lock: BackendLock): void {
  rmSync(lock.file, { force: true });
}
