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

test("the process that started one is the first of its ancestors", async () => {
  const { pid } = await live();
  expect(ancestors(pid)[0]).toBe(process.pid);
});
