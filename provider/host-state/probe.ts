/** One look at a host: what is asked for, the script that answers it, and the answer. */
import { type HostWants, pushes } from "../../model/host-wants";
import type { HostShell } from "../ssh/port";
import { quote } from "../ssh/port";

/** A host answers in well under a second; a slow card behind a busy broker takes longer. */
const LOOK_MS = 20_000;

/** Something at a path. */
export type SeenFile =
  | {
      readonly kind: "file";
      readonly sha256: string;
      /** Four octal digits. */
      readonly mode: string;
      /** `user:group`; of one without a name its number. */
      readonly owner: string;
    }
  | { readonly kind: "link"; readonly target: string }
  /** A folder, a device, … */
  | { readonly kind: "other" };

/** As systemd shows it; empty texts for a unit that it does not know. */
export interface SeenUnit {
  readonly unitFileState: string;
  readonly activeState: string;
  readonly needDaemonReload: string;
  /** Drop-ins that systemd has read, and those that lie on the disk for it to read. */
  readonly dropIns: readonly string[];
}

export interface HostSeen {
  readonly container: boolean;
  /** What is missing has no entry. */
  readonly files: ReadonlyMap<string, SeenFile>;
  readonly present: ReadonlySet<string>;
  /** Installed packages of those that were asked for. */
  readonly packages: ReadonlySet<string>;
  readonly units: ReadonlyMap<string, SeenUnit>;
  /** Text of meta.properties; undefined where there is none, or none was asked for. */
  readonly meta: string | undefined;
}

/** A host's answer cannot be read, or there is none. */
export class ProbeError extends Error {
  override readonly name = "ProbeError";
}

/**
 * Looks at all that is wanted with one command.
 * @param metaFile path of a broker's meta.properties, if that is to be read as well
 * @throws SshError, or ProbeError if the host runs the script badly
 */
export async function lookAt(
  shell: HostShell,
  host: string,
  wants: HostWants,
  metaFile?: string,
): Promise<HostSeen> {
  const { code, stdout, stderr } = await shell.run("bash -s", {
    stdin: renderProbe(wants, metaFile),
    timeoutMs: LOOK_MS,
    label: "looking at its files and units",
  });
  if (code !== 0) {
    const said = `${stderr}\n${stdout}`.trim().split("\n").slice(-3).join("; ");
    throw new ProbeError(
      `${host}: looking at its files and units failed with status ${code}: ${said}`,
    );
  }
  return parseSeen(host, stdout);
}

/** The script for `bash -s` as root. It changes nothing. */
export function renderProbe(wants: HostWants, metaFile = ""): string {
  const all = pushes.flatMap((push) => wants[push] ?? []);
  const words = (name: string, list: readonly string[]): string =>
    `${name}=(${list.map(quote).join(" ")})`;
  const keys = (map: object | undefined): string[] => Object.keys(map ?? {});
  return [
    words(
      "paths",
      all.flatMap(({ files, links }) => [...keys(files), ...keys(links)]),
    ),
    words(
      "present",
      all.flatMap((push) => keys(push.present)),
    ),
    words(
      "packages",
      all.flatMap((push) => keys(push.packages)),
    ),
    words(
      "units",
      all.flatMap((push) => keys(push.units)),
    ),
    `meta=${quote(metaFile)}`,
    PROBE_SCRIPT,
  ].join("\n");
}

/**
 * A line for each finding, KIND first; what may hold blanks comes last. Only regular files are read:
 * a pipe that somebody put in a file's place would be waited on for ever.
 */
const PROBE_SCRIPT = `
set -u
export LC_ALL=C
shopt -s nullglob
if systemd-detect-virt --quiet --container; then echo container; fi
regular=()
for path in "\${paths[@]}"; do
  if [ -L "$path" ]; then printf 'link %s %s\\n' "$path" "$(readlink "$path" | tr -cd '[:print:]')"
  elif [ -f "$path" ]; then regular+=("$path")
  elif [ -e "$path" ]; then printf 'other %s\\n' "$path"
  fi
done
if [ \${#regular[@]} -gt 0 ]; then
  stat --printf 'stat %a %U:%G %n\\n' -- "\${regular[@]}"
  sha256sum -- "\${regular[@]}" | sed 's/^/sum /'
fi
for path in "\${present[@]}"; do
  if [ -e "$path" ]; then printf 'present %s\\n' "$path"; fi
done
for package in "\${packages[@]}"; do
  state=$(dpkg-query --show --showformat='\${db:Status-Status}' "$package" 2>/dev/null)
  if [ "$state" = installed ]; then printf 'package %s\\n' "$package"; fi
done
for unit in "\${units[@]}"; do
  printf 'unit %s\\n' "$unit"
  systemctl show "$unit" -p UnitFileState,ActiveState,NeedDaemonReload,DropInPaths
  for file in /etc/systemd/system/"$unit".d/*.conf; do printf 'DropIn=%s\\n' "$file"; done
done
if [ -n "$meta" ] && [ -f "$meta" ]; then sed 's/^/meta /' "$meta"; fi
echo end
`;

/** Reads what the script prints. */
export function parseSeen(host: string, stdout: string): HostSeen {
  const lines = stdout.split("\n");
  // A login's profile may have printed something before, and nothing comes after.
  if (lines.at(-2) !== "end") {
    throw new ProbeError(
      `${host}: the answer about its files and units broke off: ${JSON.stringify(stdout.slice(-120))}`,
    );
  }
  const seen = {
    container: false,
    files: new Map<string, SeenFile>(),
    present: new Set<string>(),
    packages: new Set<string>(),
    units: new Map<string, SeenUnit>(),
    meta: undefined as string | undefined,
  };
  const sums = new Map<string, string>();
  const stats: { path: string; mode: string; owner: string }[] = [];
  let unit: { name: string; state: SeenUnit } | undefined;
  for (const line of lines) {
    const [, kind = "", rest = ""] = /^(\S+) ?(.*)$/.exec(line) ?? [];
    const [first = "", second = "", ...more] = rest.split(" ");
    switch (kind) {
      case "container":
        seen.container = true;
        break;
      case "link":
        seen.files.set(first, { kind, target: [second, ...more].join(" ") });
        break;
      case "other":
        seen.files.set(rest, { kind });
        break;
      case "stat":
        stats.push({ path: more.join(" "), mode: first.padStart(4, "0"), owner: second });
        break;
      case "sum":
        // As sha256sum has it: the sum, a blank, a blank or an asterisk, the path.
        sums.set([second, ...more].join(" ").slice(1), first);
        break;
      case "present":
        seen.present.add(rest);
        break;
      case "package":
        seen.packages.add(rest);
        break;
      case "unit":
        unit = { name: rest, state: UNKNOWN_UNIT };
        seen.units.set(unit.name, unit.state);
        break;
      case "meta":
        seen.meta = `${seen.meta ?? ""}${rest}\n`;
        break;
      default:
        if (unit === undefined) break;
        unit.state = withProperty(unit.state, line);
        seen.units.set(unit.name, unit.state);
    }
  }
  for (const { path, mode, owner } of stats) {
    const sha256 = sums.get(path);
    // One that vanished in between is missing.
    if (sha256 !== undefined) seen.files.set(path, { kind: "file", sha256, mode, owner });
  }
  return seen;
}

const UNKNOWN_UNIT: SeenUnit = {
  unitFileState: "",
  activeState: "",
  needDaemonReload: "",
  dropIns: [],
};

function withProperty(unit: SeenUnit, line: string): SeenUnit {
  const at = line.indexOf("=");
  const value = line.slice(at + 1);
  switch (line.slice(0, at)) {
    case "UnitFileState":
      return { ...unit, unitFileState: value };
    case "ActiveState":
      return { ...unit, activeState: value };
    case "NeedDaemonReload":
      return { ...unit, needDaemonReload: value };
    case "DropInPaths":
      return { ...unit, dropIns: merged(unit.dropIns, value.split(" ").filter(Boolean)) };
    case "DropIn":
      return { ...unit, dropIns: merged(unit.dropIns, [value]) };
    default:
      return unit;
  }
}

const merged = (a: readonly string[], b: readonly string[]): string[] => [...new Set([...a, ...b])];
