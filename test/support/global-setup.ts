import { testRun } from "./test-run";

/** Names the run before any worker starts, so that all of them share the name. */
export default function globalSetup(): void {
  testRun();
}
