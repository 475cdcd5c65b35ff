import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
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

/** Writes a file whole or not at all, so that a kill in between leaves the old one. Default mode 0644. */
export function writeWhole(path: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.tmp`;
  writeFileSync(draft, text, { mode });
  renameSync(draft, path);
}

/** Like `writeWhole`, but leaves a file that already says so alone. Returns whether it wrote. */
export function writeIfChanged(path: string, text: string, mode = 0o644): boolean {
  if (readIfPresent(path) === text) return false;
  writeWhole(path, text, mode);
  return true;
}
