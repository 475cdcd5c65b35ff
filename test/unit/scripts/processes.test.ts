import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  ancestors,
  endProcesses,
  isAlive,
  processId,
  processesWithEnv,
  startedAt,
  type ProcessId,
} from "../../../scripts/lib/processes";

const started: ChildProcess[] = [];

/** A process that lives until it is ended; with `stubborn` it ignores SIGTERM. */
async function live(env: Record<string, string> = {}, stubborn = false): Promise<ProcessId> {
  const trap = stubborn ? "process.on('SIGTERM', () => {});" : "";
  const program = `${trap} console.log('ready'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["-e", program], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "ignore"],
  });
  started.push(child);
  await once(child.stdout, "data");
  const id = processId(child.pid ?? 0);
  if (!id) throw new Error("the process did not start");
  return id;
}

afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

test("a living process is known by number and start; a later one by the same number is another", async () => {
  const id = await live();
  expect(isAlive(id)).toBe(true);
  expect(isAlive({ ...id, start: `${id.start}1` })).toBe(false);
  await endProcesses([id]);
  expect(isAlive(id)).toBe(false);
  expect(processId(id.pid)).toBeUndefined();
});

test("a process that ignores SIGTERM is killed after the grace", async () => {
  const id = await live({}, true);
  expect(await endProcesses([id], "SIGTERM", 200)).toEqual([id]);
  expect(isAlive(id)).toBe(false);
});

test("a process of another start is not signalled", async () => {
  const id = await live();
  expect(await endProcesses([{ ...id, start: "another" }])).toEqual([]);
  expect(isAlive(id)).toBe(true);
});

test("processes are found by a variable that they inherited, and only by its whole value", async () => {
  const mine = await live({ PI_LAB_TEST_MARK: "abc" });
  await live({ PI_LAB_TEST_MARK: "abcd" });
  await live();
  expect(processesWithEnv("PI_LAB_TEST_MARK", "abc")).toEqual([mine]);
});

test("tells when a process started", async () => {
  const before = Date.now();
  const { pid } = await live();
  const start = startedAt(pid)?.getTime() ?? 0;
  // The kernel counts in hundredths of a second since a boot time that is rounded to a second.
  expect(start).toBeGreaterThan(before - 2000);
  expect(start).toBeLessThan(Date.now() + 2000);
  expect(startedAt(2 ** 22 + 1)).toBeUndefined();
});

test("a zombie has ended, whatever its parent does", async () => {
  // The parent becomes a program that never asks for its children's status.
  const parent = spawn("bash", ["-c", "sleep 0.1 & echo $!; exec sleep 20"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  started.push(parent);
  const [chunk] = (await once(parent.stdout, "data")) as [Buffer];
  const pid = Number(chunk.toString());
  const deadline = Date.now() + 10_000;
  while (startedAt(pid) !== undefined && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  // It is still there, as a number that a signal may be sent to.
  expect(() => process.kill(pid, 0)).not.toThrow();
  expect(startedAt(pid)).toBeUndefined();
  expect(processId(pid)).toBeUndefined();
});

test("the process that started one is the first of its ancestors", async () => {
  const { pid } = await live();
  expect(ancestors(pid)[0]).toBe(process.pid);
});
