import type { TestStack } from "../stack";
import { waitFor } from "../wait";

/** Waits until nothing in the lab is amiss: every host answers, every partition has all its replicas in sync. */
export async function waitUntilWell(stack: TestStack, deadlineMs = 120_000): Promise<void> {
  await waitFor(
    `the lab ${stack.name} to be well`,
    async () => {
      const { problems } = await stack.status();
      if (problems.length > 0) throw new Error(problems.join(" "));
      return true;
    },
    { deadlineMs },
  );
}
