import { setImmediate } from "node:timers/promises";

import { abortable } from "../../../provider/wait";

const stopped = new Error("stopped");

test("settles with the work when nothing is aborted", async () => {
  const { signal } = new AbortController();
  await expect(abortable(Promise.resolve("done"), signal)).resolves.toBe("done");
  await expect(abortable(Promise.reject(new Error("failed")), signal)).rejects.toThrow("failed");
});

test("rejects with the abort's reason while the work goes on", async () => {
  const abort = new AbortController();
  const waiting = abortable(new Promise(() => undefined), abort.signal);
  abort.abort(stopped);
  await expect(waiting).rejects.toBe(stopped);
});

test("a failure of the work after an abort is nobody's unhandled rejection", async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on("unhandledRejection", note);
  try {
    let fail = (_error: Error): void => undefined;
    const work = new Promise<never>((_resolve, reject) => {
      fail = reject;
    });
    await expect(abortable(work, AbortSignal.abort(stopped))).rejects.toBe(stopped);
    fail(new Error("late"));
    // Node tells of a rejection once the microtasks are done.
    await setImmediate();
    await setImmediate();
  } finally {
    process.off("unhandledRejection", note);
  }
  expect(unhandled).toEqual([]);
});
