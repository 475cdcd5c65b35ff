import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { runInGroup } from "../../../scripts/lib/process-group";
import { isAlive, processId, waitForEnd, type ProcessId } from "../../../scripts/lib/processes";
import { runSetUp } from "../../../scripts/lib/tiers";

let folder: string;
beforeEach(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), "pi-lab-group-"))));
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

/** A program with a child of its own, which outlives it and ends at SIGTERM after noting that. */
const parent = () => `
  trap 'sleep 0.2; echo told > ${folder}/told; exit' TERM
  (trap - TERM; exec sleep 600) & echo $! > ${folder}/pid
  echo begun >&2; wait`;
const options = () => ({
  deadlineMs: 60_000,
  signal: new AbortController().signal,
  env: process.env,
});

async function grandchild(): Promise<ProcessId> {
  const file = path.join(folder, "pid");
  const deadline = Date.now() + 20_000;
  while (!fs.existsSync(file) || fs.readFileSync(file, "utf8").trim() === "") {
    if (Date.now() > deadline) throw new Error("waited 20 s for the program to start its child");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const id = processId(Number(fs.readFileSync(file, "utf8")));
  if (!id) throw new Error("the child has ended");
  return id;
}

test("a program that ends gives its status and output", async () => {
  const result = await runInGroup("sh", ["-c", "echo out; echo err >&2; exit 3"], {
    ...options(),
    output: "keep",
  });
  expect(result).toMatchObject({ exitCode: 3, timedOut: false });
  expect(result.output.split("\n").sort()).toEqual(["err", "out"]);
});

test("an interrupt ends the whole group, and lets it tidy up first where there is a grace", async () => {
  const abort = new AbortController();
  const run = runInGroup("sh", ["-c", parent()], {
    ...options(),
    signal: abort.signal,
    graceMs: 10_000,
    output: "keep",
  });
  const child = await grandchild();
  abort.abort();
  expect((await run).timedOut).toBe(false);
  expect(fs.readFileSync(path.join(folder, "told"), "utf8")).toBe("told\n");
  expect(isAlive(child)).toBe(false);
});

test("a group that ignores SIGTERM is killed after the grace, at the deadline", async () => {
  const stubborn = `trap '' TERM; sleep 600 & echo $! > ${folder}/pid; wait`;
  const run = runInGroup("sh", ["-c", stubborn], {
    ...options(),
    deadlineMs: 1_000,
    graceMs: 100,
    output: "keep",
  });
  const child = await grandchild();
  expect(await run).toMatchObject({ exitCode: undefined, timedOut: true });
  expect(await waitForEnd([child], 5_000)).toBe(true);
});

describe("the set-up of the tests", () => {
  const setUp = (script: string, overrides = {}) =>
    runSetUp(["sh", "-c", script], { ...options(), ...overrides });
  let shown: jest.SpyInstance;
  beforeEach(() => (shown = jest.spyOn(process.stderr, "write").mockReturnValue(true)));
  afterEach(() => shown.mockRestore());

  test("counts nothing when all is there", async () => {
    expect(await setUp("echo fine >&2")).toBeUndefined();
    expect(shown).toHaveBeenCalled();
  });

  test("is one failure with its reason", async () => {
    const script = "echo Building >&2; echo 'go is missing' >&2; echo '  Install it.' >&2; exit 1";
    expect(await setUp(script)).toMatchObject({
      tier: "set-up",
      passed: 0,
      failed: 1,
      failures: ["set-up: go is missing"],
    });
  });

  test("is a failure at its deadline and when it is interrupted", async () => {
    expect(await setUp("sleep 600", { deadlineMs: 100 })).toMatchObject({
      failures: ["set-up: not done after 0 minutes"],
    });
    expect(await setUp("sleep 600", { signal: AbortSignal.abort() })).toMatchObject({
      failures: ["set-up: interrupted"],
    });
  });
});
