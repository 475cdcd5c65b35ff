import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CHECKOUT } from "./lab-folder";
import { runInGroup, type GroupResult } from "./process-group";

/** The tests of one kind; each is a folder under test/ and a project of jest. In the order of their cost. */
export const TEST_TIERS = ["unit", "component", "conformance", "provider", "lab"] as const;
export type TestTier = (typeof TEST_TIERS)[number];

/** How a tier went. Whatever is not a pass is a failure: a skipped test, a crash, a tier without tests. */
export interface TierResult {
  readonly tier: string;
  readonly passed: number;
  readonly failed: number;
  readonly ms: number;
  /** One line for each failure, in the order they were found. */
  readonly failures: readonly string[];
}

/** A static check: one test of the tier `static`. */
export interface Check {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

/** What is checked without running anything of ours. Commands are those of node_modules/.bin. */
export const STATIC_CHECKS: readonly Check[] = [
  { name: "types", command: ["tsc", "--noEmit", "--project", "."] },
  { name: "lint", command: ["eslint", "."] },
  { name: "format", command: ["prettier", "--check", "--log-level", "warn", "."] },
  { name: "dependency rules", command: ["depcruise", "--output-type", "err", "."] },
  { name: "unused code", command: ["knip"] },
];

/** The part of jest's JSON report that is counted. */
export interface JestReport {
  readonly numTotalTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/**
 * Counts a tier's report.
 * @param report undefined when jest wrote none
 * @param exitCode jest's own; undefined when it was killed
 */
export function countReport(
  tier: string,
  report: JestReport | undefined,
  exitCode: number | undefined,
  ms: number,
): TierResult {
  if (!report)
    return {
      tier,
      passed: 0,
      failed: 1,
      ms,
      failures: [`${tier}: the runner ended without a report`],
    };
  const failures: string[] = [];
  let passed = 0;
  for (const file of report.testResults) {
    const name = file.name.replace(`${CHECKOUT}/`, "");
    const before = failures.length;
    for (const { fullName, status } of file.assertionResults) {
      if (status === "passed") passed += 1;
      else failures.push(`${name}: ${fullName}${status === "failed" ? "" : ` (${status})`}`);
    }
    // A file that cannot be loaded, or whose hooks fail, has no failed test to show for it.
    if (file.status === "failed" && failures.length === before)
      failures.push(`${name}: the file failed to run`);
  }
  if (report.numTotalTests === 0 && failures.length === 0)
    failures.push(`${tier}: there was no test to run`);
  if (exitCode !== 0 && failures.length === 0) {
    failures.push(`${tier}: the runner ended with ${exitCode ?? "a signal"} after its tests`);
  }
  return { tier, passed, failed: failures.length, ms, failures };
}

/** The lines at the end of all tests; the last one is the sum. */
export function renderSummary(results: readonly TierResult[]): string {
  const sum = (key: "passed" | "failed"): number =>
    results.reduce((total, result) => total + result[key], 0);
  const width = Math.max(0, ...results.map(({ tier }) => tier.length));
  const lines = results.map(
    ({ tier, passed, failed, ms }) =>
      `${tier.padEnd(width)}  ${passed} passed, ${failed} failed  (${(ms / 1000).toFixed(1)} s)`,
  );
  const failures = results.flatMap((result) => result.failures);
  return [
    ...(failures.length > 0 ? ["Failed:", ...failures.map((line) => `  ${line}`), ""] : []),
    ...lines,
    `${sum("passed")} passed, ${sum("failed")} failed`,
  ].join("\n");
}

export interface RunTierOptions {
  /** After this the tier is ended and has failed. */
  readonly deadlineMs: number;
  /** Ends the tier early. */
  readonly signal: AbortSignal;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * How many files of a tier run at a time. Labs and brokers wait for most of their time, and two of them bear
 * each other on two cores. Of conformance nearly all is one file.
 */
const WORKERS: Record<TestTier, readonly string[]> = {
  unit: [],
  component: [],
  conformance: ["--runInBand"],
  provider: ["--maxWorkers=2"],
  lab: ["--maxWorkers=2"],
};

/** Runs one tier of jest, its progress on this process's stderr. */
export async function runTestTier(tier: TestTier, options: RunTierOptions): Promise<TierResult> {
  const started = Date.now();
  const file = join(tmpdir(), `pi-lab-${tier}-${process.pid}.json`);
  const report = ["--json", `--outputFile=${file}`];
  const args = ["--ci", "--selectProjects", tier, ...report, ...WORKERS[tier]];
  const { exitCode, timedOut } = await runBin(["jest", ...args], options, "show");
  try {
    const result = countReport(tier, readReport(file), exitCode, Date.now() - started);
    if (!timedOut) return result;
    const line = `${tier}: not done after ${Math.round(options.deadlineMs / 60_000)} minutes`;
    return { ...result, failed: result.failed + 1, failures: [...result.failures, line] };
  } finally {
    rmSync(file, { force: true });
  }
}

function readReport(file: string): JestReport | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as JestReport;
  } catch {
    return undefined; // jest crashed or was killed: counted as a failure
  }
}

/** Runs the static checks, two at a time; shows the output of those that fail. */
export async function runStaticChecks(options: RunTierOptions): Promise<TierResult> {
  const started = Date.now();
  const failures: string[] = [];
  const queue = [...STATIC_CHECKS];
  const worker = async (): Promise<void> => {
    for (let check = queue.shift(); check; check = queue.shift()) {
      const { exitCode, output } = await runBin(check.command, options, "keep");
      if (exitCode === 0) continue;
      failures.push(`static: ${check.name}`);
      process.stderr.write(`\n${check.name} (${check.command.join(" ")}):\n${output}\n`);
    }
  };
  await Promise.all([worker(), worker()]);
  const failed = failures.length;
  return {
    tier: "static",
    passed: STATIC_CHECKS.length - failed,
    failed,
    ms: Date.now() - started,
    failures,
  };
}

/** Runs a program of node_modules/.bin. */
function runBin(
  [name, ...args]: readonly [string, ...string[]],
  options: RunTierOptions,
  output: "show" | "keep",
): Promise<GroupResult> {
  return runInGroup(join(CHECKOUT, "node_modules", ".bin", name), args, { ...options, output });
}

/**
 * Sets the machine up for the tests, in a process of its own: that can be ended in the middle of whatever
 * it builds. Shows its progress on this process's stderr.
 *
 * @param command the program that does it, and its arguments
 * @returns undefined when all is there
 */
export async function runSetUp(
  command: readonly [string, ...string[]],
  options: RunTierOptions,
): Promise<TierResult | undefined> {
  const started = Date.now();
  const [program, ...args] = command;
  const { exitCode, timedOut, output } = await runInGroup(program, args, {
    ...options,
    graceMs: SET_UP_GRACE_MS,
    output: "both",
  });
  if (exitCode === 0 && !timedOut) return undefined;
  const reason = options.signal.aborted
    ? "interrupted"
    : timedOut
      ? `not done after ${Math.round(options.deadlineMs / 60_000)} minutes`
      : (lastProblem(output) ?? `it ended with ${exitCode ?? "a signal"}`);
  const failures = [`set-up: ${reason}`];
  return { tier: "set-up", passed: 0, failed: 1, ms: Date.now() - started, failures };
}

/** For package managers to come to an end: one that is killed leaves its database to be mended. */
const SET_UP_GRACE_MS = 10_000;

/** The last line that is not indented: an error's remedy and details are. */
function lastProblem(output: string): string | undefined {
  return output.split("\n").findLast((line) => /^\S/.test(line));
}
