/** Space, kind and speed of the disks. */
import type { DiskFacts, FileSystem, HostFacts } from "./facts";
import type { Finding } from "./findings";
import type { Wanted } from "./wanted";

/**
 * What a broker's preparation takes on `/`, MiB: a JRE (350 with its downloads), Kafka's archive (up to
 * 130) and what it unpacks to (half as much again), rounded up.
 */
const BROKER_ROOT_MIB = 768;
/** Any other host's. */
const ROOT_MIB = 64;
/** Node.js for programs: its archive (50), what it unpacks to (120), and the programs. */
const NODE_MIB = 192;
/** Kafka ends itself when a log cannot be written; its own topics alone take tens of MiB. */
const DATA_ERROR_MIB = 512;
/** About a day of 350 records of 130 bytes a second, the load that the lab was tried with. */
const DATA_WARNING_MIB = 4096;

/** File systems that are gone after a reboot: acknowledged records with them. */
const VOLATILE = ["overlay", "tmpfs", "ramfs"];
/** Without what Kafka needs of one: renames of open files, owners, locks. */
const UNFIT = /^(nfs\d?|cifs|smb\d?|vfat|exfat|ntfs\d?|fuseblk|9p)$/;

/** Class 10 and U1, printed on every card sold for a Pi, promise 10 MB/s. */
const SLOW_STREAM_MIB_PER_SECOND = 9;
/**
 * Controllers flush each change of the cluster's metadata. The exhibit's profile holds a controller for
 * dead after a second: a tenth of it.
 */
const SLOW_SYNC_MS = 100;

export function diskFindings({ disk, kafka, system }: HostFacts, wanted: Wanted): Finding[] {
  return [
    ...disk.readOnly.map(readOnly),
    ...spaceFindings(disk, wanted, kafka?.rootEntries.some(isDistribution) ?? false),
    ...(system.isContainer || disk.data === undefined ? [] : kindFindings(disk.data)),
    ...speedFindings(disk),
  ];
}

const isDistribution = (name: string): boolean => /^kafka-[\d.]+$/.test(name);

const readOnly = (place: string): Finding => ({
  check: "file-system",
  severity: "error",
  found: `${place} cannot be written to, not even by root`,
  value: "read-only",
  remedy:
    "Mount it read-write (`sudo mount -o remount,rw /`); a card that went so by itself is worn.",
});

function spaceFindings(disk: DiskFacts, wanted: Wanted, isInstalled: boolean): Finding[] {
  const { root, data } = disk;
  const findings: Finding[] = [];
  const short = (fs: FileSystem, needed: number, what: string, isErrorToo = true): void => {
    if (fs.freeMib >= needed) return;
    findings.push({
      check: "disk-space",
      severity: isErrorToo ? "error" : "warning",
      found: `${fs.mountPoint} has ${fs.freeMib} MiB free, ${what} ${isErrorToo ? "need" : "soon need"} ${needed} MiB`,
      value: `${fs.freeMib} MiB`,
      remedy:
        "Free space on it (`sudo apt-get clean`, `sudo journalctl --vacuum-size=16M`) or use a larger card.",
    });
  };
  const forKafka = wanted.kafka === undefined || isInstalled ? ROOT_MIB : BROKER_ROOT_MIB;
  const rootNeed = forKafka + ((wanted.programs ?? 0) > 0 ? NODE_MIB : 0);
  const shared = root !== undefined && data?.mountPoint === root.mountPoint;
  if (root !== undefined && !shared) short(root, rootNeed, "the lab's packages and files");
  if (data === undefined) return findings;
  const need = shared ? rootNeed : 0;
  const what = shared ? "the lab's packages and Kafka's data" : "Kafka's data";
  if (data.freeMib < need + DATA_ERROR_MIB) short(data, need + DATA_ERROR_MIB, what);
  else short(data, need + DATA_WARNING_MIB, what, false);
  return findings;
}

function kindFindings({ type, mountPoint }: FileSystem): Finding[] {
  if (VOLATILE.includes(type)) {
    return [
      {
        check: "file-system",
        severity: "error",
        found: `Kafka's data would lie on ${mountPoint}, a file system (${type}) that a power cut empties`,
        value: type,
        remedy:
          "Mount a partition of its own at /var/lib/kafka: under a read-only system with an overlay too.",
      },
    ];
  }
  if (!UNFIT.test(type)) return [];
  return [
    {
      check: "file-system",
      severity: "warning",
      found: `Kafka's data would lie on ${mountPoint}, whose file system is ${type}`,
      value: type,
      remedy: "Kafka is made for the file systems of Linux: ext4 or xfs.",
    },
  ];
}

function speedFindings({ streamMibPerSecond, syncMs }: DiskFacts): Finding[] {
  const slow = (found: string, value: string): Finding => ({
    check: "disk-speed",
    severity: "warning",
    found,
    value,
    remedy:
      "Brokers on it fall behind, and a replacement takes longer to fill: use a better card (A2, U3) or a USB disk.",
  });
  const findings: Finding[] = [];
  if (streamMibPerSecond !== undefined && streamMibPerSecond < SLOW_STREAM_MIB_PER_SECOND) {
    const figure = `${streamMibPerSecond.toFixed(1)} MiB/s`;
    findings.push(
      slow(
        `where Kafka's data goes, ${figure} can be written; any card of class 10 does ${SLOW_STREAM_MIB_PER_SECOND} or more`,
        figure,
      ),
    );
  }
  if (syncMs !== undefined && syncMs > SLOW_SYNC_MS) {
    const figure = `${Math.round(syncMs)} ms`;
    findings.push(
      slow(
        `where Kafka's data goes, a small write takes ${figure} until it is on the medium; good cards take less than ${SLOW_SYNC_MS}`,
        figure,
      ),
    );
  }
  return findings;
}
