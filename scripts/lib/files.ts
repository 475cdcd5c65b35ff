import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { isMissingFile } from "./errors";

/** A file's text, or undefined when there is none. Other failures are thrown. */
export function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (isMissingFile(error)) return undefined;
    throw error;
  }
}

/**
 * Writes a file whole or not at all, so that a kill in between leaves the old one. A link stays one.
 * @param mode default: the file's own, 0644 for a new one
 */
export function writeWhole(path: string, text: string, mode?: number): void {
  mkdirSync(dirname(path), { recursive: true });
  const exists = existsSync(path);
  const file = exists ? realpathSync(path) : path;
  const draft = `${file}.${process.pid}.tmp`;
  writeFileSync(draft, text, { mode: mode ?? (exists ? statSync(file).mode & 0o777 : 0o644) });
  renameSync(draft, file);
}

/** Like `writeWhole`, but leaves a file that already says so alone. Returns whether it wrote. */
export function writeIfChanged(path: string, text: string, mode?: number): boolean {
  if (readIfPresent(path) === text) return false;
  writeWhole(path, text, mode);
  return true;
}
