import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { compressed, toFiles } from "../../../../payloads/databricks/data-file";
import { pauseMs } from "../../../../payloads/databricks/retry";
import type { InRecord } from "../../../../payloads/lib/records";

const record = (topic: string, partition: number, offset: number, value = "v"): InRecord => ({
  ...{ topic, topicId: "id", partition, offset: BigInt(offset), timestampMs: 1_700_000_000_123 },
  ...{ key: Buffer.from("client-1"), value: Buffer.from(value) },
  headers: new Map([["mqtt.topic", Buffer.from("hosts/client-1/telemetry")]]),
});

test("a file for each partition, named by its offsets", () => {
  const batch = [record("red", 0, 7), record("red", 1, 3), record("red", 0, 8), record("b", 0, 1)];
  expect(toFiles(batch).map(({ path, records }) => [path, records])).toEqual([
    ["red/partition=0/00000000000000000007-00000000000000000008.jsonl.gz", 2],
    ["red/partition=1/00000000000000000003-00000000000000000003.jsonl.gz", 1],
    ["b/partition=0/00000000000000000001-00000000000000000001.jsonl.gz", 1],
  ]);
});

test("a line has all that Kafka has of a record", () => {
  const value = '{"device":"client-1",\n"temperatureC":48.3}';
  const [file] = toFiles([record("red", 0, 7, value)]);
  expect(file?.lines.endsWith("}\n")).toBe(true);
  expect(JSON.parse(file?.lines ?? "")).toEqual({
    ...{ topic: "red", partition: 0, offset: 7, timestampMs: 1_700_000_000_123 },
    ...{ key: "client-1", value, headers: { "mqtt.topic": "hosts/client-1/telemetry" } },
  });
});

test("bytes that are no text come in base64; a key that is none is left out", () => {
  const bytes = Buffer.from([0xff, 0x00, 0xfe]);
  const [file] = toFiles([{ ...record("red", 0, 7), key: undefined, value: bytes }]);
  const line = JSON.parse(file?.lines ?? "") as Record<string, unknown>;
  expect(line["valueBase64"]).toBe(bytes.toString("base64"));
  expect(Object.keys(line)).not.toEqual(expect.arrayContaining(["value"]));
  expect(Object.keys(line)).not.toEqual(expect.arrayContaining(["key"]));
});

test("the same records give the same name and the same bytes", async () => {
  const values = fc.array(fc.string({ unit: "binary" }), { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(values, fc.nat(), async (texts, first) => {
      const batch = () => texts.map((text, i) => record("red", 0, first + i, text));
      const [[one], [two]] = [toFiles(batch()), toFiles(batch())];
      const [a, b] = await Promise.all([one, two].map((file) => compressed(file?.lines ?? "")));
      expect(one?.path).toBe(two?.path);
      expect(a).toEqual(b);
      const lines = gunzipSync(a!).toString("utf8").split("\n").slice(0, -1);
      const read = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
      const text = ({ value, valueBase64 }: Record<string, unknown>) =>
        value ?? Buffer.from(String(valueBase64), "base64").toString("utf8");
      expect(read.map(text)).toEqual(texts.map((t) => Buffer.from(t).toString("utf8")));
    }),
    { numRuns: 50 },
  );
});

describe("the pause before another try", () => {
  test("doubles up to a minute, spread by a quarter", () => {
    expect([1, 2, 3, 7, 1000].map((n) => pauseMs(n, undefined, 1))).toEqual([
      1000, 2000, 4000, 60_000, 60_000,
    ]);
    expect(pauseMs(1, undefined, 0)).toBe(750);
  });

  test("is as long as the server asks for, within reason", () => {
    expect(pauseMs(1, 30_000, 0)).toBe(30_000);
    expect(pauseMs(7, 1_000, 1)).toBe(60_000);
    expect(pauseMs(1, 86_400_000, 0)).toBe(600_000);
  });
});
