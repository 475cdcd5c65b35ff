import fc from "fast-check";

import { PartitionQueue } from "../../../../payloads/lib/kafka/partition-queue";
import { RefusedRecords } from "../../../../payloads/lib/records";
import { unpackBatches } from "../../../../shared/kafka/batches";

/** Kafka's codes. */
const NOT_LEADER = 6;
const TOO_LARGE = 10;
const NOT_ENOUGH_REPLICAS_AFTER_APPEND = 20;
const UNKNOWN_TOPIC = 3;
const NOT_ALLOWED = 29;
const INVALID_TOPIC = 17;
const OUT_OF_ORDER = 45;
const DUPLICATE = 46;

/** A partition's leader as far as numbers go: takes what comes next, knows again what it has, refuses the rest. */
class Leader {
  readonly log: string[] = [];
  private producers = new Map<bigint, { next: number; last: { at: number; count: number } }>();

  async append(batch: Buffer, largest = Infinity): Promise<number> {
    const id = batch.readBigInt64BE(43);
    const at = batch.readInt32BE(53);
    const values = (await unpackBatches(batch, 0, 0n)).records.map(({ value }) => String(value));
    if (values.some((value) => value.length > largest)) return TOO_LARGE;
    const known = this.producers.get(id);
    if (known?.last.at === at && known.last.count === values.length) return 0;
    if (known !== undefined && at < known.next) return DUPLICATE;
    if (known !== undefined && at > known.next) return OUT_OF_ORDER;
    this.producers.set(id, { next: at + values.length, last: { at, count: values.length } });
    this.log.push(...values);
    return 0;
  }

  /** As after an outage longer than brokers remember producers. */
  forgetProducers(): void {
    this.producers = new Map();
  }
}

function queueOf(values: readonly string[]) {
  const queue = new PartitionQueue("t", 0);
  const outcomes: (Error | "done" | undefined)[] = values.map(() => undefined);
  values.forEach((value, i) => {
    const record = { topic: "t", value: Buffer.from(value), timestampMs: 0 };
    queue.push({ record, call: { settled: (refusal) => void (outcomes[i] = refusal ?? "done") } });
  });
  return { queue, outcomes };
}

let numbers = 0n;
const numbered = (queue: PartitionQueue): Buffer | undefined => {
  if (queue.numbering !== "numbered") queue.number({ producerId: ++numbers, epoch: 0 });
  return queue.batch();
};

/** What becomes of one try. */
const fate = fc.constantFrom(
  "well",
  "lost before",
  "lost behind",
  "not leader",
  "too few behind",
  "out of order",
);

test("whatever becomes of single tries, each record is there once, in order, and told so", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fate, { maxLength: 6 }), { minLength: 1, maxLength: 8 }),
      async (rounds) => {
        const leader = new Leader();
        const { queue, outcomes } = queueOf([]);
        const values: string[] = [];
        for (const fates of rounds) {
          for (let i = 0; i < 3; i++) {
            const n = values.push(`v${values.length}`) - 1;
            const record = { topic: "t", value: Buffer.from(values[n]!), timestampMs: 0 };
            queue.push({ record, call: { settled: (e) => void (outcomes[n] = e ?? "done") } });
          }
          for (const what of [...fates, "well" as const]) {
            const batch = numbered(queue);
            if (batch === undefined) break;
            if (what === "lost before") queue.lost();
            else if (what === "not leader") queue.answered(NOT_LEADER, undefined, 0);
            // Kafka says so of a batch only that is not in the log.
            else if (what === "out of order" && !leader.log.includes(values.at(-1)!))
              queue.answered(OUT_OF_ORDER, undefined, 0);
            else {
              const code = await leader.append(batch);
              if (what === "lost behind") queue.lost();
              else if (what === "too few behind" && code === 0)
                queue.answered(NOT_ENOUGH_REPLICAS_AFTER_APPEND, undefined, 0);
              else queue.answered(code, undefined, 0);
            }
          }
        }
        while (!queue.isEmpty) queue.answered(await leader.append(numbered(queue)!), undefined, 0);
        expect(leader.log).toEqual(values);
        expect(outcomes).toEqual(values.map(() => "done"));
      },
    ),
  );
});

test("a batch that is tried again is the same, byte by byte, whatever has come behind it", () => {
  const { queue } = queueOf(["a", "b"]);
  const first = numbered(queue);
  queue.lost();
  queue.push({
    record: { topic: "t", value: Buffer.from("c"), timestampMs: 5 },
    call: { settled: () => {} },
  });
  expect(numbered(queue)).toEqual(first);
});

test("brokers that have forgotten the producer: the batch goes under another number", async () => {
  const leader = new Leader();
  const { queue, outcomes } = queueOf(["a"]);
  queue.answered(await leader.append(numbered(queue)!), undefined, 0);
  leader.forgetProducers();
  queue.push({
    record: { topic: "t", value: Buffer.from("b"), timestampMs: 0 },
    call: { settled: () => (outcomes[1] = "done") },
  });
  const before = numbered(queue)!;
  expect(queue.answered(OUT_OF_ORDER, undefined, 0)).toBe("try-again");
  expect(queue.numbering).toBe("fresh");
  const after = numbered(queue)!;
  expect(after.readBigInt64BE(43)).not.toBe(before.readBigInt64BE(43));
  expect(after.readInt32BE(53)).toBe(0);
  queue.answered(await leader.append(after), undefined, 0);
  expect(leader.log).toEqual(["a", "b"]);
});

test("a batch that a broker says to have already is done", () => {
  const { queue, outcomes } = queueOf(["a"]);
  numbered(queue);
  queue.lost();
  numbered(queue);
  expect(queue.answered(DUPLICATE, undefined, 0)).toBe("go-on");
  expect(outcomes).toEqual(["done"]);
  expect(queue.isEmpty).toBe(true);
});

test("of a batch that holds too large a record the others are taken, in order", async () => {
  const leader = new Leader();
  const values = ["a", "b", "far-too-large", "c", "d", "e", "much-too-large", "f"];
  const { queue, outcomes } = queueOf(values);
  while (!queue.isEmpty) queue.answered(await leader.append(numbered(queue)!, 5), "words", 0);
  expect(leader.log).toEqual(["a", "b", "c", "d", "e", "f"]);
  expect(outcomes.map((one) => (one instanceof RefusedRecords ? one.code : one))).toEqual([
    "done",
    "done",
    "MESSAGE_TOO_LARGE",
    "done",
    "done",
    "done",
    "MESSAGE_TOO_LARGE",
    "done",
  ]);
});

test("a refusal of what may be in the log already ends the number: no later batch is taken for it", async () => {
  const leader = new Leader();
  const { queue, outcomes } = queueOf(["a"]);
  await leader.append(numbered(queue)!);
  queue.lost();
  numbered(queue);
  queue.answered(INVALID_TOPIC, undefined, 0);
  queue.push({
    record: { topic: "t", value: Buffer.from("b"), timestampMs: 0 },
    call: { settled: (e) => void (outcomes[1] = e ?? "done") },
  });
  queue.answered(await leader.append(numbered(queue)!), undefined, 0);
  expect(leader.log).toEqual(["a", "b"]);
});

/** A record behind the others, and what becomes of it. */
function pushed(queue: PartitionQueue, value: string): { outcome?: Error | "done" } {
  const told: { outcome?: Error | "done" } = {};
  const record = { topic: "t", value: Buffer.from(value), timestampMs: 0 };
  queue.push({ record, call: { settled: (refusal) => void (told.outcome = refusal ?? "done") } });
  return told;
}

test("given up in doubt: the next batch is not taken for the one that the log has", async () => {
  const leader = new Leader();
  const { queue, outcomes } = queueOf(["a"]);
  await leader.append(numbered(queue)!);
  queue.lost();
  queue.abandon(new RefusedRecords("TOPIC_AUTHORIZATION_FAILED", "not allowed"));
  expect(outcomes[0]).toBeInstanceOf(RefusedRecords);
  const next = pushed(queue, "b");
  queue.answered(await leader.append(numbered(queue)!), undefined, 0);
  expect(next.outcome).toBe("done");
  expect(leader.log).toEqual(["a", "b"]);
});

test.each([0, NOT_LEADER, TOO_LARGE, INVALID_TOPIC])(
  "given up under way: the late answer %i is about no other record",
  async (code) => {
    const leader = new Leader();
    const { queue } = queueOf(["a"]);
    await leader.append(numbered(queue)!);
    queue.askedAt = "data-1:9092";
    queue.abandon(new RefusedRecords("TOPIC_AUTHORIZATION_FAILED", "not allowed"));
    const next = pushed(queue, "b");
    expect(queue.answered(code, undefined, 0)).toBe("go-on");
    expect(next.outcome).toBeUndefined();
    queue.answered(await leader.append(numbered(queue)!), undefined, 0);
    expect(next.outcome).toBe("done");
    expect(leader.log).toEqual(["a", "b"]);
  },
);

test("while a batch is under way none goes to another leader, and its number stays", () => {
  const { queue } = queueOf(["a"]);
  const batch = numbered(queue)!;
  queue.askedAt = "data-1:9092";
  expect(queue.batch()).toBeUndefined();
  queue.number({ producerId: ++numbers, epoch: 0 });
  queue.lost();
  expect(queue.batch()).toEqual(batch);
});

test.each([UNKNOWN_TOPIC, NOT_ALLOWED])("error %i is believed once it has stayed", (code) => {
  const { queue, outcomes } = queueOf(["a"]);
  numbered(queue);
  expect(queue.answered(code, undefined, 1000)).toBe("try-again");
  expect(queue.answered(NOT_LEADER, undefined, 2000)).toBe("try-again");
  expect(queue.answered(code, undefined, 11_500)).toBe("try-again");
  expect(queue.answered(code, undefined, 21_499)).toBe("try-again");
  expect(outcomes).toEqual([undefined]);
  expect(queue.answered(code, undefined, 21_500)).toBe("go-on");
  expect(outcomes[0]).toBeInstanceOf(RefusedRecords);
});

test("a batch has room for so much, and at least for one record", () => {
  const large = "x".repeat(300 << 10);
  const { queue } = queueOf([large, large, "x".repeat(900 << 10), "y"]);
  const sizes: number[] = [];
  while (!queue.isEmpty) {
    sizes.push(numbered(queue)!.readInt32BE(57));
    queue.answered(0, undefined, 0);
  }
  expect(sizes).toEqual([1, 1, 1, 1]);
});
