import { gunzipSync } from "node:zlib";
import { decompress as unzstd } from "fzstd";

/** Kafka's codecs, each at its number in a batch's attributes. */
const CODECS = ["none", "gzip", "snappy", "lz4", "zstd"] as const;

export type Codec = (typeof CODECS)[number];

/** @param number of the codec, 0 to 7; undefined for one that Kafka has not given away */
export function codecOf(number: number): Codec | undefined {
  return CODECS[number];
}

/** @throws Error, of whatever class, for data that are damaged */
export async function decompress(codec: Codec, data: Buffer): Promise<Buffer> {
  switch (codec) {
    case "none":
      return data;
    case "gzip":
      return gunzipSync(data);
    case "snappy":
      return unsnappy(data);
    case "lz4":
      return (await import("@platformatic/kafka")).compressionsAlgorithms.lz4.decompressSync(data);
    case "zstd": {
      // Node's own begins with version 22.15.
      const { buffer, byteOffset, byteLength } = unzstd(data);
      return Buffer.from(buffer, byteOffset, byteLength);
    }
    default:
      return codec satisfies never;
  }
}

/** How snappy-java begins its stream: this, and two numbers that tell its version. */
const FRAME_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const FRAME_HEAD = FRAME_MAGIC.length + 8;
const LENGTH_SIZE = 4;

/** One block of snappy, as librdkafka writes it, or snappy-java's blocks with their lengths before them. */
async function unsnappy(data: Buffer): Promise<Buffer> {
  const { snappy } = (await import("@platformatic/kafka")).compressionsAlgorithms;
  if (!data.subarray(0, FRAME_MAGIC.length).equals(FRAME_MAGIC)) return snappy.decompressSync(data);
  const blocks: Buffer[] = [];
  for (let at = FRAME_HEAD; at < data.length;) {
    const begin = at + LENGTH_SIZE;
    at = begin + data.readInt32BE(at);
    if (at < begin || at > data.length) throw new Error("a block is longer than what is there");
    blocks.push(snappy.decompressSync(data.subarray(begin, at)));
  }
  return Buffer.concat(blocks);
}
