import { join } from "node:path";
import { formatDuration } from "../toolchain/log";
import { ownDaemon, stopOwnDaemon } from "../toolchain/docker-daemon";
import { sweepTestRun, testRun } from "../test/support/test-run";
import { readArgs, runCommand, toStderr } from "./lib/cli";
import { UserError, reasonOf } from "./lib/errors";
import { CHECKOUT } from "./lib/lab-folder";
import {
  renderSummary,
  runSetUp,
  runStaticChecks,
  runTestTier,
  TEST_TIERS,
  type TierResult,
} from "./lib/tiers";

const USAGE = `npm test [-- --tier NAME …]
npm run check

Sets the machine up and runs every tier of tests: static, ${TEST_TIERS.join(", ")}.
The last line says how many passed and failed. Skipped tests count as failed.

  --tier NAME   only this tier; may be given more than once
  --check       the tiers that need no set-up and no machine: static, unit, component`;

const TIERS = ["static", ...TEST_TIERS] as const;
type Tier = (typeof TIERS)[number];

/** Tiers that run the engine, brokers or containers. */
const NEED_SETUP: readonly Tier[] = ["conformance", "provider", "lab"];

/** Limits of a tier, minutes: several times what each needs, for a machine that is busy. */
const TIER_MINUTES: Readonly<Record<Tier, number>> = {
  static: 5,
  unit: 8,
  component: 5,
  conformance: 14,
  provider: 20,
  lab: 30,
};

/** A cold cache takes about a quarter of an hour on two cores. */
const SET_UP_MINUTES = 35;

/** The limits together are more than that: no run may need all of them. CI's hour holds the clean-up, too. */
const TOTAL_MINUTES = 57;

/** What the tests need of the machine: everything, Java for brokers without a machine of their own, and a browser. */
const SET_UP = [
  process.execPath,
  "--import",
  "tsx",
  join(CHECKOUT, "toolchain", "main.ts"),
  "all",
  "java",
  "chromium",
] as const;

async function main(): Promise<number> {
  const given = readArgs({ text: USAGE, switches: ["check"], lists: ["tier"] });
  const tiers = chosenTiers(given.has("check"), given.list("tier"));
  const started = Date.now();
  const results: TierResult[] = [];
  const abort = new AbortController();
  const interrupt = (): void => {
    toStderr("Interrupted: ending the tests and what they started.");
    abort.abort();
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(name, interrupt);
  const daemonBefore = ownDaemon();
  try {
    const setUp = !tiers.some((tier) => NEED_SETUP.includes(tier))
      ? true
      : await prepare(results, abort.signal);
    for (const tier of tiers) await runTier(tier, results, abort.signal, started, setUp);
  } finally {
    await cleanUp(results, daemonBefore);
    process.stderr.write("\n");
    process.stdout.write(`${renderSummary(results)}\n`);
  }
  return !abort.signal.aborted && results.every(({ failed }) => failed === 0) ? 0 : 1;
}

function chosenTiers(check: boolean, named: readonly string[]): readonly Tier[] {
  if (check) return TIERS.filter((tier) => !NEED_SETUP.includes(tier));
  const unknown = named.find((name) => !(TIERS as readonly string[]).includes(name));
  if (unknown !== undefined)
    throw new UserError(`--tier: there is no tier ${unknown}. There are: ${TIERS.join(", ")}.`);
  return named.length === 0 ? TIERS : TIERS.filter((tier) => named.includes(tier));
}

/** Sets the machine up; a failure is counted, and the tiers that need it fail with it. */
async function prepare(results: TierResult[], signal: AbortSignal): Promise<boolean> {
  const started = Date.now();
  const deadlineMs = SET_UP_MINUTES * 60_000;
  const failure = await runSetUp(SET_UP, { deadlineMs, signal, env: process.env });
  if (failure !== undefined) results.push(failure);
  else toStderr(`Set-up: ${formatDuration(Date.now() - started)}`);
  return failure === undefined;
}

async function runTier(
  tier: Tier,
  results: TierResult[],
  signal: AbortSignal,
  started: number,
  isSetUp: boolean,
): Promise<void> {
  const left = started + TOTAL_MINUTES * 60_000 - Date.now();
  const notRun = (why: string): void => {
    results.push({ tier, passed: 0, failed: 1, ms: 0, failures: [`${tier}: not run: ${why}`] });
  };
  if (signal.aborted) return notRun("interrupted");
  if (!isSetUp && NEED_SETUP.includes(tier)) return notRun("the set-up failed");
  if (left <= 0) return notRun(`the ${TOTAL_MINUTES} minutes for all tests were over`);
  toStderr(`\n== ${tier} ==`);
  const options = {
    deadlineMs: Math.min(TIER_MINUTES[tier] * 60_000, left),
    signal,
    env: process.env,
  };
  const result =
    tier === "static" ? await runStaticChecks(options) : await runTestTier(tier, options);
  results.push(result);
  toStderr(
    `${tier}: ${result.passed} passed, ${result.failed} failed in ${formatDuration(result.ms)}`,
  );
}

/**
 * What was ended from outside leaves what it started; a daemon that was started for the tests, by a set-up
 * that failed as well, ends with them.
 */
async function cleanUp(results: TierResult[], daemonBefore: number | undefined): Promise<void> {
  try {
    await sweepTestRun(testRun());
    if (ownDaemon() !== daemonBefore && (await stopOwnDaemon(toStderr)))
      toStderr("Stopped the Docker daemon that the tests had started.");
  } catch (error) {
    const failures = [`clean-up: ${reasonOf(error)}`];
    results.push({ tier: "clean-up", passed: 0, failed: 1, ms: 0, failures });
  }
}

// Named before any child starts, so that all of them carry it.
testRun();
runCommand(main);
