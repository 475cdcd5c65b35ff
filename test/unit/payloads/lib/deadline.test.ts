import { DeadlineError, withDeadline } from "../../../../payloads/lib/deadline";

/** Never done by itself: ends with the signal's reason. */
const forever = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const end = (): void => reject(signal.reason as Error);
    if (signal.aborted) end();
    else signal.addEventListener("abort", end);
  });

const never = new AbortController().signal;

test("what is done in time is given", async () => {
  expect(await withDeadline(1000, never, () => Promise.resolve(7))).toBe(7);
});

test("what takes longer is ended, and says so", async () => {
  const late = withDeadline(20, never, forever);
  await expect(late).rejects.toEqual(new DeadlineError("no answer within 0.02 s"));
});

test("who is told to stop before or meanwhile stops", async () => {
  const outer = new AbortController();
  const work = withDeadline(10_000, outer.signal, forever);
  outer.abort(new Error("stopped"));
  await expect(work).rejects.toThrow("stopped");
  await expect(withDeadline(10_000, outer.signal, forever)).rejects.toThrow("stopped");
});
