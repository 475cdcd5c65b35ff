/** Java's properties format, as far as Kafka's configuration makes use of it. */
export function parseProperties(text: string): Record<string, string> {
  const entries = logicalLines(text).map((line) => {
    const end = keyEnd(line);
    const value = line.slice(end).replace(/^[ \t\f]*[=:]?[ \t\f]*/, "");
    return [unescape(line.slice(0, end)), unescape(value)] as const;
  });
  // Not by assignment, to which the key `__proto__` is another thing.
  return Object.fromEntries(entries);
}

/** Without comments and blank lines; a line that ends in an odd number of backslashes goes on. */
function logicalLines(text: string): string[] {
  const lines: string[] = [];
  let open: string | undefined;
  for (const raw of text.split(/\r\n|\r|\n/)) {
    const line = raw.replace(/^[ \t\f]+/, "");
    if (open === undefined && (line === "" || /^[#!]/.test(line))) continue;
    const joined: string = (open ?? "") + line;
    const slashes = /\\*$/.exec(joined)?.[0].length ?? 0;
    if (slashes % 2 === 1) open = joined.slice(0, -1);
    else {
      lines.push(joined);
      open = undefined;
    }
  }
  return open === undefined ? lines : [...lines, open];
}

/** The first separator that no backslash stands before. */
function keyEnd(line: string): number {
  for (let i = 0; i < line.length; i++) {
    if (line[i] === "\\") i++;
    else if (/[=: \t\f]/.test(line[i] ?? "")) return i;
  }
  return line.length;
}

const ESCAPES: Readonly<Record<string, string>> = { t: "\t", n: "\n", r: "\r", f: "\f" };

function unescape(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/g, (_all, hex?: string, char = "") =>
    hex === undefined
      ? (ESCAPES[char as string] ?? (char as string))
      : String.fromCharCode(parseInt(hex, 16)),
  );
}
