/** Text in columns: each as wide as its widest cell, two spaces between. No trailing spaces. */
export function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/**
 * A table in Markdown, aligned as prettier does it, which checks the file that it goes to.
 * @param words columns that are read from the left; the others hold figures
 */
export function renderMarkdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  words: ReadonlySet<number>,
): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) =>
    Math.max(3, ...all.map((row) => (row[column] ?? "").length)),
  );
  const line = (row: readonly string[]): string =>
    `| ${widths.map((width, i) => (words.has(i) ? (row[i] ?? "").padEnd(width) : (row[i] ?? "").padStart(width))).join(" | ")} |`;
  const rule = widths.map((width, i) =>
    words.has(i) ? "-".repeat(width) : `${"-".repeat(width - 1)}:`,
  );
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}
