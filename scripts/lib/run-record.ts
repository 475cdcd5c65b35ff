import { randomUUID } from "node:crypto";
import { readIfPresent, writeWhole } from "./files";
import type { LabFolder } from "./lab-folder";
import { processId, type ProcessId } from "./processes";

/** The variable that the engine and all that it starts carry; its value is a run's `runId`. */
export const RUN_VARIABLE = "PI_LAB_RUN";

/** The last run of the engine on a lab, kept in the lab's folder so that a later command can clean up after a crash. */
export interface RunRecord {
  /** Random; inherited by the engine's plugins and language host, which are found by it when the engine is gone. */
  readonly runId: string;
  /** What was run, e.g. `up`. */
  readonly command: string;
  /** ISO time at which the run began. */
  readonly startedAt: string;
  /** The command of ours that ran the engine. */
  readonly script: ProcessId;
  /** Undefined only in the moment before the engine starts. */
  readonly engine?: ProcessId | undefined;
  /** Exit code of the engine; undefined while it runs, and for ever when the run was cut off. */
  readonly exitCode?: number | undefined;
}

/** The record of a run that is about to begin. */
export function newRun(command: string): RunRecord {
  const script = processId(process.pid);
  if (!script)
    throw new Error(`This process (${process.pid}) cannot be found in the list of processes.`);
  return { runId: randomUUID(), command, startedAt: new Date().toISOString(), script };
}

/** The last run on a lab, undefined when there was none or the record cannot be read (a full disk, say). */
export function readRun(folder: LabFolder): RunRecord | undefined {
  const text = readIfPresent(folder.runFile);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as RunRecord;
  } catch {
    return undefined;
  }
}

/** Keeps the record, whole. */
export function writeRun(folder: LabFolder, run: RunRecord): void {
  writeWhole(folder.runFile, `${JSON.stringify(run, undefined, 2)}\n`);
}
