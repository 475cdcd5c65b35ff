import { createHash } from "node:crypto";

/** A text file to be put on a host. */
export interface StagedFile {
  readonly kind: "file";
  /** Absolute path on the host. */
  readonly path: string;
  /** Four octal digits, e.g. `0644`. */
  readonly mode: string;
  /** `user:group`. */
  readonly owner: string;
  /** Text that ends with a newline. */
  readonly content: string;
}

/** A symbolic link to be switched on a host. */
export interface StagedLink {
  readonly kind: "link";
  readonly path: string;
  /** As `ln -s` takes it; a relative target is relative to the link's folder and must exist. */
  readonly target: string;
}

export type StagedEntry = StagedFile | StagedLink;

const PATH = /^(\/[A-Za-z0-9_@][A-Za-z0-9._@-]*)+$/;
const TARGET = /^[A-Za-z0-9_/][A-Za-z0-9._/@-]*$/;
const MODE = /^0[0-7]{3}$/;
const OWNER = /^[a-z_][a-z0-9_-]*:[a-z_][a-z0-9_-]*$/;

/**
 * Several files as one readable text, which the `stage` helper unpacks on the host. Each content
 * line is prefixed with `|`, so that no content can be taken for a header, and a change of a file
 * changes only its own lines in a diff. The last line says `end`: a cut-off bundle is refused.
 */
export function renderBundle(entries: readonly StagedEntry[]): string {
  const lines = ["pi-lab bundle 1"];
  const seen = new Set<string>();
  for (const entry of entries) {
    assertEntry(entry);
    if (seen.has(entry.path)) throw new Error(`bundle: ${entry.path} is given twice`);
    seen.add(entry.path);
    switch (entry.kind) {
      case "file":
        lines.push(`file ${entry.path} ${entry.mode} ${entry.owner}`);
        if (entry.content !== "")
          lines.push(
            ...entry.content
              .slice(0, -1)
              .split("\n")
              .map((l) => `|${l}`),
          );
        break;
      case "link":
        lines.push(`link ${entry.path} ${entry.target}`);
        break;
      default:
        entry satisfies never;
    }
  }
  lines.push("end", "");
  return lines.join("\n");
}

/** SHA-256 of the rendered bundle, lower-case hex: what the `stage` helper reports as `hash`. */
export function bundleHash(entries: readonly StagedEntry[]): string {
  return sha256(renderBundle(entries));
}

/** SHA-256 of a file's text, lower-case hex, as `sha256sum` prints it on the host. */
export function fileHash(file: StagedFile): string {
  return sha256(file.content);
}

function sha256(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

/** Wrong entries are mistakes of this program, not of its user: they come from our own renderers. */
function assertEntry(entry: StagedEntry): void {
  const wrong = (what: string): never => {
    throw new Error(`bundle: ${entry.path}: ${what}`);
  };
  if (!PATH.test(entry.path)) wrong("not a plain absolute path");
  if (entry.kind === "link") {
    if (!TARGET.test(entry.target)) wrong(`not a plain link target: ${entry.target}`);
    return;
  }
  if (!MODE.test(entry.mode)) wrong(`not a mode of four octal digits: ${entry.mode}`);
  if (!OWNER.test(entry.owner)) wrong(`not a user:group: ${entry.owner}`);
  if (entry.content.includes("\0")) wrong("has a NUL byte, which a text bundle cannot carry");
  if (entry.content !== "" && !entry.content.endsWith("\n")) wrong("does not end with a newline");
}
