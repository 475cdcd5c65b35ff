/** Questions of one moment that go out together. */

export interface BatchLimits<Item> {
  /** How long the first one waits for others, ms. */
  readonly waitMs: number;
  /** What one batch may weigh. A heavier item goes alone. */
  readonly maxWeight: number;
  /** Default: 1 an item. */
  readonly weigh?: (item: Item) => number;
  /** Two items of one key never go together: the server would refuse both, or take one for the other. */
  readonly keyOf: (item: Item) => string;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Gathers what is asked within a few milliseconds, and while a batch is under way, and sends it as few
 * batches, one after another: a broker answers those of one connection in turn anyway. Each item has its
 * own result: an `Error` among the results rejects that item alone, a failure of `send` all of its batch.
 */
export class Batcher<Item, Result> {
  private waiting: Waiting<Item, Result>[] = [];
  private working = false;

  /** @param send gets a batch, and resolves with one result for each item, in their order */
  constructor(
    private readonly send: (items: readonly Item[]) => Promise<readonly (Result | Error)[]>,
    private readonly limits: BatchLimits<Item>,
  ) {}

  ask(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      if (!this.working) void this.work();
    });
  }

  /** Rejects what has not been sent yet. */
  close(reason: Error): void {
    for (const { reject } of this.waiting.splice(0)) reject(reason);
  }

  private async work(): Promise<void> {
    this.working = true;
    while (this.waiting.length > 0) {
      await new Promise((resolve) => setTimeout(resolve, this.limits.waitMs));
      const waiting = this.waiting.splice(0);
      const items = waiting.map(({ item }) => item);
      for (const batch of planBatches(items, this.limits)) {
        await this.sendBatch(batch.flatMap((index) => waiting[index] ?? []));
      }
    }
    this.working = false;
  }

  private async sendBatch(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.send(batch.map(({ item }) => item));
      for (const [index, { resolve, reject }] of batch.entries()) {
        if (index >= results.length) reject(new Error("a batch came back with too few results"));
        else if (results[index] instanceof Error) reject(results[index]);
        else resolve(results[index] as Result);
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}

/** Indices of items, batch by batch: each item into the first batch that has room and not its key. */
export function planBatches<Item>(
  items: readonly Item[],
  { maxWeight, weigh = () => 1, keyOf }: Omit<BatchLimits<Item>, "waitMs">,
): number[][] {
  const batches: { indices: number[]; keys: Set<string>; weight: number }[] = [];
  for (const [index, item] of items.entries()) {
    const key = keyOf(item);
    const weight = weigh(item);
    // Behind the last batch with this key, so that one item never overtakes an earlier one like it.
    const from = batches.findLastIndex(({ keys }) => keys.has(key)) + 1;
    let batch = batches.slice(from).find((one) => one.weight + weight <= maxWeight);
    if (batch === undefined) {
      batch = { indices: [], keys: new Set(), weight: 0 };
      batches.push(batch);
    }
    batch.indices.push(index);
    batch.keys.add(key);
    batch.weight += weight;
  }
  return batches.map(({ indices }) => indices);
}
