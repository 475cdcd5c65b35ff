import {
  countReport,
  renderSummary,
  STATIC_CHECKS,
  TEST_TIERS,
  type JestReport,
} from "../../../scripts/lib/tiers";

const report = (...files: JestReport["testResults"]): JestReport => ({
  numTotalTests: files.flatMap(({ assertionResults }) => assertionResults).length,
  testResults: files,
});
const file = (status: string, ...statuses: string[]): JestReport["testResults"][number] => ({
  name: "a.test.ts",
  status,
  message: "",
  assertionResults: statuses.map((each, i) => ({ fullName: `test ${i}`, status: each })),
});
const count = (given: JestReport | undefined, exitCode: number | undefined) =>
  countReport("unit", given, exitCode, 10);

test("passed tests are counted over all files", () => {
  const result = count(report(file("passed", "passed", "passed"), file("passed", "passed")), 0);
  expect(result).toMatchObject({ passed: 3, failed: 0, failures: [] });
});

test.each(["failed", "pending", "skipped", "todo", "disabled"])(
  "a test that is %s counts as failed",
  (status) => {
    expect(count(report(file("passed", "passed", status)), 0)).toMatchObject({
      passed: 1,
      failed: 1,
    });
  },
);

test("a file that fails without a failed test counts as failed", () => {
  expect(count(report(file("failed", "passed"), file("failed")), 1)).toMatchObject({
    passed: 1,
    failed: 2,
    failures: ["a.test.ts: the file failed to run", "a.test.ts: the file failed to run"],
  });
});

test("a tier without tests, without a report or with a failure after its tests has failed", () => {
  expect(count(report(), 0)).toMatchObject({
    failed: 1,
    failures: ["unit: there was no test to run"],
  });
  expect(count(undefined, undefined)).toMatchObject({ failed: 1 });
  expect(count(report(file("passed", "passed")), 1)).toMatchObject({ passed: 1, failed: 1 });
  expect(count(report(file("passed", "passed")), undefined)).toMatchObject({
    passed: 1,
    failed: 1,
  });
});

test("the last line of the summary is the sum; failures are named", () => {
  const text = renderSummary([
    { tier: "static", passed: 5, failed: 0, ms: 1500, failures: [] },
    { tier: "unit", passed: 10, failed: 2, ms: 100, failures: ["a: x", "b: y"] },
  ]);
  expect(text.split("\n").at(-1)).toBe("15 passed, 2 failed");
  expect(text).toContain("  a: x\n  b: y\n");
  expect(text).toContain("static  5 passed, 0 failed  (1.5 s)");
});

test("every tier of jest's configuration is run", () => {
  const { projects } = jest.requireActual<{ projects: { displayName: string }[] }>(
    "../../../jest.config.js",
  );
  expect(projects.map(({ displayName }) => displayName)).toEqual([...TEST_TIERS]);
});

test("the static checks are programs that are installed", () => {
  const { devDependencies } = jest.requireActual<{ devDependencies: Record<string, string> }>(
    "../../../package.json",
  );
  const packages: Record<string, string> = { tsc: "typescript", depcruise: "dependency-cruiser" };
  for (const { command } of STATIC_CHECKS) {
    expect(devDependencies).toHaveProperty([packages[command[0]] ?? command[0]]);
  }
});
