import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { inflateRawSync } from "node:zlib";

/** A jar of Metabase. */
export interface MetabaseJar {
  /** Its major version: 52 for v0.52.x, the free edition, and for v1.52.x. */
  readonly version: number;
  /** As it calls itself, e.g. `v0.52.4`. */
  readonly tag: string;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** A file that is no jar of Metabase; the message goes on after its name. */
export class NoMetabase extends Error {}

const known = new Map<string, MetabaseJar>();

/**
 * Reads what a jar is: its SHA-256, and its version from `version.properties` in it. A jar has hundreds of
 * MiB: one that did not change meanwhile is read once.
 *
 * @throws NoMetabase, or the error of the file system
 */
export function readMetabaseJar(path: string): MetabaseJar {
  const file = openSync(path, "r");
  try {
    const { size, mtimeMs, ino } = fstatSync(file);
    const key = [path, ino, size, mtimeMs].join(" ");
    let jar = known.get(key);
    if (jar === undefined) {
      const tag = /^tag=(\S+)$/m.exec(readEntry(file, size, "version.properties"))?.[1] ?? "";
      const version = /^v[01]\.(\d+)(\.|-|$)/.exec(tag)?.[1];
      if (version === undefined)
        throw new NoMetabase(`names no version of Metabase (${tag || "none"})`);
      jar = { version: Number(version), tag, sha256: hashOf(file, size) };
      known.set(key, jar);
    }
    return jar;
  } finally {
    closeSync(file);
  }
}

const CHUNK = 4 << 20;

function hashOf(file: number, size: number): string {
  const hash = createHash("sha256");
  for (let at = 0; at < size; at += CHUNK) hash.update(read(file, at, Math.min(CHUNK, size - at)));
  return hash.digest("hex");
}

function read(file: number, at: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  const count = readSync(file, buffer, 0, length, at);
  if (count < length) throw new NoMetabase("is cut off");
  return buffer;
}

// The parts of a ZIP archive (PKWARE's APPNOTE 6.3.10) that lead to one entry's content.
const END = 0x06054b50;
const END_BYTES = 22;
const MOST_COMMENT = 65_535;
const LOCATOR64 = 0x07064b50;
const LOCATOR64_BYTES = 20;
const END64_BYTES = 56;
const ENTRY = 0x02014b50;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;
/** Stands for a number that is in the archive's 64 bit part. */
const IN_64 = 0xffff_ffff;
/** An entry that is looked for is a few lines; a directory of a hundred thousand has some 10 MiB. */
const MOST_CONTENT = 1 << 20;
const MOST_DIRECTORY = 64 << 20;

/** The text of one entry. */
function readEntry(file: number, size: number, name: string): string {
  const { at, bytes } = findDirectory(file, size);
  if (bytes > MOST_DIRECTORY || at + bytes > size) throw new NoMetabase("is no jar");
  const directory = read(file, at, bytes);
  for (let i = 0; i + ENTRY_BYTES <= bytes && directory.readUInt32LE(i) === ENTRY;) {
    const nameBytes = directory.readUInt16LE(i + 28);
    const others = directory.readUInt16LE(i + 30) + directory.readUInt16LE(i + 32);
    const found = directory.toString("utf8", i + ENTRY_BYTES, i + ENTRY_BYTES + nameBytes);
    if (found === name) return contentOf(file, directory.subarray(i));
    i += ENTRY_BYTES + nameBytes + others;
  }
  throw new NoMetabase(`is no jar of Metabase: it has no ${name}`);
}

function findDirectory(file: number, size: number): { at: number; bytes: number } {
  const length = Math.min(size, END_BYTES + MOST_COMMENT);
  const tail = read(file, size - length, length);
  for (let i = length - END_BYTES; i >= 0; i--) {
    if (tail.readUInt32LE(i) !== END) continue;
    const [bytes, at] = [tail.readUInt32LE(i + 12), tail.readUInt32LE(i + 16)];
    const locator = i - LOCATOR64_BYTES;
    if (locator < 0 || tail.readUInt32LE(locator) !== LOCATOR64) return { at, bytes };
    const end64 = read(file, Number(tail.readBigUInt64LE(locator + 8)), END64_BYTES);
    return {
      bytes: Number(end64.readBigUInt64LE(40)),
      at: Number(end64.readBigUInt64LE(48)),
    };
  }
  throw new NoMetabase("is no jar");
}

function contentOf(file: number, entry: Buffer): string {
  const [method, packed, at] = [
    entry.readUInt16LE(10),
    entry.readUInt32LE(20),
    entry.readUInt32LE(42),
  ];
  if (packed > MOST_CONTENT || at === IN_64) throw new NoMetabase("has its version out of reach");
  const local = read(file, at, LOCAL_BYTES);
  const start = at + LOCAL_BYTES + local.readUInt16LE(26) + local.readUInt16LE(28);
  const content = read(file, start, packed);
  if (method === 0) return content.toString("utf8");
  return inflateRawSync(content, { maxOutputLength: MOST_CONTENT }).toString("utf8");
}
