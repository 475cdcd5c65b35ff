import { gzipSync } from "node:zlib";
import { codecOf, decompress } from "../../../../shared/kafka/codecs";

const TEXT = "broker-1 is the leader, broker-2 and broker-3 follow. ".repeat(6);

/** The text as the codecs' own tools pack it. */
const ZSTD =
  "KLUv/WREALUBAGQCYnJva2VyLTEgaXMgdGhlIGxlYWRlciwgMiBhbmQzIGZvbGxvdy4EAARZKUDzHZhPs+4cAyGcftw=";
const ZSTD_STREAMED =
  "KLUv/QRYtQEAZAJicm9rZXItMSBpcyB0aGUgbGVhZGVyLCAyIGFuZDMgZm9sbG93LgQABFkpQPMdmE+z7hwDIZx+3A==";
const LZ4 =
  "BCJNGGRApzoAAADzCWJyb2tlci0xIGlzIHRoZSBsZWFkZXIsIBgAVDIgYW5kDQCUMyBmb2xsb3cuEQAPNgDvUGxvdy4gAAAAACkbR1c=";
const SNAPPY =
  "xAJcYnJva2VyLTEgaXMgdGhlIGxlYWRlciwgDRgQMiBhbmQRDSAzIGZvbGxvdy4REf42AP42AP42AP42AA02";

/** What snappy-java, and so every Java producer, puts around its blocks. */
function framed(...blocks: readonly Buffer[]): Buffer {
  const head = Buffer.from("82534e41505059000000000100000001", "hex");
  return Buffer.concat([head, ...blocks.flatMap((block) => [lengthOf(block), block])]);
}

function lengthOf(block: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(block.length);
  return length;
}

const bytes = (base64: string): Buffer => Buffer.from(base64, "base64");

test.each([
  ["none", Buffer.from(TEXT)],
  ["gzip", gzipSync(TEXT)],
  ["lz4", bytes(LZ4)],
  ["zstd", bytes(ZSTD)],
  ["zstd", bytes(ZSTD_STREAMED)],
  ["snappy", bytes(SNAPPY)],
  ["snappy", framed(bytes(SNAPPY))],
] as const)("%s is unpacked", async (codec, packed) => {
  expect((await decompress(codec, packed)).toString()).toBe(TEXT);
});

test("the blocks of snappy-java are put together in their order", async () => {
  const other = bytes("BRBvdGhlcg=="); // "other"
  const packed = framed(bytes(SNAPPY), other, bytes(SNAPPY));
  expect((await decompress("snappy", packed)).toString()).toBe(`${TEXT}other${TEXT}`);
});

test.each([
  ["gzip", gzipSync(TEXT).subarray(0, 40)],
  ["lz4", bytes(LZ4).subarray(0, 40)],
  ["zstd", bytes(ZSTD).subarray(0, 40)],
  ["snappy", bytes(SNAPPY).subarray(0, 20)],
  ["snappy", framed(bytes(SNAPPY)).subarray(0, 30)],
  ["snappy", framed(bytes(SNAPPY), Buffer.alloc(0)).subarray(0, -2)],
] as const)("%s that is cut off is an error", async (codec, packed) => {
  await expect(decompress(codec, packed)).rejects.toThrow();
});

test("what was damaged before does not harm what comes after it", async () => {
  for (const codec of ["snappy", "lz4"] as const) {
    await expect(decompress(codec, Buffer.from("ffffffffffff", "hex"))).rejects.toThrow();
  }
  expect((await decompress("snappy", bytes(SNAPPY))).toString()).toBe(TEXT);
  expect((await decompress("lz4", bytes(LZ4))).toString()).toBe(TEXT);
});

test("codecs have Kafka's numbers", () => {
  const numbers = [0, 1, 2, 3, 4, 5, 6, 7];
  const known = ["none", "gzip", "snappy", "lz4", "zstd", undefined, undefined, undefined];
  expect(numbers.map(codecOf)).toEqual(known);
});
