import * as fs from "node:fs";
import * as path from "node:path";
import { pipeline } from "node:stream/promises";
import { Readable } from "node:stream";
import { createGzip } from "node:zlib";

const blockSize = 512;

/**
 * Packs a folder as a .tar.gz whose bytes depend on names, contents and executability alone: entries
 * are sorted, times are 0, everything belongs to root. So the same distribution has the same digest on
 * every machine, and is not sent to the hosts again after a rebuild.
 *
 * @param top the name of the folder inside the archive
 */
export async function packFolder(folder: string, top: string, target: string): Promise<void> {
  await pipeline(
    Readable.from(entries(folder, top)),
    // gzip's header would name the operating system otherwise; Node writes no time.
    createGzip({ level: 6 }),
    fixGzipHeader,
    fs.createWriteStream(target),
  );
}

async function* fixGzipHeader(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let position = 0;
  for await (const chunk of source) {
    // Byte 9 of the header: 255 is "unknown".
    if (position <= 9 && position + chunk.length > 9) chunk[9 - position] = 255;
    position += chunk.length;
    yield chunk;
  }
}

function* entries(folder: string, name: string): Generator<Buffer> {
  yield* entry(folder, name);
  yield Buffer.alloc(2 * blockSize);
}

function* entry(file: string, name: string): Generator<Buffer> {
  const stat = fs.lstatSync(file);
  if (stat.isDirectory()) {
    yield* header(`${name}/`, 0o755, 0, "5", "");
    for (const child of fs.readdirSync(file).sort()) {
      yield* entry(path.join(file, child), `${name}/${child}`);
    }
  } else if (stat.isSymbolicLink()) {
    yield* header(name, 0o777, 0, "2", fs.readlinkSync(file));
  } else {
    const content = fs.readFileSync(file);
    yield* header(name, (stat.mode & 0o100) === 0 ? 0o644 : 0o755, content.length, "0", "");
    yield content;
    const rest = content.length % blockSize;
    if (rest !== 0) yield Buffer.alloc(blockSize - rest);
  }
}

/** A POSIX ustar header. */
function* header(
  name: string,
  mode: number,
  size: number,
  type: string,
  link: string,
): Generator<Buffer> {
  const block = Buffer.alloc(blockSize);
  const { prefix, rest } = splitName(name);
  const octal = (value: number, length: number) =>
    `${value.toString(8).padStart(length - 1, "0")}\0`;
  block.write(rest, 0);
  block.write(octal(mode, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(0, 12), 136);
  block.write(" ".repeat(8), 148);
  block.write(type, 156);
  if (Buffer.byteLength(link) > 100)
    throw new Error(`${name}: its link ${link} is too long for tar`);
  block.write(link, 157);
  block.write("ustar\x0000", 257);
  block.write("root", 265);
  block.write("root", 297);
  block.write(prefix, 345);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  yield block;
}

/** Names of more than 100 bytes are split at a slash, into at most 155 and 100 bytes. */
function splitName(name: string): { prefix: string; rest: string } {
  if (Buffer.byteLength(name) <= 100) return { prefix: "", rest: name };
  for (let at = name.indexOf("/"); at !== -1; at = name.indexOf("/", at + 1)) {
    const prefix = name.slice(0, at);
    const rest = name.slice(at + 1);
    if (rest !== "" && Buffer.byteLength(rest) <= 100 && Buffer.byteLength(prefix) <= 155) {
      return { prefix, rest };
    }
  }
  throw new Error(`${name} is too long for tar`);
}
