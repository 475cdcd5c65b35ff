import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isMissingFile } from "./errors";
import type { LabFolder } from "./lab-folder";

/**
 * Removes the local backend's notes that a kill has cut off in the middle. Beside each of its files the
 * backend keeps one, `FILE.attrs`, with content type and checksum. The files themselves it replaces
 * whole; the notes it does not, and the engine reads no file whose note is broken ("failed to load
 * checkpoint: EOF"). It does without one that is missing.
 * @returns the names of the files whose notes were removed
 */
export function removeBrokenNotes(folder: LabFolder): string[] {
  return files(folder.stateDir)
    .filter((file) => file.endsWith(".attrs") && !isJson(join(folder.stateDir, file)))
    .map((file) => {
      rmSync(join(folder.stateDir, file), { force: true });
      return file.replace(/\.attrs$/, "");
    });
}

function files(dir: string): string[] {
  try {
    return readdirSync(dir, { recursive: true, encoding: "utf8" });
  } catch (error) {
    if (isMissingFile(error)) return [];
    throw error;
  }
}

function isJson(file: string): boolean {
  try {
    JSON.parse(readFileSync(file, "utf8"));
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
