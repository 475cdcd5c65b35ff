import fc from "fast-check";
import type { StoredRecord } from "../../../../scripts/lib/records/port";
import {
  jsonBytes,
  recordJson,
  recordLine,
  type JsonBytes,
} from "../../../../scripts/lib/records/record-text";

const record: StoredRecord = {
  partition: 2,
  offset: 41n,
  timestampMs: 1_764_000_000_123n,
  key: Buffer.from("ra"),
  value: Buffer.from("83.8"),
  headers: [[Buffer.from("by"), null]],
};

function bytesOf(json: JsonBytes): Buffer | null {
  if (json === null) return null;
  return typeof json === "string" ? Buffer.from(json) : Buffer.from(json.base64, "base64");
}

test("whatever bytes a record has, its JSON brings them back", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 12 }).map((all) => Buffer.from(all)),
    fc.string({ unit: "binary" }).map((text) => Buffer.from(text)),
    fc.constant(null),
  );
  fc.assert(
    fc.property(bytes, (given) => {
      const read = JSON.parse(JSON.stringify(jsonBytes(given))) as JsonBytes;
      expect(bytesOf(read)).toEqual(given);
    }),
  );
});

test("text stays text, and other bytes say what they are", () => {
  expect(jsonBytes(Buffer.from("ä\u0000\uFEFF"))).toBe("ä\u0000\uFEFF");
  expect(jsonBytes(Buffer.from([0xff, 0x00]))).toEqual({ base64: "/wA=" });
});

test("a record's JSON has all of it", () => {
  expect(recordJson("red", record)).toEqual({
    topic: "red",
    partition: 2,
    offset: 41,
    timestamp: "2025-11-24T16:00:00.123Z",
    key: "ra",
    value: "83.8",
    headers: [{ key: "by", value: null }],
  });
});

test.each([-1n, 8_640_000_000_000_001n])("a time of %d ms is none", (timestampMs) => {
  expect(recordJson("red", { ...record, timestampMs }).timestamp).toBeNull();
});

test("a record's line is its value, after its key if it has one", () => {
  expect(recordLine(record).toString()).toBe("ra\t83.8\n");
  expect(recordLine({ ...record, key: null }).toString()).toBe("83.8\n");
  expect(recordLine({ ...record, value: null }).toString()).toBe("ra\tnull\n");
  const binary = { ...record, key: null, value: Buffer.from([0xff, 0x00]) };
  expect(recordLine(binary)).toEqual(Buffer.from([0xff, 0x00, 0x0a]));
});
