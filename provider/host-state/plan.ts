/** What differs on a host from what its pushes left there: values in, findings out. */
import {
  type FileWant,
  type HostWants,
  type Push,
  type PushWants,
  pushes,
  type UnitWant,
} from "../../model/host-wants";
import type { HostSeen, SeenFile, SeenUnit } from "./probe";

/** Something that is not as wanted. */
export interface Finding {
  readonly kind:
    "file" | "link" | "path" | "package" | "unit" | "drop-in" | "storage" | "host key" | "host";
  /** Path, package or unit. */
  readonly name: string;
  /** What of it differs: `sha256`, `mode`, `unitFileState`, …; empty where there is but one thing. */
  readonly property: string;
  readonly seen: string;
  /** Empty for what should not be there at all. */
  readonly wanted: string;
  /** The push that mends it; undefined: nothing here does, and `remedy` says what the user can do. */
  readonly push: Push | undefined;
  readonly remedy?: string;
}

/** Everything that differs, in the order of the pushes; last what no push mends. */
export function findDrift(wants: HostWants, seen: HostSeen): Finding[] {
  const mended = pushes.flatMap((push) => {
    const want = wants[push];
    return want === undefined ? [] : driftOfPush(push, want, seen);
  });
  return [...mended, ...foreignDropIns(wants, seen)];
}

/** The path of a finding's wanted text among the wants of its push. */
export function pathOf({ kind, name, property }: Finding): readonly string[] {
  switch (kind) {
    case "file":
      return ["files", name, property];
    case "link":
      return ["links", name];
    case "path":
      return ["present", name];
    case "package":
      return ["packages", name];
    case "unit":
      return ["units", name, property];
    case "drop-in":
    case "storage":
    case "host key":
    case "host":
      throw new Error(`${kind} ${name}: no push brought it`);
    default:
      return kind satisfies never;
  }
}

function driftOfPush(push: Push, want: PushWants, seen: HostSeen): Finding[] {
  const { files = {}, links = {}, present = {}, packages = {}, units = {} } = want;
  const finding =
    (kind: Finding["kind"], name: string) =>
    ([property, now, wanted]: Difference): Finding => ({
      kind,
      name,
      property,
      seen: now,
      wanted,
      push,
    });
  const missing = (isThere: boolean, wanted: string): Difference[] =>
    isThere ? [] : [["", MISSING, wanted]];
  return [
    ...Object.entries(files).flatMap(([path, file]) =>
      file.unlessContainer === true && seen.container
        ? []
        : fileDifferences(file, seen.files.get(path)).map(finding("file", path)),
    ),
    ...Object.entries(links).flatMap(([path, target]) =>
      linkDifferences(target, seen.files.get(path)).map(finding("link", path)),
    ),
    ...Object.entries(present).flatMap(([path, wanted]) =>
      missing(seen.present.has(path), wanted).map(finding("path", path)),
    ),
    ...Object.entries(packages).flatMap(([name, wanted]) =>
      missing(seen.packages.has(name), wanted).map(finding("package", name)),
    ),
    ...Object.entries(units).flatMap(([name, unit]) =>
      unit.package !== undefined && !seen.packages.has(unit.package)
        ? []
        : unitDifferences(unit, seen.units.get(name)).map(finding("unit", name)),
    ),
  ];
}

/** Property, what is seen, what is wanted. */
type Difference = readonly [property: string, seen: string, wanted: string];

const MISSING = "missing";

function fileDifferences(want: FileWant, seen: SeenFile | undefined): Difference[] {
  if (seen?.kind !== "file") return [["sha256", described(seen), want.sha256]];
  const differences: Difference[] = [];
  if (seen.sha256 !== want.sha256) {
    differences.push(["sha256", `edited by hand (${short(seen.sha256)})`, want.sha256]);
  }
  if (seen.mode !== want.mode) differences.push(["mode", seen.mode, want.mode]);
  if (seen.owner !== want.owner) differences.push(["owner", seen.owner, want.owner]);
  return differences;
}

function linkDifferences(target: string, seen: SeenFile | undefined): Difference[] {
  if (seen?.kind === "link" && seen.target === target) return [];
  return [["", seen?.kind === "link" ? seen.target : described(seen), target]];
}

function described(seen: SeenFile | undefined): string {
  switch (seen?.kind) {
    case undefined:
      return MISSING;
    case "file":
      return "a file";
    case "link":
      return `a link to ${seen.target}`;
    case "other":
      return "no regular file";
    default:
      return seen satisfies never;
  }
}

/** Between a start and its end, or while it starts again by itself, a unit counts as running. */
const RUNNING: readonly string[] = ["active", "activating", "reloading"];

function unitDifferences(want: UnitWant, seen: SeenUnit | undefined): Difference[] {
  const {
    unitFileState = "",
    activeState = "",
    needDaemonReload = "",
  }: Partial<SeenUnit> = seen ?? {};
  const differences: Difference[] = [];
  if (unitFileState !== want.unitFileState) {
    differences.push(["unitFileState", unitFileState || MISSING, want.unitFileState]);
  }
  if (want.activeState !== undefined && !RUNNING.includes(activeState)) {
    differences.push(["activeState", activeState || MISSING, want.activeState]);
  }
  if (want.needDaemonReload !== undefined && needDaemonReload === "yes") {
    differences.push(["needDaemonReload", needDaemonReload, want.needDaemonReload]);
  }
  return differences;
}

/** The system's own, and those that a container's engine puts there for all services. */
const NOBODYS = /^(\/usr\/|\/lib\/|\/run\/systemd\/system\/service\.d\/)/;

/** Drop-ins of our units that no push brought: somebody meant something by them, so they stay. */
function foreignDropIns(wants: HostWants, seen: HostSeen): Finding[] {
  const ours = new Set(pushes.flatMap((push) => Object.keys(wants[push]?.files ?? {})));
  return [...seen.units].flatMap(([unit, { dropIns }]) =>
    dropIns
      .filter((path) => !ours.has(path) && !NOBODYS.test(path))
      .map((path): Finding => ({
        kind: "drop-in",
        name: path,
        property: "",
        seen: `overrides ${unit}`,
        wanted: "",
        push: undefined,
        remedy:
          `It is left alone. To be rid of it: sudo rm -f ${path} && sudo systemctl daemon-reload, ` +
          `and restart ${unit} if it was started with it.`,
      })),
  );
}

/** Enough of a hash to compare by eye. */
export function short(hash: string): string {
  return /^[0-9a-f]{64}$/.test(hash) ? `${hash.slice(0, 12)}…` : hash;
}
