import { Patience } from "../../../../scripts/lib/records/patience";

let stoodStillMs = 0;

beforeEach(() => {
  jest.useFakeTimers();
  stoodStillMs = 0;
  const ticking = performance.now.bind(performance);
  jest.spyOn(performance, "now").mockImplementation(() => ticking() + stoodStillMs);
});

afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

function start(limitMs: number | undefined): { patience: Patience; over: jest.Mock } {
  const over = jest.fn();
  return { patience: new Patience(limitMs, over), over };
}

/** A reader that takes its time. */
function slow(): { take: () => void; taken: Promise<void> } {
  let take = (): void => undefined;
  const taken = new Promise<void>((resolve) => (take = resolve));
  return { take, taken };
}

test("it is over once, when nothing has come for so long", async () => {
  const { over } = start(30_000);
  await jest.advanceTimersByTimeAsync(29_900);
  expect(over).not.toHaveBeenCalled();
  await jest.advanceTimersByTimeAsync(100_000);
  expect(over).toHaveBeenCalledTimes(1);
});

test("without a limit, or stopped, it is never over", async () => {
  const [endless, stopped] = [start(undefined), start(1000)];
  stopped.patience.stop();
  await jest.advanceTimersByTimeAsync(10_000_000);
  expect(endless.over).not.toHaveBeenCalled();
  expect(stopped.over).not.toHaveBeenCalled();
});

test("the time of a slow reader does not count, and begins the waiting anew", async () => {
  const { patience, over } = start(30_000);
  const reader = slow();
  await jest.advanceTimersByTimeAsync(20_000);
  const delivered = patience.deliver(() => reader.taken);
  await jest.advanceTimersByTimeAsync(600_000);
  expect(over).not.toHaveBeenCalled();
  reader.take();
  await delivered;
  await jest.advanceTimersByTimeAsync(29_000);
  expect(over).not.toHaveBeenCalled();
  await jest.advanceTimersByTimeAsync(2_000);
  expect(over).toHaveBeenCalledTimes(1);
});

test("a process that stood still has waited for nobody meanwhile", async () => {
  const { over } = start(30_000);
  await jest.advanceTimersByTimeAsync(20_000);
  stoodStillMs += 3_600_000;
  await jest.advanceTimersByTimeAsync(9_000);
  expect(over).not.toHaveBeenCalled();
  await jest.advanceTimersByTimeAsync(2_000);
  expect(over).toHaveBeenCalledTimes(1);
});

test("pieces are handed on one after the other, and all are waited for", async () => {
  const { patience } = start(undefined);
  const seen: string[] = [];
  const reader = slow();
  const first = patience.deliver(async () => {
    await reader.taken;
    seen.push("first");
  });
  const second = patience.deliver(() => Promise.resolve(void seen.push("second")));
  const taken = patience.taken().then(() => seen.push("taken"));
  await jest.advanceTimersByTimeAsync(1000);
  expect(seen).toEqual([]);
  reader.take();
  await Promise.all([first, second, taken]);
  expect(seen).toEqual(["first", "second", "taken"]);
});

test("a piece that fails fails for its own giver", async () => {
  const { patience } = start(undefined);
  const failed = patience.deliver(() => Promise.reject(new Error("the disk is full")));
  const next = patience.deliver(() => Promise.resolve());
  await expect(failed).rejects.toThrow("the disk is full");
  await expect(next).resolves.toBeUndefined();
  await expect(patience.taken()).resolves.toBeUndefined();
});
