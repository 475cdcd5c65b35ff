import { isKafkaHost } from "../model/lab";
import type { Host, Lab } from "../model/types";
import { renderBundle, type StagedFile } from "./bundle";
import { renderChronyConf, renderChronyContainerDropIn } from "./clock";
import { hostScript, kafkaToolHelper, stageHelper, stampHelper } from "./host-scripts";
import { renderJournaldConf } from "./journald";
import { kafkaPaths } from "./kafka-paths";
import { renderToolsLog4j2 } from "./log4j2";
import { hasServices, servicePackages } from "./services";
import { renderSysctlConf } from "./sysctl";

/** What every role installs. */
const PACKAGES: readonly string[] = ["chrony"];

/** What a host installs; Kafka's JRE beside them is chosen on the host. */
export function hostPackages(lab: Lab, host: Host): readonly string[] {
  return [...PACKAGES, ...servicePackages(lab, host)];
}

export interface PrepareOptions {
  /** How long a package lock that another program holds is waited for, seconds. Default 300. */
  readonly lockWaitSeconds?: number;
}

/** Downloading and unpacking a JRE on a slow card takes minutes; half an hour means that it hangs. */
const PACKAGE_TIMEOUT_SECONDS = 1800;

/**
 * Free space that the packages of a role need, MiB, downloads included. The JRE and what it depends
 * on are 45 MB to download and 210 MB on the disk.
 */
const PACKAGES_MIB: Readonly<Record<Host["role"], number>> = {
  broker: 350,
  controller: 350,
  client: 32,
  host: 32,
};

/** Lists as they are downloaded, and what apt makes of them: Debian 12's took 90 MiB in all. */
const LISTS_MIB = 160;

/** Free space for each package of a service, MiB: Mosquitto takes 3 with all that it depends on. */
const PACKAGE_MIB = 16;
/** Those that need more: PostgreSQL takes 290 with Perl and LLVM, and as much again while it is unpacked. */
const LARGE_PACKAGES_MIB: Readonly<Record<string, number>> = {
  "postgresql-15": 450,
  // With their libraries, and as much again while they are unpacked.
  "openjdk-17-jre-headless": 400,
  "openjdk-21-jre-headless": 400,
  "openjdk-25-jre-headless": 400,
};

function packagesMib(role: Host["role"], packages: readonly string[]): number {
  const added = packages.filter((name) => !PACKAGES.includes(name));
  return added.reduce(
    (sum, name) => sum + (LARGE_PACKAGES_MIB[name] ?? PACKAGE_MIB),
    PACKAGES_MIB[role],
  );
}

/**
 * The script that makes a host ready for its role: helper scripts, packages (for Kafka a JRE 17
 * or later), clock service and time zone, bounded journal, and for Kafka service user and
 * folders. For `bash -s` as root; it may be run again at any time, also after an interruption.
 * Prints one line that is the same at each run; progress and errors go to standard error.
 */
export function renderPrepareScript(lab: Lab, host: Host, options: PrepareOptions = {}): string {
  return hostScript(
    "prepare",
    {
      pi_host: host.name,
      pi_role: host.role,
      ...packageVariables(lab, host, options),
      pi_packages_from: lab.packagesFrom,
      pi_timezone: lab.timezone,
      pi_services: hasServices(lab, host) ? "yes" : "",
    },
    {
      common_files: renderBundle(commonHostFiles(lab, host)),
      container_files: renderBundle(containerFiles()),
      board_files: renderBundle(boardFiles()),
    },
  );
}

/** What the scripts that install packages are told. */
function packageVariables(lab: Lab, host: Host, options: PrepareOptions) {
  const packages = hostPackages(lab, host);
  return {
    pi_kafka: isKafkaHost(host) ? "yes" : "",
    pi_packages: packages,
    pi_packages_mib: packagesMib(host.role, packages),
    pi_lock_wait: options.lockWaitSeconds ?? 300,
    pi_package_timeout: PACKAGE_TIMEOUT_SECONDS,
  };
}

/**
 * The script that brings a host its packages through a proxy on its own loopback: for `bash -s` as root, with
 * a command and its words after it. What it prints is read by `provider/packages`.
 */
export function renderBringScript(lab: Lab, host: Host, options: PrepareOptions = {}): string {
  return hostScript("bring", {
    pi_host: host.name,
    ...packageVariables(lab, host, options),
    pi_all_packages: labPackages(lab),
    pi_lists_mib: LISTS_MIB,
  });
}

/** The stand-in, in lists of packages, for the JRE that a host's system has. */
const JRE = "jre";

/** What is to be brought to a host. */
export function broughtPackages(lab: Lab, host: Host): readonly string[] {
  return [...hostPackages(lab, host), ...(isKafkaHost(host) ? [JRE] : [])];
}

/** All that some host of the lab installs. */
export function labPackages(lab: Lab): readonly string[] {
  return [...new Set(lab.hosts.flatMap((host) => broughtPackages(lab, host)))].sort();
}

/** Every file that this script puts on a host that is a container: for those who lay them out by other means. */
export function containerHostFiles(lab: Lab, host: Host): readonly StagedFile[] {
  return [...commonHostFiles(lab, host), ...containerFiles()];
}

/** Files of this script on a host that is no container, besides those that every host gets. */
export function boardFiles(): readonly StagedFile[] {
  return [file("/etc/sysctl.d/60-pi-lab.conf", renderSysctlConf())];
}

/** Every file that this script puts on a host, whatever that is. */
export function commonHostFiles(lab: Lab, host: Host): readonly StagedFile[] {
  return [...commonFiles(lab, host), ...roleFiles(host)];
}

function containerFiles(): readonly StagedFile[] {
  return [file("/etc/systemd/system/chrony.service.d/pi-lab.conf", renderChronyContainerDropIn())];
}

function commonFiles(lab: Lab, host: Host): readonly StagedFile[] {
  return [
    // The helpers name the host in their messages as the configuration does.
    file(`${kafkaPaths.helpers}/host`, `${host.name}\n`),
    program(kafkaPaths.stage, stageHelper),
    file("/etc/chrony/chrony.conf", renderChronyConf(lab, host)),
    file("/etc/systemd/journald.conf.d/pi-lab.conf", renderJournaldConf()),
  ];
}

function roleFiles(host: Host): readonly StagedFile[] {
  switch (host.role) {
    case "broker":
    case "controller":
      return [
        program(kafkaPaths.stamp, stampHelper),
        program(`${kafkaPaths.helpers}/kafka-tool`, kafkaToolHelper),
        file(`${kafkaPaths.helpers}/tools-log4j2.properties`, renderToolsLog4j2()),
      ];
    case "client":
    case "host":
      return [];
    default:
      return host satisfies never;
  }
}

function file(path: string, content: string): StagedFile {
  return { kind: "file", path, mode: "0644", owner: "root:root", content };
}

function program(path: string, content: string): StagedFile {
  return { ...file(path, content), mode: "0755" };
}
