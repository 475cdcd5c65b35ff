/** System, processor, memory, clock and packages. */
import { budgetOf, leastMemoryMib } from "../../model/budget";
import { boards } from "../../model/catalogue";
import type { ClockFacts, HostFacts, SystemFacts } from "./facts";
import type { Finding } from "./findings";
import type { Wanted } from "./wanted";

/** Releases that the lab is made for: packages and systemd of each were looked at. */
const RELEASES: ReadonlyMap<string, readonly string[]> = new Map([
  ["debian", ["12", "13"]],
  ["ubuntu", ["22.04", "24.04"]],
]);

/** Debian's names for architectures whose programs have 32 bits. */
const NARROW = ["armhf", "armel", "i386"];

/** 4 KiB everywhere, 16 KiB on a Pi 5. The native libraries in Kafka's jars are built for up to 64 KiB. */
const PAGE_BYTES = [4096, 16_384];

/**
 * Part of a board's memory that Linux shows at least. A Pi 4 of 8 GB shows 7.6 to 7.8 GiB, one of 2 GB
 * 1.8: firmware and graphics have the rest. The next smaller board has half.
 */
const SHOWN_SHARE = 0.8;

/** A difference that matters to somebody who reads time stamps; NTP keeps a LAN within milliseconds. */
const CLOCK_WARNING_MS = 5_000;
/**
 * Kafka 4 refuses records whose time is more than an hour ahead of the broker's
 * (`log.message.timestamp.after.max.ms`), and a clock that jumps ahead by more than the retention deletes
 * what was written before.
 */
const CLOCK_ERROR_MS = 3_600_000;

export function systemFindings(facts: HostFacts, wanted: Wanted): Finding[] {
  return [
    ...releaseFindings(facts.system),
    ...architectureFindings(facts.system),
    ...pageFindings(facts.system),
    ...serviceFindings(facts.system),
    ...aptFindings(facts),
    ...boardFindings(facts.system, wanted),
    ...memoryFindings(facts, wanted),
    ...clockFindings(facts.clock),
  ];
}

function releaseFindings({ id, version, name }: SystemFacts): Finding[] {
  // Raspberry Pi OS of 32 bits calls itself so; its architecture is told apart.
  const family = id === "raspbian" ? "debian" : (id ?? "");
  if (version !== undefined && RELEASES.get(family)?.includes(version) === true) return [];
  const value = name ?? ([id, version].filter(Boolean).join(" ") || "unknown");
  return [
    {
      check: "system",
      severity: "warning",
      found: `its system, ${value}, is none that this lab was tried on`,
      value,
      remedy:
        "Raspberry Pi OS or Debian 12 or 13, or Ubuntu Server 22.04 or 24.04, are what it is made for.",
    },
  ];
}

function architectureFindings({ userland, kernel, isContainer }: SystemFacts): Finding[] {
  if (userland === undefined || userland === "arm64") return [];
  if (userland === "amd64" && isContainer) return [];
  if (NARROW.includes(userland)) {
    const wide = kernel === "aarch64" || kernel === "x86_64";
    return [
      {
        check: "architecture",
        severity: "error",
        found: `its programs are of 32 bits (${userland}${wide ? `, under a kernel of 64, ${kernel}` : ""})`,
        value: userland,
        remedy:
          "Flash its card with the 64-bit system: in Raspberry Pi Imager, Raspberry Pi OS Lite (64-bit).",
      },
    ];
  }
  return [
    {
      check: "architecture",
      severity: "warning",
      found: `it is no Raspberry Pi: its architecture is ${userland}`,
      value: userland,
      remedy: "Kafka runs there too, but what is declared of its board says nothing of it.",
    },
  ];
}

function pageFindings({ pageBytes }: SystemFacts): Finding[] {
  if (pageBytes === undefined || PAGE_BYTES.includes(pageBytes)) return [];
  return [
    {
      check: "page-size",
      severity: "warning",
      found: `its memory has pages of ${pageBytes / 1024} KiB`,
      value: String(pageBytes),
      remedy:
        "4 KiB, and 16 KiB on a Pi 5, are what JVM and Kafka were seen with: boot the system's own kernel.",
    },
  ];
}

function serviceFindings({ hasSystemd }: SystemFacts): Finding[] {
  if (hasSystemd) return [];
  return [
    {
      check: "systemd",
      severity: "error",
      found: "systemd does not run it",
      value: "none",
      remedy: "Kafka runs as a unit of systemd: install a system that boots with it.",
    },
  ];
}

function aptFindings({ apt, asRoot }: HostFacts): Finding[] {
  const finding = (found: string, value: string, remedy: string): Finding[] => [
    { check: "apt", severity: apt.isThere ? "warning" : "error", found, value, remedy },
  ];
  if (!apt.isThere) {
    return finding(
      "it has no apt-get",
      "none",
      "The lab installs Debian packages: use Raspberry Pi OS, Debian or Ubuntu.",
    );
  }
  if (apt.isUnneeded) return [];
  if (apt.sources === 0 && asRoot) {
    return finding(
      "no source of packages is configured",
      "none",
      "Name one in /etc/apt/sources.list.d, or install the packages by hand (chrony, for Kafka a JRE 17 or later).",
    );
  }
  const secure = apt.origins.filter((origin) => !origin.startsWith("http://"));
  if (secure.length > 0) {
    return [
      {
        check: "apt",
        severity: "error",
        found: `its packages are to come through this machine, which keeps what comes over http, not from ${secure.join(", ")}`,
        value: secure.join(", "),
        remedy:
          "Write the http:// address of the mirror in its /etc/apt (packages are signed, whatever way they come), or take the source out.",
      },
    ];
  }
  const { address = "", hindrance } = apt.mirror ?? {};
  if (hindrance !== undefined) {
    // The look also sees sources that are switched off; whether it matters is known when packages are brought.
    return [{ check: "apt", severity: "warning", value: address, ...hindrance }];
  }
  if (apt.mirror === undefined || apt.mirror.answers) return [];
  if (apt.origins.length > 0) {
    return finding(
      `packages are to be installed through this machine, which ${apt.mirror.address} does not answer, and whose cache has nothing from there`,
      apt.mirror.address,
      "Bring this machine online once: `up` or `npm run packages` then keeps what the lab needs.",
    );
  }
  return finding(
    `packages are to be installed, and ${apt.mirror.address}, where they come from, does not answer`,
    apt.mirror.address,
    "Check its gateway and name server, or name a mirror within reach in /etc/apt.",
  );
}

/** `pi-4b-8gb` is a `Raspberry Pi 4 Model B`. */
function boardFindings({ board }: SystemFacts, wanted: Wanted): Finding[] {
  const declared = /^pi-(\d+)/.exec(wanted.board)?.[1] ?? "";
  if (board === undefined || new RegExp(`^Raspberry Pi ${declared}\\b`).test(board)) return [];
  return [
    {
      check: "board",
      severity: "warning",
      found: `it is a ${board}, declared is ${wanted.board}`,
      value: board,
      remedy: "See whether it is the machine that was meant, and correct its `board`.",
    },
  ];
}

function memoryFindings({ memory, system }: HostFacts, wanted: Wanted): Finding[] {
  const { mib, hasController } = memory;
  const findings: Finding[] = [];
  if (mib !== undefined) {
    const { kafka, programs = 0 } = wanted;
    const least = kafka === undefined ? 0 : leastMemoryMib(kafka.heapMib, programs);
    const declared = boards[wanted.board].memoryMib;
    if (mib < least) {
      const fits = Math.max(0, budgetOf(mib, programs).maxHeapMib);
      findings.push({
        check: "memory",
        severity: "error",
        found: `it has ${mib} MiB of memory; a heap of ${kafka?.heapMib} MiB${programs > 0 ? ` beside ${programs} of the lab's programs` : ""} needs ${least}`,
        value: `${mib} MiB`,
        remedy: `Set \`heapMib\` to at most ${fits}, or use a board with more memory.`,
      });
    } else if (mib < declared * SHOWN_SHARE && !system.isContainer) {
      findings.push({
        check: "memory",
        severity: "warning",
        found: `it has ${mib} MiB of memory, a ${wanted.board} has ${declared}`,
        value: `${mib} MiB`,
        remedy: "Correct its `board`, by which the size of the heap is judged.",
      });
    }
  }
  // Nobody inside a container can turn it on.
  if (hasController === false && !system.isContainer) {
    findings.push({
      check: "memory-cgroup",
      severity: "warning",
      found: "its kernel does not limit memory by unit (Raspberry Pi OS's default)",
      value: "off",
      remedy:
        "Nothing of the lab needs it; a `MemoryMax` of yours would do nothing. To turn it on, add " +
        "cgroup_enable=memory to the line in /boot/firmware/cmdline.txt and reboot.",
    });
  }
  return findings;
}

function clockFindings(clock: ClockFacts): Finding[] {
  const { leastMs, mostMs } = clock;
  // Debian's package chrony takes the place of any other; systemd's own is everybody's default.
  const replaced = clock.services.filter((name) => !["chrony", "systemd-timesyncd"].includes(name));
  const findings = replaced.map((name): Finding => ({
    check: "time-service",
    severity: "warning",
    found: `its time is kept by ${name}, which apt removes when it installs chrony for the lab`,
    value: name,
    remedy: "If it has settings of yours, say them as the lab's `clock`.",
  }));
  if (leastMs === undefined || mostMs === undefined) return findings;
  // All that is known is that the difference lies between the two.
  const certainMs = leastMs > 0 ? leastMs : mostMs < 0 ? -mostMs : 0;
  if (certainMs < CLOCK_WARNING_MS) return findings;
  const value = `${leastMs > 0 ? "+" : "-"}${inWords(certainMs)}`;
  const severity = certainMs < CLOCK_ERROR_MS ? "warning" : "error";
  findings.push({
    check: "clock",
    severity,
    found:
      `its clock is ${inWords(certainMs)} ${leastMs > 0 ? "ahead of" : "behind"} this machine's ` +
      `(${timeService(clock)})`,
    value,
    remedy:
      severity === "warning"
        ? "The lab's chrony will step it."
        : "Kafka refuses records from clocks an hour ahead, and apt lists that are not valid yet. Set " +
          "it there: `sudo date -s 'YYYY-MM-DD hh:mm:ss'`.",
  });
  return findings;
}

function timeService({ services, isSynchronised }: ClockFacts): string {
  const [name] = services;
  if (name === undefined) return "no time service runs";
  if (name !== "systemd-timesyncd") return `${name} runs`;
  return `${name} runs, and ${isSynchronised ? "has heard from its server" : "has heard from no server yet"}`;
}

/** `12 s`, `7 min`, `3.5 h`, `12 days`. */
function inWords(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${(seconds / 3_600).toFixed(1)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}
