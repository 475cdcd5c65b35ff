import type { FileWant, HostWants, PushWants, UnitWant } from "../model/host-wants";
import type { KafkaHost, Host, Lab } from "../model/types";
import { nodeFiles } from "./node-files";
import { fileHash, type StagedEntry, type StagedFile } from "./bundle";
import { installedLibs } from "./install";
import { kafkaPaths } from "./kafka-paths";
import { type ProgramSums, serviceWants } from "./services/push";
import type { HostService } from "./services/service";
import { boardFiles, commonHostFiles, containerHostFiles, hostPackages } from "./prepare";

/** Debian's alternatives lead there from whichever JRE was chosen. */
const JAVA = "/usr/bin/java";

/** What the pushes are made with, besides the lab. */
export interface PushedWith {
  /** As for `nodeFiles`; hashes of files that hold it are no secret. */
  readonly password?: string;
  /** What the host runs besides Kafka. Absent: it is not looked at. */
  readonly services?: { readonly all: readonly HostService[]; readonly sums: ProgramSums };
}

/** What the pushes leave on a host: the same renderers that the pushes are made of, seen from behind. */
export function hostWants(
  lab: Lab,
  host: Host,
  { password, services }: PushedWith = {},
): HostWants {
  const wants = roleWants(lab, host, password);
  if (services === undefined || services.all.length === 0) return wants;
  return { ...wants, ...serviceWants(services.all, services.sums) };
}

function roleWants(lab: Lab, host: Host, password: string | undefined): HostWants {
  const prepare = preparedWants(lab, host);
  switch (host.role) {
    case "broker":
    case "controller":
      return {
        prepare: { ...prepare, present: { [JAVA]: "present" } },
        install: {
          present: {
            [installedLibs(lab.cluster.kafkaVersion)]: "present",
            ...(lab.cluster.metrics ? { [kafkaPaths.agent]: "present" } : {}),
          },
        },
        stage: stagedWants(lab, host, password),
      };
    case "client":
    case "host":
      return { prepare };
    default:
      return host satisfies never;
  }
}

function preparedWants(lab: Lab, host: Host): PushWants {
  const chrony: UnitWant = { unitFileState: "enabled", activeState: "active", package: "chrony" };
  return {
    files:
      lab.substrate.kind === "virtual"
        ? fileWants(containerHostFiles(lab, host))
        : { ...fileWants(commonHostFiles(lab, host)), ...fileWants(boardFiles(), true) },
    links: { "/etc/localtime": `/usr/share/zoneinfo/${lab.timezone}` },
    packages: Object.fromEntries(hostPackages(lab, host).map((name) => [name, "installed"])),
    units: { "chrony.service": chrony },
  };
}

function stagedWants(lab: Lab, node: KafkaHost, password: string | undefined): PushWants {
  const entries = nodeFiles(lab, node, password);
  return {
    files: fileWants(entries),
    links: Object.fromEntries(
      entries.flatMap((entry) => (entry.kind === "link" ? [[entry.path, entry.target]] : [])),
    ),
    present: { [kafkaPaths.manifest]: "present" },
    // Whether it runs, and with what, the rollout sees.
    units: {
      [`${kafkaPaths.service}.service`]: { unitFileState: "enabled", needDaemonReload: "no" },
    },
  };
}

function fileWants(
  entries: readonly StagedEntry[],
  unlessContainer = false,
): Record<string, FileWant> {
  const files = entries.filter((entry): entry is StagedFile => entry.kind === "file");
  return Object.fromEntries(
    files.map((file) => [
      file.path,
      {
        sha256: fileHash(file),
        mode: file.mode,
        owner: file.owner,
        ...(unlessContainer ? { unlessContainer } : {}),
      },
    ]),
  );
}
