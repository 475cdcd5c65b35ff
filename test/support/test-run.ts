import { randomBytes } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  ancestors,
  endProcesses,
  processesWithEnv,
  type ProcessId,
} from "../../scripts/lib/processes";
import { dockerObjects, removeObjects } from "../../scripts/lib/leftovers";
import { readIfPresent } from "../../scripts/lib/files";

/**
 * One run of the tests. All that it starts carries this variable (processes), a name that begins with
 * the run's (labs in Docker) or lies in the run's folder, so that it can be removed without touching
 * anything else, however the tests ended.
 */
export const TEST_RUN_VARIABLE = "PI_LAB_TEST_RUN";

/** The run's id; made now if there is none yet. Child processes inherit it. */
export function testRun(): string {
  return (process.env[TEST_RUN_VARIABLE] ||= randomBytes(4).toString("hex"));
}

/** What the names of this run's labs begin with. */
export function labPrefix(run: string = testRun()): string {
  return `test-${run}-`;
}

/** A folder for this run's files, made if need be. */
export function testRunDir(run: string = testRun()): string {
  const dir = join(tmpdir(), `pi-lab-test-${run}`);
  mkdirSync(dir, { recursive: true });
  return dir;
}

/** What a run has started: not the process that asks, nor those that started it. */
function descendants(run: string): ProcessId[] {
  const above = ancestors(process.pid);
  return processesWithEnv(TEST_RUN_VARIABLE, run).filter(({ pid }) => !above.includes(pid));
}

/** Where a run notes the Docker daemon that it uses, for the sweep. */
export function dockerHostFile(run: string = testRun()): string {
  return join(testRunDir(run), "docker-host");
}

/** Ends and removes whatever a run of the tests has left; says nothing when that is nothing. */
export async function sweepTestRun(
  run: string,
  log: (line: string) => void = (line) => process.stderr.write(`${line}\n`),
): Promise<void> {
  const ended = await endProcesses(descendants(run));
  if (ended.length > 0)
    log(`Ended processes that tests had left: ${ended.map(({ pid }) => pid).join(", ")}.`);
  const docker = readIfPresent(dockerHostFile(run));
  if (docker !== undefined) {
    const left = (await dockerObjects(docker)).filter(({ lab }) => lab.startsWith(labPrefix(run)));
    await removeObjects(docker, left);
    if (left.length > 0)
      log(`Removed what tests had left in Docker: ${left.map(({ name }) => name).join(", ")}.`);
  }
  rmSync(join(tmpdir(), `pi-lab-test-${run}`), { recursive: true, force: true });
}

/** Away from the templates' subnets and from Docker's own, and seldom the same as a parallel run's. */
export function randomSubnet(): string {
  return `10.${143 + Math.floor(Math.random() * 60)}.${Math.floor(Math.random() * 200)}.0/24`;
}
