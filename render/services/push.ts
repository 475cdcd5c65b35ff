import { createHash } from "node:crypto";
import type { FileWant, PushWants, UnitWant } from "../../model/host-wants";
import { NODE_VERSION } from "../../model/catalogue";
import type { ProgramName } from "../../model/data/programs";
import type { Host } from "../../model/types";
import { fileHash, renderBundle, type StagedEntry } from "../bundle";
import { hostScript } from "../host-scripts";
import { programPaths } from "./program-paths";
import type { HostService } from "./service";

/** SHA-256 of what is pushed to hosts as files of their own, lower-case hex. */
export interface ProgramSums {
  /** Of the archive with Node.js. */
  readonly node: string;
  readonly programs: Readonly<Partial<Record<ProgramName, string>>>;
  /** Of files that services have beside programs, by where they are pushed to. Default: none. */
  readonly files?: Readonly<Record<string, string>>;
}

/**
 * Where files are pushed to: a folder that exists before a host is prepared, which the login user may
 * write, and which a restart of the Pi does not empty. The push of the services takes them away.
 */
export const pushedPaths = {
  node: `/var/tmp/node-${NODE_VERSION}.tgz`,
  program: (name: ProgramName): string => `/var/tmp/pi-lab-${name}.js`,
} as const;

/** How long a unit must stay active to count as up, and how long that is waited for, seconds. */
const SETTLE_SECONDS = 3;
const PATIENCE_SECONDS = 30;

/**
 * The script that brings a host its services and sees that they stay up. For `bash -s` as root, on a
 * prepared host to which Node.js and programs were copied; run again it changes nothing.
 * Errors: files absent or corrupt, a unit that systemd refuses (nothing is changed then), a service that
 * does not stay up, with the last lines of its journal.
 */
export function renderServicesScript(
  host: Host,
  services: readonly HostService[],
  sums: ProgramSums,
): string {
  const programs = programsOf(services);
  const files = services.flatMap(({ file }, unit) =>
    file === undefined ? [] : [{ ...file, unit }],
  );
  return hostScript(
    "services",
    {
      pi_host: host.name,
      node_version: programs.length > 0 ? NODE_VERSION : "",
      node_archive: pushedPaths.node,
      node_sha256: sums.node,
      programs,
      program_sha256: programs.map((name) => sumOf(name, sums)),
      file_pushed: files.map(({ pushed }) => pushed),
      file_path: files.map(({ path }) => path),
      file_what: files.map(({ what }) => what),
      file_unit: files.map(({ unit }) => unit),
      file_sha256: files.map(({ pushed }) => fileSum(pushed, sums)),
      units: services.map(({ unit }) => unit),
      unit_user: services.map(({ user = "" }) => user),
      unit_program: services.map(({ program = "" }) => program),
      unit_print: services.map((service) => fingerprint(service, sums)),
      entry_unit: services.flatMap(({ entries }, index) => entries.map(() => index)),
      start_settle: SETTLE_SECONDS,
      start_patience: PATIENCE_SECONDS,
    },
    { service_files: renderBundle(services.flatMap(({ entries }) => entries)) },
  );
}

/** The programs that services run, each once. */
export function programsOf(services: readonly HostService[]): ProgramName[] {
  return [...new Set(services.flatMap(({ program }) => program ?? []))];
}

/** What a process of the service is started with; another one is a restart. */
function fingerprint({ entries, program, file }: HostService, sums: ProgramSums): string {
  const parts = [
    renderBundle(entries),
    program === undefined ? "" : sumOf(program, sums),
    ...(file === undefined ? [] : [fileSum(file.pushed, sums)]),
  ];
  return createHash("sha256").update(parts.join("\n")).digest("hex");
}

function sumOf(program: ProgramName, { programs }: ProgramSums): string {
  const sum = programs[program];
  if (sum === undefined) throw new Error(`bug: the program ${program} is not among those pushed`);
  return sum;
}

function fileSum(pushed: string, { files }: ProgramSums): string {
  const sum = files?.[pushed];
  if (sum === undefined) throw new Error(`bug: ${pushed} is not among what is pushed`);
  return sum;
}

/** What the pushes of a host's services leave there. Hashes of files that hold random passwords are no secrets. */
export function serviceWants(
  services: readonly HostService[],
  sums: ProgramSums,
): { node?: PushWants; programs?: PushWants; services: PushWants } {
  const programs = programsOf(services);
  const program = (name: ProgramName): [string, FileWant] => [
    programPaths.program(name),
    { sha256: sumOf(name, sums), mode: "0644", owner: "root:root" },
  ];
  const large = services.flatMap(({ file }) =>
    file === undefined ? [] : [[file.path, "present"] as const],
  );
  return {
    ...(programs.length === 0
      ? {}
      : {
          node: { present: { [programPaths.node]: "present" } },
          programs: {
            files: Object.fromEntries(programs.map(program)),
            // Not by its sum: hundreds of MiB would be read at each look.
            ...(large.length > 0 && { present: Object.fromEntries(large) }),
          },
        }),
    services: {
      files: Object.fromEntries(
        services.flatMap(({ entries }) => entries.flatMap((entry) => fileWant(entry))),
      ),
      units: Object.fromEntries(services.map((one) => [`${one.unit}.service`, unitWant(one)])),
    },
  };
}

function fileWant(entry: StagedEntry): [string, FileWant][] {
  if (entry.kind !== "file") return [];
  const { path, mode, owner } = entry;
  return [[path, { sha256: fileHash(entry), mode, owner }]];
}

function unitWant({ packages: [name] }: HostService): UnitWant {
  return {
    unitFileState: "enabled",
    activeState: "active",
    needDaemonReload: "no",
    ...(name === undefined ? {} : { package: name }),
  };
}
