/** What must be on a host after its pushes, as far as somebody looks at it again. Plain, with texts as leaves. */

/** The pushes to a host, in their order. Each brings back what it brought. */
export const pushes = ["prepare", "install", "stage", "node", "programs", "services"] as const;
export type Push = (typeof pushes)[number];

export type HostWants = Readonly<Partial<Record<Push, PushWants>>>;

/** What one push leaves on a host. What cannot be known before it is wanted by its presence alone. */
export interface PushWants {
  /** Regular files, by absolute path. */
  readonly files?: Readonly<Record<string, FileWant>>;
  /** Target of each symbolic link, as `readlink` prints it, by the link's absolute path. */
  readonly links?: Readonly<Record<string, string>>;
  /** Paths that lead to anything at all. */
  readonly present?: Readonly<Record<string, "present">>;
  /** Debian packages. */
  readonly packages?: Readonly<Record<string, "installed">>;
  /** systemd units, by full name. */
  readonly units?: Readonly<Record<string, UnitWant>>;
}

export interface FileWant {
  /** SHA-256 of the content, lower-case hex. */
  readonly sha256: string;
  /** Four octal digits, e.g. `0644`. */
  readonly mode: string;
  /** `user:group`. */
  readonly owner: string;
  /** The push leaves this file out where the host is a container. */
  readonly unlessContainer?: boolean;
}

/** By systemd's own names of a unit's properties. */
export interface UnitWant {
  readonly unitFileState: "enabled";
  /** Absent: whether it runs is somebody else's business. */
  readonly activeState?: "active";
  /** systemd has read the unit's files as they are. */
  readonly needDaemonReload?: "no";
  /** The package that brings the unit: while that is missing, nothing is asked of the unit. */
  readonly package?: string;
}
