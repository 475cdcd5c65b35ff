import { formatDuration } from "../toolchain/log";
import { ensureAll, type Docker } from "../toolchain";
import { sweepTestRun, testRun } from "../test/support/test-run";
import { readArgs, runCommand, toStderr } from "./lib/cli";
import { UserError, reasonOf } from "./lib/errors";
import {
  renderSummary,
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

/** Limits of a tier, minutes: several times what each needs. */
const TIER_MINUTES: Readonly<Record<Tier, number>> = {
  static: 5,
  unit: 5,
  component: 5,
  conformance: 10,
  provider: 10,
  lab: 20,
};

/** All of it, set-up from a cold cache included, stays below CI's hour. */
const TOTAL_MINUTES = 57;

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
  let docker: Docker | undefined;
  try {
    if (tiers.some((tier) => NEED_SETUP.includes(tier))) {
      const setUp = await prepare(results);
      docker = setUp?.docker;
      for (const tier of tiers)
        await runTier(tier, results, abort.signal, started, setUp !== undefined);
    } else {
      for (const tier of tiers) await runTier(tier, results, abort.signal, started, true);
    }
  } finally {
    await cleanUp(results, docker);
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

/** Everything that the tests need of the machine; a failure is counted, and the tiers that need it fail with it. */
async function prepare(results: TierResult[]): Promise<{ docker: Docker } | undefined> {
  const started = Date.now();
  try {
    const tools = await ensureAll(toStderr);
    toStderr(`Set-up: ${formatDuration(Date.now() - started)}`);
    return tools;
  } catch (error) {
    toStderr(reasonOf(error));
    const failures = [`set-up: ${reasonOf(error).split("\n")[0]}`];
    results.push({ tier: "set-up", passed: 0, failed: 1, ms: Date.now() - started, failures });
    return undefined;
  }
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

/** A tier that was ended from outside leaves what it started; a daemon started for the tests ends with them. */
async function cleanUp(results: TierResult[], docker: Docker | undefined): Promise<void> {
  try {
    await sweepTestRun(testRun());
    if (docker?.startedNow && (await docker.stop()))
      toStderr("Stopped the Docker daemon that the tests had started.");
  } catch (error) {
    const failures = [`clean-up: ${reasonOf(error)}`];
    results.push({ tier: "clean-up", passed: 0, failed: 1, ms: 0, failures });
  }
}

// Named before any child starts, so that all of them carry it.
testRun();
runCommand(main);
