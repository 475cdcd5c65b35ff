import { checkpointFile } from "../../scripts/lib/lab-folder";
import { pendingCreates, resourcesInState } from "../../scripts/lib/leftovers";
import { backendLocks } from "../../scripts/lib/locks";
import { isAlive, processesWithEnv, signalProcess } from "../../scripts/lib/processes";
import { RUN_VARIABLE, readRun, type RunRecord } from "../../scripts/lib/run-record";
import { run } from "../../toolchain/process";
import { Neighbour } from "../support/lab/neighbour";
import { piOf } from "../support/lab/pi";
import { leadership, type Leadership } from "../support/lab/quorum";
import { leadersOf, openLog } from "../support/lab/records";
import { keepHosts } from "../support/lab/template";
import { waitUntilWell } from "../support/lab/well";
import { createTestStack, type RunningScript, type TestStack } from "../support/stack";
import { waitFor } from "../support/wait";
import { existsSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Three brokers with the exhibit's timeouts, by the user's own commands: their first `up` is killed
 * twice, then goes through; one Pi loses its power; `lab:down` ends it all.
 */

jest.setTimeout(600_000);

const BROKERS = ["broker-1", "broker-2", "broker-3"];

let stack: TestStack;
let neighbour: Neighbour;
let neighbourBefore: unknown;

beforeAll(async () => {
  neighbour = await Neighbour.start();
  neighbourBefore = await neighbour.state();
  stack = await createTestStack({
    edit: (lab) => {
      keepHosts(lab, BROKERS);
      lab.cluster["profile"] = "fast-failover";
    },
  });
});

afterAll(async () => {
  try {
    await stack?.remove();
  } finally {
    await neighbour?.stop();
  }
});

/** Ends a command and its engine as a crash does: neither can tidy up. */
async function kill(script: RunningScript): Promise<RunRecord> {
  const record = readRun(stack.folder);
  if (record?.engine === undefined) throw new Error("the engine was not recorded");
  script.process.kill("SIGKILL");
  signalProcess(record.engine, "SIGKILL");
  await script.ended;
  await waitFor("the killed engine to be gone", () =>
    Promise.resolve(isAlive(record.engine!) ? undefined : true),
  );
  return record;
}

/** Waits for a moment of a command's run that is meant to be cut off; its early end is told at once. */
async function during<T>(
  script: RunningScript,
  what: string,
  probe: () => Promise<T | undefined>,
): Promise<T> {
  const tooEarly = script.ended.then(({ exitCode, output }) => {
    throw new Error(`\`npm run lab\` ended with ${exitCode} before ${what}:\n${output}`);
  });
  // Only the race looks at it; afterwards the script's end is no failure.
  tooEarly.catch(() => undefined);
  return Promise.race([tooEarly, waitFor(what, probe, { pauseMs: 100 })]);
}

test("an `up` killed while containers are made: the next one clears the lock and goes on", async () => {
  const first = stack.script("lab");
  await during(first, "the first container", async () => {
    const objects = await stack.inDocker();
    return objects.some(({ kind }) => kind === "container") ? true : undefined;
  });
  await kill(first);
  expect(backendLocks(stack.folder)).toHaveLength(1);
  expect(pendingCreates(stack.folder)).not.toEqual([]);

  const second = stack.script("lab");
  await during(second, "packages to be installed on a Pi", () =>
    piOf(stack, "broker-1").run("pgrep apt-get"),
  );
  expect(second.output()).toMatch(/Cleared a lock whose process has ended/);
  expect(second.output()).toMatch(/Cleared \d+ creations that were cut off/);

  // And this one is killed too, while commands run on the Pis.
  const record = await kill(second);
  expect(backendLocks(stack.folder)).toHaveLength(1);
  expect(pendingCreates(stack.folder)).not.toEqual([]);
  const orphans = processesWithEnv(RUN_VARIABLE, record.runId);

  // A kill seldom hits the moment in which the backend writes its note beside the state.
  writeFileSync(`${checkpointFile(stack.folder)}.attrs`, "");

  const third = await stack.script("lab").ended;
  expect(third.output).toMatch(/The lab \S+ is up/);
  expect(third.exitCode).toBe(0);
  expect(third.output).toMatch(/Cleared a lock whose process has ended/);
  expect(third.output).toMatch(/Removed a note of the local backend that was cut off/);
  expect(orphans.filter(isAlive)).toEqual([]);
  expect(backendLocks(stack.folder)).toEqual([]);
  expect(pendingCreates(stack.folder)).toEqual([]);
  await waitUntilWell(stack, 30_000);
  for (const name of [...BROKERS, "red", "green", "blue"]) expect(third.stdout).toContain(name);
});

test("`npm run lab` again changes nothing", async () => {
  const again = await stack.script("lab").ended;
  expect(again.output).toMatch(/Nothing to change/);
  expect(again.exitCode).toBe(0);
});

test("with the exhibit's timeouts and one node down, others take over and the controllers' epoch is steady", async () => {
  const lab = stack.lab();
  const before = await leadership(lab);
  const pi = piOf(stack, `broker-${before.leaderId}`);
  const docker = (...args: string[]): Promise<unknown> =>
    run("docker", ["-H", stack.engine.env["DOCKER_HOST"]!, ...args], { timeoutMs: 60_000 });
  await docker("kill", pi.container);
  const log = await openLog(lab, "red");
  try {
    const after = await waitFor("another controller to lead", async () => {
      const now = await leadership(lab);
      return now.leaderId === before.leaderId ? undefined : now;
    });
    expect(after.epoch).toBeGreaterThan(before.epoch);
    await waitFor("a write to be acknowledged by the two that are left", async () => {
      expect(await leadersOf(lab, "red")).not.toContain(before.leaderId);
      await log.append(0, ["one node down"]);
      return true;
    });

    const settled = await leadership(lab);
    const seen = await watchLeadership(20_000);
    expect(seen.length).toBeGreaterThan(20);
    expect(new Set(seen.map(({ epoch }) => epoch))).toEqual(new Set([settled.epoch]));
  } finally {
    await log.close();
    await docker("start", pi.container);
  }
  // Its Pi has power again: it comes back by itself.
  await waitUntilWell(stack);
});

async function watchLeadership(durationMs: number): Promise<Leadership[]> {
  const lab = stack.lab();
  const seen: Leadership[] = [];
  for (const end = Date.now() + durationMs; Date.now() < end; await sleep(250)) {
    seen.push(await leadership(lab));
  }
  return seen;
}

test("`lab:down` leaves no container, network, volume or process, and the lab beside it alone", async () => {
  const down = await stack.script("lab-down").ended;
  expect(down.output).toMatch(/is down/);
  expect(down.exitCode).toBe(0);
  await expect(stack.inDocker()).resolves.toEqual([]);
  expect(resourcesInState(stack.folder)).toEqual([]);
  expect(processesWithEnv(RUN_VARIABLE, readRun(stack.folder)!.runId)).toEqual([]);
  expect(existsSync(stack.folder.configFile)).toBe(true);
  expect(existsSync(checkpointFile(stack.folder))).toBe(true);
  await expect(neighbour.state()).resolves.toEqual(neighbourBefore);

  const again = await stack.script("lab-down").ended;
  expect(again.output).toMatch(/is down already/);
  expect(again.exitCode).toBe(0);
});
