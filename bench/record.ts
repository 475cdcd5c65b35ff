import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { format, resolveConfig } from "prettier";

const RESULTS = join(__dirname, "RESULTS.md");

/** Adds a section to RESULTS.md, laid out as the checks want every document. */
export async function recordSection(section: string): Promise<void> {
  appendFileSync(RESULTS, `\n${await laidOut(section)}`);
}

/** Markdown as prettier writes it. */
export async function laidOut(section: string): Promise<string> {
  return format(section, { ...(await resolveConfig(RESULTS)), parser: "markdown" });
}
