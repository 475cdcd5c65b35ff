import { sweepTestRun, testRun } from "./test-run";

/** Runs after the last test, passed or failed: nothing that a test started outlives the run. */
export default async function globalTeardown(): Promise<void> {
  await sweepTestRun(testRun());
}
