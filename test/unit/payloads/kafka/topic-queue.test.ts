import type { Topic } from "../../../../payloads/lib/kafka/cluster";
import { TopicQueue } from "../../../../payloads/lib/kafka/topic-queue";
import { unpackBatches } from "../../../../shared/kafka/batches";

const LEADER = "127.0.0.1:9092";

const topic = (id: string, count: number): Topic => ({
  ...{ name: "t", id, errorCode: 0 },
  partitions: Array.from({ length: count }, (_, partition) => ({ partition, leader: LEADER })),
});

function filled(count: number) {
  const queue = new TopicQueue("t");
  queue.update(topic("first", count), 0);
  const settled = new Set<string>();
  const keys = Array.from({ length: 30 }, (_, n) => `k${n}`);
  for (const key of keys) {
    const record = { topic: "t", key, value: Buffer.from(key), timestampMs: 0 };
    queue.push({ record, call: { settled: (error) => error ?? settled.add(key) } });
  }
  return { queue, keys, settled };
}

/** Has all that waits written, as the leader of these partitions. */
async function write(queue: TopicQueue): Promise<Map<number, string[]>> {
  const log = new Map<number, string[]>();
  let number = 1n;
  for (let left = queue.queuesOf(LEADER); left.length > 0; left = queue.queuesOf(LEADER)) {
    for (const one of left) {
      if (one.numbering !== "numbered") one.number({ producerId: number++, epoch: 0 });
      const { records } = await unpackBatches(one.batch()!, 0, 0n);
      const values = records.map(({ value }) => String(value));
      log.set(one.partition, [...(log.get(one.partition) ?? []), ...values]);
      one.askedAt = LEADER;
      one.answered(0, undefined, 0);
    }
  }
  return log;
}

test("a topic that was made again with fewer partitions gets what waited for the others", async () => {
  const { queue, keys, settled } = filled(3);
  // One batch of a partition that is no more is under way, and nobody knows what becomes of it.
  const [, , third] = queue.queuesOf(LEADER);
  third?.number({ producerId: 99n, epoch: 0 });
  expect(third?.batch()).toBeDefined();
  third!.askedAt = LEADER;

  queue.update(topic("second", 1), 0);
  expect(queue.isStuck).toBe(false);
  expect(third?.answered(3, undefined, 0)).toBe("go-on");
  const log = await write(queue);
  expect([...log.keys()]).toEqual([0]);
  expect(log.get(0)?.sort()).toEqual([...keys].sort());
  expect([...settled].sort()).toEqual([...keys].sort());
});

test("a broker that is behind, and tells of fewer partitions of the same topic, changes nothing", async () => {
  const { queue, keys, settled } = filled(3);
  queue.update(topic("first", 1), 0);
  expect(queue.isStuck).toBe(true);
  queue.update(topic("first", 3), 0);
  const log = await write(queue);
  expect([...log.keys()].sort()).toEqual([0, 1, 2]);
  expect([...settled].sort()).toEqual([...keys].sort());
});

test("what came before the partitions were known goes before what came after", async () => {
  const queue = new TopicQueue("t");
  const values: string[] = [];
  const push = (count: number) => {
    for (let n = 0; n < count; n++) {
      const value = `${values.push("") - 1}`.padStart(3, "0");
      const record = { topic: "t", key: `k${n % 7}`, value: Buffer.from(value), timestampMs: 0 };
      queue.push({ record, call: { settled: () => {} } });
    }
  };
  push(30);
  queue.update({ ...topic("first", 0), errorCode: 5 }, 0);
  push(30);
  queue.update(topic("first", 3), 0);
  push(30);
  const log = await write(queue);
  expect([...log.values()].flat()).toHaveLength(90);
  for (const written of log.values()) expect(written).toEqual([...written].sort());
});
