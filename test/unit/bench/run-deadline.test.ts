import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RunDeadline } from "../../../bench/run-deadline";
import { labFolder } from "../../../scripts/lib/lab-folder";
import { processId } from "../../../scripts/lib/processes";
import { newRun, writeRun } from "../../../scripts/lib/run-record";

const parent = mkdtempSync(join(tmpdir(), "run-deadline-"));
const folder = labFolder("bench", parent);
mkdirSync(folder.dir, { recursive: true });
afterAll(() => rmSync(parent, { recursive: true, force: true }));

/** A process in the engine's place. */
async function engine(program: string): Promise<ChildProcess> {
  const child = spawn("bash", ["-c", `${program}; echo ready; while :; do sleep 0.05; done`]);
  await once(child.stdout, "data");
  writeRun(folder, { ...newRun("up"), engine: processId(child.pid!) });
  return child;
}

test("a run that takes too long is asked to cancel, and this process is not", async () => {
  let interrupted = 0;
  const count = (): void => void interrupted++;
  process.on("SIGINT", count);
  const child = await engine("trap 'exit 3' INT");
  const deadline = new RunDeadline(folder, "pulumi up", 10, () => undefined);
  const [code] = (await once(child, "exit")) as [number];
  deadline.clear();
  process.off("SIGINT", count);
  expect({ code, passed: deadline.passed, interrupted }).toEqual({
    code: 3,
    passed: true,
    interrupted: 0,
  });
});

test("one that does not end then is killed", async () => {
  const child = await engine("trap '' INT");
  const deadline = new RunDeadline(folder, "pulumi up", 10, () => undefined, 10);
  const [, signal] = (await once(child, "exit")) as [null, string];
  deadline.clear();
  expect(signal).toBe("SIGKILL");
});

test("a run that ended in time is left alone, and so is what came after it", async () => {
  const child = await engine("trap 'exit 3' INT");
  const deadline = new RunDeadline(folder, "pulumi up", 20, () => undefined);
  deadline.clear();
  await sleep(60);
  expect({ passed: deadline.passed, exitCode: child.exitCode }).toEqual({
    passed: false,
    exitCode: null,
  });
  child.kill("SIGKILL");
});

test("the reason says what did not end, and within how long", () => {
  const deadline = new RunDeadline(folder, "pulumi up", 600_000, () => undefined);
  deadline.clear();
  expect(deadline.reason).toBe("pulumi up did not end within 10 minutes, and was ended");
});
