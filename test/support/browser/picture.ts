import { inflateSync } from "node:zlib";

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** Width, height and what part of its lines differ from each other: of a page that stayed empty next to none do. */
export function lookAt(png: Buffer): { width: number; height: number; differing: number } {
  if (!png.subarray(0, 8).equals(SIGNATURE)) throw new Error("it is no PNG");
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  const packed: Buffer[] = [];
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at);
    if (png.toString("latin1", at + 4, at + 8) === "IDAT") {
      packed.push(png.subarray(at + 8, at + 8 + length));
    }
    at += length + 12;
  }
  const pixels = inflateSync(Buffer.concat(packed));
  const size = pixels.length / height;
  const lines = new Set<string>();
  for (let y = 0; y < height; y++) {
    lines.add(pixels.toString("latin1", y * size, (y + 1) * size));
  }
  return { width, height, differing: lines.size / height };
}
