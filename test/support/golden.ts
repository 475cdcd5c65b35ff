import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * Compares a rendered text with a file kept under test/. `UPDATE_GOLDEN=1` writes the file instead;
 * read its diff before you commit it.
 *
 * @param path relative to test/, e.g. `unit/render/golden/kafka.service`
 */
export function expectGolden(path: string, text: string): void {
  const file = join(__dirname, "..", path);
  if (process.env["UPDATE_GOLDEN"] === "1") {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  expect(text).toBe(readFileSync(file, "utf8"));
}
