import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { readIfPresent } from "../scripts/lib/files";
import { dockerObjects, removeObjects } from "../scripts/lib/leftovers";
import { isAlive, processId, type ProcessId } from "../scripts/lib/processes";

/** Who makes labs of its own: the benchmark, or the trials. Begins the names of its folders and labs. */
export type RunKind = "bench" | "trial";

/** Beside what a run keeps in its folder: whose it is. */
const OWNER = "owner.json";

/** One run of the benchmark or of trials: its folder, and what begins the names of all that it makes in Docker. */
export interface OwnRun {
  readonly folder: string;
  readonly name: string;
}

interface Owner {
  readonly name: string;
  readonly place: string;
  readonly process: ProcessId;
}

/**
 * Where a process's number means something: this machine, and on Linux this namespace of processes. A
 * folder may be seen from several of them, and the same number is another process in each.
 */
export function thisPlace(): string {
  try {
    return `${hostname()} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return hostname(); // not Linux
  }
}

/** Makes the folder of this process's run. @param parent default: the system's temporary folder */
export function beginRun(kind: RunKind, parent: string = tmpdir()): OwnRun {
  const own = processId(process.pid);
  if (!own) throw new Error(`This process (${process.pid}) is not in the list of processes.`);
  // Short, and by itself unlike any other: a lab's name may have 20 characters.
  const name = `${kind}-${randomBytes(4).toString("hex")}`;
  const folder = mkdtempSync(join(parent, folderPrefix(kind)));
  const owner: Owner = { name, place: thisPlace(), process: own };
  writeFileSync(join(folder, OWNER), JSON.stringify(owner));
  return { folder, name };
}

/**
 * The runs of this kind and place that were killed. What another place's run has made is not judged:
 * whether its process lives cannot be seen from here.
 */
export function deadRuns(
  kind: RunKind,
  parent: string = tmpdir(),
  place: string = thisPlace(),
): OwnRun[] {
  const folders = readdirSync(parent).filter((entry) => entry.startsWith(folderPrefix(kind)));
  return folders.flatMap((entry) => {
    const folder = join(parent, entry);
    const owner = readOwner(kind, folder);
    if (owner === undefined || owner.place !== place || isAlive(owner.process)) return [];
    return [{ folder, name: owner.name }];
  });
}

/** All that a run has made. The folder goes last: it tells the next run what an interrupted removal has left. */
export async function removeRun(dockerHost: string, { name, folder }: OwnRun): Promise<void> {
  const objects = await dockerObjects(dockerHost);
  await removeObjects(
    dockerHost,
    objects.filter(({ lab }) => lab.startsWith(`${name}-`)),
  );
  rmSync(folder, { recursive: true, force: true });
}

function folderPrefix(kind: RunKind): string {
  return `pi-lab-${kind}-`;
}

function readOwner(kind: RunKind, folder: string): Owner | undefined {
  try {
    const owner = JSON.parse(readIfPresent(join(folder, OWNER)) ?? "") as Owner;
    return new RegExp(`^${kind}-[0-9a-f]{8}$`).test(owner.name) ? owner : undefined;
  } catch {
    return undefined; // none, another user's, or cut off while it was written
  }
}
