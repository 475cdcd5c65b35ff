import fc from "fast-check";

import { Batcher, planBatches } from "../../../../provider/admin/batcher";

const LIMITS = { waitMs: 5, maxWeight: 3, keyOf: (item: string) => item };

/** A server that answers when it is told to. */
class Server {
  readonly batches: (readonly string[])[] = [];
  private readonly pending: ((answer: readonly (string | Error)[] | Error) => void)[] = [];

  readonly send = (items: readonly string[]): Promise<readonly (string | Error)[]> => {
    this.batches.push(items);
    return new Promise((resolve, reject) => {
      this.pending.push((answer) => (answer instanceof Error ? reject(answer) : resolve(answer)));
    });
  };

  async answer(answer?: readonly (string | Error)[] | Error): Promise<void> {
    const items = this.batches.at(-this.pending.length) ?? [];
    this.pending.shift()?.(answer ?? items.map((item) => `${item}!`));
    await jest.advanceTimersByTimeAsync(LIMITS.waitMs);
  }
}

let server: Server;
let batcher: Batcher<string, string>;

beforeEach(() => {
  jest.useFakeTimers();
  server = new Server();
  batcher = new Batcher(server.send, LIMITS);
});

afterEach(() => jest.useRealTimers());

const pass = (): Promise<void> => jest.advanceTimersByTimeAsync(LIMITS.waitMs);

test("what is asked in one moment goes out together, and each gets its own answer", async () => {
  const asked = [batcher.ask("a")];
  await jest.advanceTimersByTimeAsync(LIMITS.waitMs - 1);
  expect(server.batches).toEqual([]);
  asked.push(batcher.ask("b"));
  await jest.advanceTimersByTimeAsync(1);
  expect(server.batches).toEqual([["a", "b"]]);
  await server.answer();
  await expect(Promise.all(asked)).resolves.toEqual(["a!", "b!"]);
});

test("what is asked while a batch is under way goes out behind it, together", async () => {
  const first = batcher.ask("a");
  await pass();
  const others = [batcher.ask("b"), batcher.ask("c")];
  await jest.advanceTimersByTimeAsync(1_000);
  expect(server.batches).toEqual([["a"]]);
  await server.answer();
  expect(server.batches).toEqual([["a"], ["b", "c"]]);
  await server.answer();
  await expect(Promise.all([first, ...others])).resolves.toEqual(["a!", "b!", "c!"]);
  const later = batcher.ask("d");
  await pass();
  expect(server.batches.at(-1)).toEqual(["d"]);
  await server.answer();
  await expect(later).resolves.toBe("d!");
});

test("one item's error is its own", async () => {
  const asked = Promise.allSettled(["a", "b", "c"].map((item) => batcher.ask(item)));
  await pass();
  await server.answer(["fine", new Error("no such topic"), "fine too"]);
  expect((await asked).map((one) => one.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
});

test("a batch that fails, or comes back too short, fails those who wait for it alone", async () => {
  const lost = Promise.allSettled(["a", "b", "c", "d"].map((item) => batcher.ask(item)));
  await pass();
  await server.answer(new Error("lost the connection"));
  expect(server.batches).toEqual([["a", "b", "c"], ["d"]]);
  await server.answer();
  expect((await lost).map((one) => one.status)).toEqual([
    "rejected",
    "rejected",
    "rejected",
    "fulfilled",
  ]);
  const short = Promise.allSettled([batcher.ask("a"), batcher.ask("b")]);
  await pass();
  await server.answer(["a!"]);
  const [first, second] = await short;
  expect(first).toEqual({ status: "fulfilled", value: "a!" });
  expect(second).toMatchObject({ status: "rejected" });
});

test("what has not gone out is rejected at the end, and nothing is sent", async () => {
  const asked = batcher.ask("a");
  batcher.close(new Error("closed"));
  await expect(asked).rejects.toThrow("closed");
  await jest.advanceTimersByTimeAsync(100);
  expect(server.batches).toEqual([]);
});

test("items of one key follow each other, in their order", () => {
  expect(planBatches(["a", "b", "a", "c", "a"], LIMITS)).toEqual([[0, 1, 3], [2], [4]]);
});

test("batches hold every item once, are as light as they may be, and have no key twice", () => {
  const items = fc.array(
    fc.record({
      key: fc.constantFrom("a", "b", "c", "d", "e"),
      weight: fc.integer({ min: 1, max: 9 }),
    }),
  );
  fc.assert(
    fc.property(items, fc.integer({ min: 1, max: 12 }), (all, maxWeight) => {
      const limits = {
        maxWeight,
        keyOf: ({ key }: { key: string }) => key,
        weigh: ({ weight }: { weight: number }) => weight,
      };
      const batches = planBatches(all, limits);
      expect(batches.flat().sort((a, b) => a - b)).toEqual(all.map((_, index) => index));
      for (const batch of batches) {
        const members = batch.map((index) => all[index]!);
        const weight = members.reduce((sum, one) => sum + one.weight, 0);
        expect(weight <= maxWeight || batch.length === 1).toBe(true);
        expect(new Set(members.map(({ key }) => key)).size).toBe(batch.length);
      }
      // Of one key, an earlier item is never in a later batch.
      const batchOf = new Map(batches.flatMap((batch, n) => batch.map((index) => [index, n])));
      all.forEach(({ key }, index) => {
        const before = all.findIndex((one, earlier) => earlier < index && one.key === key);
        if (before >= 0) expect(batchOf.get(before)!).toBeLessThan(batchOf.get(index)!);
      });
    }),
  );
});
