import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { readIfPresent } from "../scripts/lib/files";
import { isAlive, processId, type ProcessId } from "../scripts/lib/processes";

/** Begins the name of a benchmark's folder. */
const FOLDER = "pi-lab-bench-";

/** Beside what the benchmark keeps in its folder: whose it is. */
const OWNER = "owner.json";

/** One run of the benchmark: its folder, and what begins the names of all that it makes in Docker. */
export interface Benchmark {
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

/** Makes the folder of this process's benchmark. @param parent default: the system's temporary folder */
export function beginBenchmark(parent: string = tmpdir()): Benchmark {
  const own = processId(process.pid);
  if (!own) throw new Error(`This process (${process.pid}) is not in the list of processes.`);
  // Short, and by itself unlike any other: a lab's name may have 20 characters.
  const name = `bench-${randomBytes(4).toString("hex")}`;
  const folder = mkdtempSync(join(parent, FOLDER));
  const owner: Owner = { name, place: thisPlace(), process: own };
  writeFileSync(join(folder, OWNER), JSON.stringify(owner));
  return { folder, name };
}

/**
 * The benchmarks of this place that were killed. What another place's benchmark has made is not judged:
 * whether its process lives cannot be seen from here.
 */
export function deadBenchmarks(
  parent: string = tmpdir(),
  place: string = thisPlace(),
): Benchmark[] {
  const folders = readdirSync(parent).filter((entry) => entry.startsWith(FOLDER));
  return folders.flatMap((entry) => {
    const folder = join(parent, entry);
    const owner = readOwner(folder);
    if (owner === undefined || owner.place !== place || isAlive(owner.process)) return [];
    return [{ folder, name: owner.name }];
  });
}

function readOwner(folder: string): Owner | undefined {
  try {
    const owner = JSON.parse(readIfPresent(join(folder, OWNER)) ?? "") as Owner;
    return /^bench-[0-9a-f]{8}$/.test(owner.name) ? owner : undefined;
  } catch {
    return undefined; // none, another user's, or cut off while it was written
  }
}
