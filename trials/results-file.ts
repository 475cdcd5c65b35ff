import { writeWhole, readIfPresent } from "../scripts/lib/files";

/**
 * The section of one run in a file of results, which grows with each trial that ends: what an
 * interrupted run has found is kept.
 */
export class SectionOf {
  private written = "";

  constructor(readonly file: string) {}

  /** Puts this text where the section's former one is; at the end where that is not there (any more). */
  write(section: string): void {
    const all = readIfPresent(this.file) ?? "";
    const next = `\n${section}`;
    const at = this.written === "" ? -1 : all.lastIndexOf(this.written);
    const kept = at < 0 ? [all, ""] : [all.slice(0, at), all.slice(at + this.written.length)];
    writeWhole(this.file, kept.join(next));
    this.written = next;
  }
}
