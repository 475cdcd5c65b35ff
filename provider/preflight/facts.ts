/** What a machine told of itself, as plain data. What it did not tell is undefined, and is not judged. */
import { FACTS_BEGIN, FACTS_END } from "./script";

export interface HostFacts {
  /** Whether the script ran as root: what only root may see is undefined otherwise. */
  readonly asRoot: boolean;
  readonly system: SystemFacts;
  readonly memory: MemoryFacts;
  readonly clock: ClockFacts;
  readonly apt: AptFacts;
  readonly disk: DiskFacts;
  /** Brokers only. */
  readonly kafka: KafkaFacts | undefined;
}

export interface SystemFacts {
  /** `ID` of os-release, such as `debian`. */
  readonly id: string | undefined;
  /** `VERSION_ID` of os-release, such as `12`. */
  readonly version: string | undefined;
  /** As the system calls itself; Raspberry Pi OS calls itself Debian. */
  readonly name: string | undefined;
  readonly isRaspberryPiOs: boolean;
  /** Debian's name for the architecture of the programs: `arm64`, `armhf`, `amd64`, … */
  readonly userland: string | undefined;
  /** The kernel's: `aarch64`, `armv7l`, `x86_64`, … */
  readonly kernel: string | undefined;
  readonly pageBytes: number | undefined;
  readonly isContainer: boolean;
  readonly hasSystemd: boolean;
  /** As the firmware names it: `Raspberry Pi 4 Model B Rev 1.5`. Undefined off a Pi. */
  readonly board: string | undefined;
}

export interface MemoryFacts {
  /** What the kernel has, or a container's share of it. */
  readonly mib: number | undefined;
  /** Whether the kernel counts and limits memory by group. */
  readonly hasController: boolean | undefined;
}

export interface ClockFacts {
  /** The machine's clock less ours, ms: no less and no more than this, since the question took its time. */
  readonly leastMs: number | undefined;
  readonly mostMs: number | undefined;
  /** Units that keep the time and are active: `systemd-timesyncd`, `chrony`, … */
  readonly services: readonly string[];
  /** Whether systemd-timesyncd has heard from a time server since the boot. */
  readonly isSynchronised: boolean;
}

export interface AptFacts {
  readonly isThere: boolean;
  /** All that this lab installs is installed. */
  readonly isUnneeded: boolean;
  /** How many sources are configured; told only where none of them is http or https. */
  readonly sources: number | undefined;
  /** Origins of its sources; told only where packages come through the controlling machine. */
  readonly origins: readonly string[];
  /** `host:port` of the first mirror, or of the proxy before it, and whether it accepted a connection. */
  readonly mirror:
    | {
        readonly address: string;
        readonly answers: boolean;
        /** Why the controlling machine fetches nothing from there, or from another of its sources. */
        readonly hindrance?: { readonly found: string; readonly remedy: string };
      }
    | undefined;
}

export interface FileSystem {
  readonly freeMib: number;
  readonly sizeMib: number;
  readonly type: string;
  readonly mountPoint: string;
}

export interface DiskFacts {
  readonly root: FileSystem | undefined;
  /** Where Kafka's data is or will be. */
  readonly data: FileSystem | undefined;
  /** Places that even root cannot write to. */
  readonly readOnly: readonly string[];
  /** Writing 1 MiB at a time, each on the medium before the next, MiB/s. */
  readonly streamMibPerSecond: number | undefined;
  /** Until 4 KiB at the end of a file are on the medium, ms; a mean. */
  readonly syncMs: number | undefined;
}

export interface Listener {
  /** As `ss` has it: `10.0.42.1`, `0.0.0.0`, `*`, `[::]`, … */
  readonly address: string;
  readonly port: number;
  readonly process: RunningProcess | undefined;
}

export interface RunningProcess {
  readonly pid: number;
  /** Undefined where only the number is known. */
  readonly name: string | undefined;
  /** Where it stands in systemd's tree: `/system.slice/kafka.service`. */
  readonly place: string | undefined;
}

export interface KafkaFacts {
  /** Main process of a `kafka.service`, which need not be the lab's. */
  readonly mainPid: number | undefined;
  /** First line of `/etc/systemd/system/kafka.service`. */
  readonly unitHeading: string | undefined;
  /** Where a `kafka.service` lies, if there is one. */
  readonly unitPath: string | undefined;
  /** What `/opt/kafka` leads to, if it is a link. */
  readonly rootLink: string | undefined;
  /** Names in `/opt/kafka`; those of distributions that the lab did not unpack end with `!`. */
  readonly rootEntries: readonly string[];
  readonly hasManifest: boolean;
  readonly hasProperties: boolean;
  /** Java processes whose main class is Kafka's. */
  readonly processes: readonly RunningProcess[];
  /** What listens on the broker's two ports; undefined where it could not be asked. */
  readonly listeners: readonly Listener[] | undefined;
  /** Text of meta.properties in the data directory. */
  readonly meta: string | undefined;
  /** What lies in a data directory without meta.properties, two levels deep; undefined if there is no such directory. */
  readonly dataEntries: readonly string[] | undefined;
}

/** When the look was begun and answered, by our clock, ms since 1970. */
export interface Asked {
  readonly fromMs: number;
  readonly untilMs: number;
}

/**
 * Reads what the script printed; undefined if it did not come to its end.
 *
 * @param stdout what a login's profile printed before the facts is skipped
 */
export function parseFacts(stdout: string, asked: Asked): HostFacts | undefined {
  const [, after] = stdout.split(`${FACTS_BEGIN}\n`);
  const [body, end] = after?.split(`\n${FACTS_END}`) ?? [];
  if (body === undefined || end === undefined) return undefined;
  const told = new Told(body);
  const units = parseUnits(told.decoded("units") ?? "");
  return {
    asRoot: told.one("user") === "0",
    system: systemFacts(told),
    memory: memoryFacts(told),
    clock: clockFacts(told, units, asked),
    apt: aptFacts(told),
    disk: diskFacts(told),
    kafka: told.one("role") === "broker" ? kafkaFacts(told, units) : undefined,
  };
}

/** `KEY=VALUE` lines; a key may come more than once. */
class Told {
  private readonly lines: readonly (readonly [key: string, value: string])[];

  constructor(body: string) {
    this.lines = body.split("\n").flatMap((line) => {
      const at = line.indexOf("=");
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1)] as const] : [];
    });
  }

  has(key: string): boolean {
    return this.lines.some(([name]) => name === key);
  }

  all(key: string): string[] {
    return this.lines.flatMap(([name, value]) => (name === key ? [value] : []));
  }

  /** Undefined for one that is missing or empty. */
  one(key: string): string | undefined {
    return this.all(key)[0]?.trim() || undefined;
  }

  number(key: string): number | undefined {
    const value = Number(this.one(key) ?? NaN);
    return Number.isFinite(value) ? value : undefined;
  }

  decoded(key: string): string | undefined {
    const value = this.all(key)[0];
    return value === undefined ? undefined : Buffer.from(value, "base64").toString("utf8");
  }

  /** What follows a prefix in the keys, with the values. */
  below(prefix: string): [rest: string, value: string][] {
    return this.lines.flatMap(([name, value]): [string, string][] =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [],
    );
  }
}

function systemFacts(told: Told): SystemFacts {
  const unquoted = (key: string): string | undefined =>
    told.one(key)?.replace(/^(["'])(.*)\1$/, "$2");
  const container = told.one("container");
  return {
    id: unquoted("os.ID"),
    version: unquoted("os.VERSION_ID"),
    name: unquoted("os.PRETTY_NAME"),
    isRaspberryPiOs: told.has("os.rpi"),
    userland: told.one("arch.userland"),
    kernel: told.one("arch.kernel"),
    pageBytes: told.number("page"),
    isContainer: container !== undefined && container !== "none",
    hasSystemd: told.one("systemd") === "yes",
    board: told.one("board")?.replaceAll("\0", ""),
  };
}

function memoryFacts(told: Told): MemoryFacts {
  const kib = told.number("memory.kib");
  // `max`, or a number near 2^63, is no limit.
  const limits = told.all("memory.limit").map((bytes) => Number(bytes) / 1024);
  const least = Math.min(...[kib ?? Infinity, ...limits].filter((value) => !Number.isNaN(value)));
  const controllers = told.one("cgroup.controllers");
  const controller = told.one("cgroup.memory");
  return {
    mib: Number.isFinite(least) ? Math.floor(least / 1024) : undefined,
    hasController:
      controllers !== undefined
        ? controllers.split(" ").includes("memory")
        : controller === undefined
          ? undefined
          : controller === "1",
  };
}

const TIME_SERVICES = ["chrony", "systemd-timesyncd", "ntpsec", "ntp", "openntpd"];

interface Unit {
  readonly isActive: boolean;
  readonly path: string | undefined;
  readonly mainPid: number | undefined;
}

/** Blocks of `systemctl show`, by the unit's name without `.service`. */
function parseUnits(text: string): ReadonlyMap<string, Unit> {
  const units = new Map<string, Unit>();
  for (const block of text.split(/\n\s*\n/)) {
    const fields = new Map(
      block.split("\n").map((line): [string, string] => {
        const [key = "", ...value] = line.split("=");
        return [key, value.join("=").trim()];
      }),
    );
    const id = fields.get("Id")?.replace(/\.service$/, "");
    if (id === undefined) continue;
    units.set(id, {
      isActive: fields.get("ActiveState") === "active",
      path: fields.get("FragmentPath") || undefined,
      mainPid: Number(fields.get("MainPID") ?? 0) || undefined,
    });
  }
  return units;
}

function clockFacts(told: Told, units: ReadonlyMap<string, Unit>, asked: Asked): ClockFacts {
  const begin = told.number("clock.begin");
  const end = told.number("clock.end");
  return {
    // The answer left after its last line was written, and the first one was written after the question.
    leastMs: end === undefined ? undefined : Math.round(end * 1000 - asked.untilMs),
    mostMs: begin === undefined ? undefined : Math.round(begin * 1000 - asked.fromMs),
    services: TIME_SERVICES.filter((name) => units.get(name)?.isActive === true),
    isSynchronised: told.one("time.synchronized") === "yes",
  };
}

function aptFacts(told: Told): AptFacts {
  const [address, answer] = told.one("apt.mirror")?.split(" ") ?? [];
  return {
    isThere: told.one("apt") !== "no",
    isUnneeded: told.one("apt") === "unneeded",
    sources: told.number("apt.sources"),
    origins: [...new Set(told.all("apt.source"))],
    mirror: address === undefined ? undefined : { address, answers: answer === "yes" },
  };
}

function diskFacts(told: Told): DiskFacts {
  const stream = parseDd(told.one("disk.stream"));
  const sync = parseDd(told.one("disk.sync"));
  return {
    root: parseFileSystem(told.one("disk.root")),
    data: parseFileSystem(told.one("disk.data")),
    readOnly: [...new Set(told.all("disk.readonly"))],
    streamMibPerSecond:
      stream === undefined ? undefined : stream.bytes / 1024 ** 2 / stream.seconds,
    syncMs: sync === undefined ? undefined : (sync.seconds * 1000) / (sync.bytes / 4096),
  };
}

/** A line of `df -k --output=avail,size,fstype,target`. */
function parseFileSystem(line: string | undefined): FileSystem | undefined {
  const [, free, size, type, mountPoint] = /^(\d+)\s+(\d+)\s+(\S+)\s+(.+)$/.exec(line ?? "") ?? [];
  if (type === undefined || mountPoint === undefined) return undefined;
  const mib = (kib: string | undefined): number => Math.floor(Number(kib) / 1024);
  return { freeMib: mib(free), sizeMib: mib(size), type, mountPoint };
}

/** dd's last line: `16777216 bytes (17 MB, 16 MiB) copied, 1.23 s, 13.6 MB/s`. */
function parseDd(line: string | undefined): { bytes: number; seconds: number } | undefined {
  const [, bytes, seconds] = /^(\d+) bytes?\b.* copied, ([\d.e+-]+) s\b/.exec(line ?? "") ?? [];
  const took = Number(seconds);
  return Number(bytes) > 0 && took > 0 ? { bytes: Number(bytes), seconds: took } : undefined;
}

function kafkaFacts(told: Told, units: ReadonlyMap<string, Unit>): KafkaFacts {
  const unit = units.get("kafka");
  const places = new Map([...told.below("process."), ...told.below("place.")]);
  return {
    mainPid: unit?.mainPid,
    unitHeading: told.one("kafka.unit"),
    unitPath: unit?.path,
    rootLink: told.one("opt.link"),
    rootEntries: (told.one("opt.entries") ?? "").split(" ").filter((name) => name !== ""),
    hasManifest: told.has("etc.manifest"),
    hasProperties: told.has("etc.properties"),
    processes: told
      .below("process.")
      .map(([pid, place]) => ({ pid: Number(pid), name: undefined, place: place || undefined })),
    listeners: told.has("ports.asked")
      ? told.all("port").flatMap((line) => parseListener(line, places))
      : undefined,
    meta: told.decoded("data.meta"),
    dataEntries: told
      .decoded("data.entries")
      ?.split("\n")
      .filter((entry) => entry !== ""),
  };
}

/** A line of `ss -Hltnp`: `LISTEN 0 50 *:9092 *:* users:(("java",pid=712,fd=123))`. */
function parseListener(line: string, places: ReadonlyMap<string, string>): Listener[] {
  const [state, , , local = "", , ...users] = line.trim().split(/\s+/);
  const [, address, port] = /^(.*):(\d+)$/.exec(local) ?? [];
  if (state !== "LISTEN" || address === undefined) return [];
  const [, name, pid] = /\("([^"]*)",pid=(\d+)/.exec(users.join(" ")) ?? [];
  const process =
    name === undefined || pid === undefined
      ? undefined
      : { pid: Number(pid), name, place: places.get(pid) || undefined };
  return [{ address, port: Number(port), process }];
}
