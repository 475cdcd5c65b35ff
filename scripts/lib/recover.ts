import { publicKeyFingerprint } from "../../render";
import type { Log } from "../../toolchain/log";
import { askEngine, type Engine } from "./engine";
import { npmRun } from "./cli";
import { UserError } from "./errors";
import { readIfPresent } from "./files";
import { display } from "./lab-files";
import type { LabFolder } from "./lab-folder";
import {
  dockerObjects,
  idsInState,
  pendingCreates,
  removeObjects,
  type DockerObject,
} from "./leftovers";
import { backendLocks, holderOf, removeLock } from "./locks";
import { endProcesses, isAlive, processesWithEnv, signalProcess, waitForEnd } from "./processes";
import { RUN_VARIABLE, readRun, writeRun } from "./run-record";

/** How long an engine whose command was killed may take to cancel in good order. */
const CANCEL_GRACE_MS = 30_000;

/**
 * Makes a lab fit for its next run after one that was cut off: ends what that run left running and
 * clears its lock. Does nothing after a run that ended.
 * @returns when the run that was cut off had begun; undefined when none was
 * @throws UserError while another run is under way, naming its process
 */
export async function recoverProcesses(folder: LabFolder, log: Log): Promise<Date | undefined> {
  const run = readRun(folder);
  const cutOff = run !== undefined && run.exitCode === undefined;
  if (cutOff) {
    if (run.script.pid !== process.pid && isAlive(run.script)) {
      throw new UserError(
        `Another command is at work on the lab ${folder.stack}: \`${run.command}\`, process ${run.script.pid}, since ${run.startedAt}. Wait for its end, or interrupt it with kill -INT ${run.script.pid}.`,
      );
    }
    if (run.engine && isAlive(run.engine)) {
      log(
        `The last ${run.command} lost its command; ending its engine (process ${run.engine.pid}).`,
      );
      signalProcess(run.engine, "SIGINT");
      await waitForEnd([run.engine], CANCEL_GRACE_MS);
      await endProcesses([run.engine]);
    }
    const ended = await endProcesses(processesWithEnv(RUN_VARIABLE, run.runId));
    if (ended.length > 0) {
      log(
        `Ended ${ended.length} processes that the last ${run.command} had left: ${ended.map(({ pid }) => pid).join(", ")}.`,
      );
    }
  }
  const locked = clearLocks(folder, log);
  const starts = [...(cutOff ? [new Date(run.startedAt)] : []), ...locked].map((date) =>
    date.getTime(),
  );
  return starts.length === 0 ? undefined : new Date(Math.min(...starts));
}

/** Marks the run that was cut off as dealt with. To be called once all of the recovery is done. */
export function forgetCutOffRun(folder: LabFolder): void {
  const run = readRun(folder);
  if (run && run.exitCode === undefined) writeRun(folder, { ...run, exitCode: 137 });
}

/** Removes the locks of dead processes; returns when they were taken. */
function clearLocks(folder: LabFolder, log: Log): Date[] {
  return backendLocks(folder).map((lock) => {
    const holder = holderOf(lock);
    const who = `process ${lock.pid} of ${lock.username}@${lock.hostname}, since ${lock.timestamp.toISOString()}`;
    switch (holder) {
      case "alive":
        throw new UserError(
          `The lab ${folder.stack} is locked by a run that is under way: ${who}. Wait for its end, or interrupt it with kill -INT ${lock.pid}.`,
        );
      case "elsewhere":
        throw new UserError(
          `The lab ${folder.stack} is locked from another machine: ${who}. If that run has ended, clear the lock with ${npmRun("pulumi", folder.stack, "cancel")}.`,
        );
      case "dead":
        log(`Cleared a lock whose process has ended (${who}).`);
        removeLock(lock);
        return lock.timestamp;
      default:
        return holder satisfies never;
    }
  });
}

/**
 * Drops creations that were cut off from the engine's state. The next `up` makes these resources again;
 * each of ours adopts what it finds. Unlike `refresh --clear-pending-creates` it asks no host.
 */
export async function clearPendingCreates(
  folder: LabFolder,
  engine: Engine,
  log: Log,
): Promise<void> {
  const pending = pendingCreates(folder);
  if (pending.length === 0) return;
  interface Exported {
    deployment: { pending_operations?: { type: string }[] };
  }
  const state = JSON.parse(await askEngine(folder, engine, ["stack", "export"])) as Exported;
  const operations = state.deployment.pending_operations ?? [];
  state.deployment.pending_operations = operations.filter(({ type }) => type !== "creating");
  await askEngine(folder, engine, ["stack", "import"], JSON.stringify(state));
  log(
    `Cleared ${pending.length} creations that were cut off: ${pending.map((urn) => urn.split("::").at(-1)).join(", ")}.`,
  );
}

/** Clocks of the daemon and of this process agree on one machine, but for rounding. */
const CREATED_TOLERANCE_MS = 2000;

/**
 * Deals with containers, networks and volumes that carry this lab's name and are unknown to its state.
 * Those that a cut-off run of this folder has made are removed, for the next `up` to make them again.
 * Others may be another checkout's lab of the same name, and are removed only on demand.
 * @param cutOffSince when the run that was cut off began, if one was
 */
export async function recoverDocker(
  folder: LabFolder,
  host: string,
  lab: string,
  options: { cutOffSince: Date | undefined; removeAll: boolean },
  log: Log,
): Promise<void> {
  const known = idsInState(folder);
  const unknown = (await dockerObjects(host, lab)).filter(({ id }) => !known.has(id));
  const isMine = (object: DockerObject): boolean =>
    options.removeAll || isOfRun(object, folderKey(folder), options.cutOffSince);
  const mine = unknown.filter(isMine);
  const foreign = unknown.filter((object) => !isMine(object));
  if (foreign.length > 0) throw new UserError(foreignMessage(folder, lab, foreign));
  if (mine.length === 0) return;
  await removeObjects(host, mine);
  log(
    `Removed what ${options.removeAll ? "was left over" : "a run that was cut off had left"} in Docker: ${mine.map(describe).join(", ")}.`,
  );
}

/**
 * Whether something in Docker was made by a run of exactly this lab. Its key says whose it is: each lab's
 * folder has one of its own, while another checkout may well have a lab of the same name. The time keeps
 * what is older, such as a volume with data whose state was lost.
 */
export function isOfRun(
  { key, createdAt }: Pick<DockerObject, "key" | "createdAt">,
  ownKey: string | undefined,
  since: Date | undefined,
): boolean {
  if (since === undefined || ownKey === undefined || key !== ownKey) return false;
  return createdAt.getTime() >= since.getTime() - CREATED_TOLERANCE_MS;
}

/** The fingerprint of the key that is this folder's own, undefined when it has none. */
function folderKey(folder: LabFolder): string | undefined {
  const line = readIfPresent(`${folder.privateKeyFile}.pub`);
  return line === undefined ? undefined : publicKeyFingerprint(line);
}

function foreignMessage(folder: LabFolder, lab: string, foreign: readonly DockerObject[]): string {
  return [
    `Docker has parts of a lab named ${lab} that this lab's state does not know: ${foreign.map(describe).join(", ")}.`,
    `If they are another checkout's lab, give this one another name and subnet in ${display(folder.configFile)}.`,
    `If they are left over, remove them with ${npmRun("lab:down", folder.stack, "--remove-leftovers")}`,
  ].join("\n");
}

function describe({ kind, name }: DockerObject): string {
  return `${kind} ${name}`;
}
