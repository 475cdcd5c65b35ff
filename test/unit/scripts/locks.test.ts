import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { labFolder, lockDir, type LabFolder } from "../../../scripts/lib/lab-folder";
import { backendLocks, holderOf, type BackendLock } from "../../../scripts/lib/locks";
import { forgetCutOffRun, recoverProcesses } from "../../../scripts/lib/recover";
import { processId } from "../../../scripts/lib/processes";
import { newRun, readRun, writeRun } from "../../../scripts/lib/run-record";

let folder: LabFolder;
beforeEach(() => {
  folder = labFolder("virtual", mkdtempSync(join(tmpdir(), "pi-lab-locks-")));
  mkdirSync(lockDir(folder), { recursive: true });
});
afterEach(() => rmSync(join(folder.dir, ".."), { recursive: true, force: true }));

const NOBODY = 2 ** 22 + 1; // above the highest number that Linux gives a process

function lock(fields: Partial<{ pid: number; hostname: string; timestamp: string }> = {}): string {
  const file = join(lockDir(folder), "a.json");
  const whole = {
    pid: NOBODY,
    username: "ada",
    hostname: hostname(),
    timestamp: new Date().toISOString(),
    ...fields,
  };
  writeFileSync(file, JSON.stringify(whole));
  return file;
}

const recover = (log: string[] = []) => recoverProcesses(folder, (line) => log.push(line));

test("the lock of a dead process is cleared, and says since when the lab may be half made", async () => {
  const timestamp = "2026-01-02T03:04:05.000Z";
  const file = lock({ timestamp });
  const log: string[] = [];
  expect(await recover(log)).toEqual(new Date(timestamp));
  expect(existsSync(file)).toBe(false);
  expect(log.join()).toContain(`process ${NOBODY} of ada@${hostname()}`);
});

test("the lock of a living process stays, and the error names it", async () => {
  const file = lock({ pid: process.pid });
  await expect(recover()).rejects.toThrow(
    new RegExp(`process ${process.pid} of ada.*kill -INT ${process.pid}`),
  );
  expect(existsSync(file)).toBe(true);
});

test("another machine's lock stays, with the command that clears it", async () => {
  const file = lock({ hostname: "elsewhere" });
  await expect(recover()).rejects.toThrow(/npm run pulumi -- cancel/);
  expect(existsSync(file)).toBe(true);
});

test("a lock that was cut off while it was written is a dead process's", async () => {
  writeFileSync(join(lockDir(folder), "a.json"), '{"pid": 1');
  await recover();
  expect(backendLocks(folder)).toEqual([]);
});

test("a process that began after the lock was taken only inherited the number", () => {
  const taken: BackendLock = {
    file: "",
    pid: 7,
    username: "",
    hostname: "here",
    timestamp: new Date(100_000),
  };
  const startedAt = (ms: number) => () => new Date(ms);
  expect(holderOf(taken, "here", startedAt(50_000))).toBe("alive");
  expect(holderOf(taken, "here", startedAt(200_000))).toBe("dead");
  expect(holderOf(taken, "here", () => undefined)).toBe("dead");
  expect(holderOf(taken, "there", startedAt(50_000))).toBe("elsewhere");
});

test("without locks and runs there is nothing to recover", async () => {
  expect(await recover()).toBeUndefined();
});

test("a run that ended needs no recovery; one that was cut off tells when it began, until it is forgotten", async () => {
  const run = { ...newRun("up"), script: { pid: NOBODY, start: "x" } };
  writeRun(folder, { ...run, exitCode: 1 });
  expect(await recover()).toBeUndefined();
  writeRun(folder, run);
  expect(await recover()).toEqual(new Date(run.startedAt));
  forgetCutOffRun(folder);
  expect(await recover()).toBeUndefined();
  expect(readRun(folder)).toMatchObject({ runId: run.runId });
});

test("another command that is at work on the lab is named and left alone", async () => {
  const script = processId(process.ppid) ?? { pid: process.ppid, start: "" };
  writeRun(folder, { ...newRun("up"), script });
  await expect(recover()).rejects.toThrow(new RegExp(`\`up\`, process ${process.ppid}`));
});

test("a record that was cut off while it was written counts as none", async () => {
  writeFileSync(folder.runFile, "{");
  expect(await recover()).toBeUndefined();
});
