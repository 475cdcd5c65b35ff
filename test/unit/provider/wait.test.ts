import { setImmediate } from "node:timers/promises";

import { abortable, waitFor, WaitTimeoutError } from "../../../provider/wait";

/** The time, which pauses alone take, ms. */
let mockNow = 0;

jest.mock("node:timers/promises", () => ({
  ...jest.requireActual<object>("node:timers/promises"),
  setTimeout: (ms: number) => {
    mockNow += ms;
    return Promise.resolve();
  },
}));

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

describe("waitFor", () => {
  beforeEach(() => {
    mockNow = 0;
    jest.spyOn(Date, "now").mockImplementation(() => mockNow);
  });

  afterEach(() => {
    jest.restoreAllMocks();
  });

  /** When it looks, ms since its begin, and what it tells, with nothing coming for 3 s. */
  async function wait(eager: boolean) {
    const told: string[] = [];
    const looks: number[] = [];
    const { signal } = new AbortController();
    const progress = (line: string): void => void told.push(line);
    const options = { what: "red", timeoutMs: 3_000, intervalMs: 500, eager, signal, progress };
    const end = waitFor(options, () => {
      looks.push(mockNow);
      return Promise.resolve({ pending: "nothing yet" });
    });
    await expect(end).rejects.toThrow(WaitTimeoutError);
    await expect(end).rejects.toThrow("waited 3 s for red: nothing yet");
    return { looks, told };
  }

  it("looks at even pauses and tells of each, until its time is over", async () => {
    const { looks, told } = await wait(false);
    expect(looks).toEqual([0, 500, 1000, 1500, 2000, 2500, 3000]);
    expect(told).toHaveLength(6);
    expect(told[2]).toBe("waiting for red (1 s): nothing yet");
  });

  it("eager, looks soon and then less often, and keeps the first second to itself", async () => {
    const { looks, told } = await wait(true);
    expect(looks).toEqual([0, 10, 30, 70, 150, 310, 630, 1130, 1630, 2130, 2630]);
    expect(told).toEqual([
      "waiting for red (1 s): nothing yet",
      "waiting for red (2 s): nothing yet",
      "waiting for red (2 s): nothing yet",
    ]);
  });
});
