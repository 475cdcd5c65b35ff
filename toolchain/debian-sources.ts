import * as fs from "node:fs";
import * as path from "node:path";

/** Where a Debian machine gets its packages from: the URIs of its archive, of updates and of security fixes. */
export interface DebianSources {
  readonly archive: string;
  readonly security: string | undefined;
}

interface Entry {
  readonly uris: readonly string[];
  readonly suites: readonly string[];
  readonly components: readonly string[];
}

/** The entries of a one-line-style file (`deb [options] URI SUITE COMPONENT…`). */
function parseOneLine(text: string): Entry[] {
  const entries: Entry[] = [];
  for (const line of text.split("\n")) {
    const match = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+([^#]+)/.exec(line);
    if (match === null) continue;
    const [, uri, suite, components] = match;
    entries.push({ uris: [uri!], suites: [suite!], components: words(components!) });
  }
  return entries;
}

/** The entries of a deb822-style file: stanzas of `Field: value`, continued by indented lines. */
function parseDeb822(text: string): Entry[] {
  const entries: Entry[] = [];
  for (const stanza of text.split(/\n\s*\n/)) {
    const fields = new Map<string, string>();
    let last = "";
    for (const line of stanza.split("\n")) {
      if (line.startsWith("#")) continue;
      const field = /^([A-Za-z-]+):\s*(.*)$/.exec(line);
      if (field !== null) {
        last = field[1]!.toLowerCase();
        fields.set(last, field[2]!);
      } else if (/^\s/.test(line) && last !== "") {
        fields.set(last, `${fields.get(last)} ${line.trim()}`);
      }
    }
    if (!words(fields.get("types") ?? "").includes("deb")) continue;
    if (/^(no|false)$/i.test(fields.get("enabled") ?? "yes")) continue;
    entries.push({
      uris: words(fields.get("uris") ?? ""),
      suites: words(fields.get("suites") ?? ""),
      components: words(fields.get("components") ?? ""),
    });
  }
  return entries;
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

/**
 * Finds in apt's source files where the release comes from, or undefined if this machine does not
 * install that release of Debian (an Ubuntu, or another release).
 *
 * @param files name and text of each source file
 */
export function findDebianSources(
  files: readonly { readonly name: string; readonly text: string }[],
  release: string,
): DebianSources | undefined {
  const entries = files.flatMap(({ name, text }) =>
    name.endsWith(".sources") ? parseDeb822(text) : parseOneLine(text),
  );
  const uriOf = (suite: string) =>
    entries
      .filter((entry) => entry.suites.includes(suite) && entry.components.includes("main"))
      .flatMap((entry) => entry.uris)
      .find((uri) => /^https?:/.test(uri));
  const archive = uriOf(release);
  if (archive === undefined) return undefined;
  return { archive, security: uriOf(`${release}-security`) };
}

/** The sources of this machine. */
export function machineSources(release: string, etc = "/etc/apt"): DebianSources | undefined {
  const names: string[] = [];
  try {
    names.push(
      ...fs.readdirSync(path.join(etc, "sources.list.d")).map((n) => `sources.list.d/${n}`),
    );
  } catch {
    // The folder is optional.
  }
  const files = ["sources.list", ...names].flatMap((name) => {
    try {
      return [{ name, text: fs.readFileSync(path.join(etc, name), "utf8") }];
    } catch {
      return [];
    }
  });
  return findDebianSources(files, release);
}

/** The one-line-style source file of an image of that release. */
export function renderSources(sources: DebianSources, release: string): string {
  const lines = [
    `deb ${sources.archive} ${release} main`,
    `deb ${sources.archive} ${release}-updates main`,
  ];
  if (sources.security !== undefined)
    lines.push(`deb ${sources.security} ${release}-security main`);
  return `${lines.join("\n")}\n`;
}
