import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { ToolchainError } from "./errors";
import { formatDuration, type Log } from "./log";
import { processStart } from "./process-start";

/** Who holds a lock. `started` tells a process from a later one with the same id. */
export interface Owner {
  readonly pid: number;
  readonly started: string;
  readonly host: string;
  readonly token: string;
  readonly what: string;
}

export interface LockTimes {
  /** How often a waiter looks. */
  readonly pollMs: number;
  /** How often a waiter says that it waits. */
  readonly reminderMs: number;
  /** How long to wait before giving up. */
  readonly deadlineMs: number;
  /** How often the owner touches its lock. */
  readonly heartbeatMs: number;
  /** An owner on another machine (a shared folder) is dead when its lock is older than this. */
  readonly foreignStaleMs: number;
}

const defaultTimes: LockTimes = {
  pollMs: 500,
  reminderMs: 20_000,
  // Longer than the longest build that may go on under a lock.
  deadlineMs: 45 * 60_000,
  heartbeatMs: 10_000,
  foreignStaleMs: 90_000,
};

function isDead(owner: Owner, lockAgeMs: number, times: LockTimes): boolean {
  if (owner.host !== os.hostname()) return lockAgeMs > times.foreignStaleMs;
  return processStart(owner.pid) !== owner.started;
}

/** A file without a readable owner (a power cut can leave it empty) is judged by its age. */
function isAbandoned({ owner, ageMs }: LockFile, times: LockTimes): boolean {
  return owner === undefined ? ageMs > times.foreignStaleMs : isDead(owner, ageMs, times);
}

interface LockFile {
  readonly owner: Owner | undefined;
  readonly ageMs: number;
}

/** The owner named in the file, with the file's age; undefined if it is gone. */
function readLock(file: string): LockFile | undefined {
  try {
    const ageMs = Date.now() - fs.statSync(file).mtimeMs;
    try {
      return { owner: JSON.parse(fs.readFileSync(file, "utf8")) as Owner, ageMs };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      return { owner: undefined, ageMs };
    }
  } catch {
    return undefined;
  }
}

/**
 * Puts a finished file in place only if there is none. `link` rather than `open` with `wx`:
 * nobody can then see a lock whose owner is not written yet.
 */
function tryCreate(file: string, content: string): boolean {
  const draft = `${file}.${process.pid}.${randomUUID()}`;
  fs.writeFileSync(draft, content);
  try {
    fs.linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    fs.rmSync(draft, { force: true });
  }
}

/**
 * Removes a lock whose owner is dead. Of several waiters that saw the dead owner only one may do it,
 * or the second would remove the lock that the first has taken since: hence the second, momentary lock.
 */
function removeDead(file: string, self: Owner, times: LockTimes): void {
  const guard = `${file}.removal`;
  if (!tryCreate(guard, JSON.stringify(self))) {
    const other = readLock(guard);
    if (other !== undefined && isAbandoned(other, times)) fs.rmSync(guard, { force: true });
    return;
  }
  try {
    const current = readLock(file);
    if (current !== undefined && isAbandoned(current, times)) fs.rmSync(file, { force: true });
  } finally {
    fs.rmSync(guard, { force: true });
  }
}

/**
 * Runs `work` while no other process holds the lock `file`. A lock whose process has ended without
 * releasing it is taken over. Locks do not nest: a process that asks for one it holds waits for ever
 * (until the deadline).
 *
 * @param what what the owner does meanwhile, for those who wait
 */
export async function withLock<T>(
  file: string,
  what: string,
  log: Log,
  work: () => Promise<T>,
  overrides: Partial<LockTimes> = {},
): Promise<T> {
  const times = { ...defaultTimes, ...overrides };
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const self: Owner = {
    pid: process.pid,
    started: processStart(process.pid) ?? "",
    host: os.hostname(),
    token: randomUUID(),
    what,
  };
  await acquire(file, self, log, times);
  const heartbeat = setInterval(() => {
    const now = new Date();
    fs.utimes(file, now, now, () => undefined);
  }, times.heartbeatMs);
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    // Only our own: after a long sleep of this machine another one may have taken it over.
    if (readLock(file)?.owner?.token === self.token) fs.rmSync(file, { force: true });
  }
}

async function acquire(file: string, self: Owner, log: Log, times: LockTimes): Promise<void> {
  const started = Date.now();
  let nextReminder = started;
  while (!tryCreate(file, JSON.stringify(self))) {
    const current = readLock(file);
    if (current !== undefined && isAbandoned(current, times)) {
      removeDead(file, self, times);
      // At once, or after a pause when it could not be removed: another waiter may be at it.
      if (!fs.existsSync(file)) continue;
    }
    const owner = current?.owner;
    const holder = owner === undefined ? "another process" : `process ${owner.pid} (${owner.what})`;
    const waited = Date.now() - started;
    if (waited > times.deadlineMs) {
      throw new ToolchainError(
        `${file} is still held by ${holder} after ${formatDuration(waited)}`,
        `If that process hangs, end it and run the command again.`,
      );
    }
    if (Date.now() >= nextReminder) {
      log(`${self.what}: waiting for ${holder}`);
      nextReminder = Date.now() + times.reminderMs;
    }
    await new Promise((resolve) => setTimeout(resolve, times.pollMs));
  }
}
