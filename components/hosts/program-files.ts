import type { ProgramName } from "../../model";

/** A file on the controlling machine. */
export interface LocalFile {
  readonly path: string;
  /** Of its content, lower-case hex. */
  readonly sha256: string;
}

/** What programs on hosts need. */
export interface ProgramFiles {
  /** The archive with Node.js. */
  readonly node: LocalFile;
  /** The bundles of those programs that run somewhere in the lab. */
  readonly files: Readonly<Partial<Record<ProgramName, LocalFile>>>;
  /** Metabase's jar, where some host runs it. */
  readonly metabase?: LocalFile;
}
