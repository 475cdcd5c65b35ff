import { KafkaError } from "../../../../provider/admin/port";
import type { Line } from "../../../../scripts/lib/records/lines";
import type { Acknowledged, Failed } from "../../../../scripts/lib/records/produce";
import { produceLines, renderFailure } from "../../../../scripts/lib/records/produce-lines";

const batch = (...texts: readonly string[]): Buffer[] => texts.map((text) => Buffer.from(text));

function ports(failing: readonly number[] = []) {
  const sent: number[][] = [];
  const told: number[] = [];
  const error = new KafkaError("refused", "broker refused: too few.", "NOT_ENOUGH_REPLICAS");
  const send = (lines: readonly Line[]) => {
    sent.push(lines.map(({ number }) => number));
    const acknowledged: Acknowledged[] = lines
      .filter(({ number }) => !failing.includes(number))
      .map(({ number }) => ({ line: number, partition: 0, offset: 0n }));
    const bad = lines.map(({ number }) => number).filter((number) => failing.includes(number));
    const place = { partition: 1, leader: undefined, replicas: 3, inSync: 1 };
    const failed: Failed[] =
      bad.length === 0 ? [] : [{ partition: 1, lines: bad, error, inDoubt: true, place }];
    return Promise.resolve({ acknowledged, failed });
  };
  const options = {
    signal: new AbortController().signal,
    onAcknowledged: (all: readonly Acknowledged[]) => {
      told.push(...all.map(({ line }) => line));
      return Promise.resolve();
    },
  };
  return { send, sent, told, options };
}

test("lines are numbered across batches, and each acknowledgement is told", async () => {
  const { send, sent, told, options } = ports();
  const end = await produceLines({ send }, [batch("a", "b"), batch("c")], options);
  expect(end).toEqual({ why: "end", through: 3, beside: [], failed: [] });
  expect(sent).toEqual([[1, 2], [3]]);
  expect(told).toEqual([1, 2, 3]);
});

test("nothing is sent after a batch that failed in part, and the report says which lines count", async () => {
  const { send, sent, told, options } = ports([4, 5]);
  const input = [batch("a", "b"), batch("c", "d", "e", "f"), batch("g")];
  const end = await produceLines({ send }, input, options);
  expect(sent.length).toBe(2);
  expect(told).toEqual([1, 2, 3, 6]);
  expect(renderFailure("red", end, "npm run status")).toBe(
    [
      "Lines 4 to 5 not acknowledged: broker refused: too few. They may have been written. red, partition 1: 1 of 3 replicas in sync.",
      "  A write counts only on min.insync.replicas replicas. npm run status names the brokers that are away: start them, and send these lines again.",
      "Acknowledged: lines 1 to 3, 6. Nothing after that was sent.",
    ].join("\n"),
  );
});

test.each([
  ["INVALID_RECORD", undefined, /takes no record without a key: give one with --key/],
  [
    "TOPIC_AUTHORIZATION_FAILED",
    "desk.a",
    /No rule lets desk\.a write to it: add \{ topic: red, operations: \[write\] \} below acls\["desk\.a"\]/,
  ],
  [
    "CLUSTER_AUTHORIZATION_FAILED",
    "desk",
    /add \{ topic: red, operations: \[write\] \} below acls\.desk,/,
  ],
  ["TOPIC_AUTHORIZATION_FAILED", undefined, /See how the lab is with npm run status/],
])("the remedy for %s fits it", (code, user, expected) => {
  const error = new KafkaError("refused", "broker refused.", code);
  const failed = [{ partition: 0, lines: [1], error, inDoubt: false, place: undefined }];
  const end = { why: "failed" as const, through: 0, beside: [], failed };
  expect(renderFailure("red", end, "npm run status", user)).toMatch(expected);
});

test("a first line that fails is told as such", async () => {
  const { send, options } = ports([1]);
  const end = await produceLines({ send }, [batch("a")], options);
  expect(renderFailure("red", end, "npm run status")).toMatch(
    /^Line 1 not acknowledged: .* It may have been written\.[^]*\nNo line was acknowledged\.$/,
  );
});

test("a line that is no record is told with what was acknowledged before it", async () => {
  const { send, sent, options } = ports();
  const input = [batch("k:a", "k:b"), batch("no key")];
  await expect(produceLines({ send }, input, { ...options, separator: ":" })).rejects.toThrow(
    /^Line 3 has no ":".*Acknowledged: lines 1 to 2\./,
  );
  expect(sent).toEqual([[1, 2]]);
});

test("a rate spreads the batches over time", async () => {
  const { send, options } = ports();
  const started = Date.now();
  const input = [batch("a"), batch("b"), batch("c"), batch("d")];
  await produceLines({ send }, input, { ...options, rate: 20 });
  // Three pauses of 50 ms.
  expect(Date.now() - started).toBeGreaterThanOrEqual(140);
});

test("an interruption between two lines, or while one is waited for, is no failure", async () => {
  const stop = new AbortController();
  const { send, options } = ports();
  // eslint-disable-next-line @typescript-eslint/require-await
  async function* input(): AsyncGenerator<Buffer[]> {
    yield batch("a");
    stop.abort();
    throw new Error("the stream was aborted");
  }
  const end = await produceLines({ send }, input(), { ...options, signal: stop.signal });
  expect(end).toMatchObject({ why: "interrupted", through: 1 });
});

test("an input that fails is not taken for an end", async () => {
  const { send, options } = ports();
  // eslint-disable-next-line @typescript-eslint/require-await
  async function* input(): AsyncGenerator<Buffer[]> {
    yield batch("a");
    throw new Error("no such device");
  }
  await expect(produceLines({ send }, input(), options)).rejects.toThrow("no such device");
});
