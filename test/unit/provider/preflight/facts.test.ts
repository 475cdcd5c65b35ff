import { readFileSync } from "node:fs";
import { join } from "node:path";

import fc from "fast-check";

import { parseFacts, type HostFacts } from "../../../../provider/preflight/facts";
import { FACTS_BEGIN, FACTS_END } from "../../../../provider/preflight/script";

const asked = { fromMs: 1_764_028_800_000, untilMs: 1_764_028_802_600 };

function facts(file: string): HostFacts {
  const read = parseFacts(readFileSync(join(__dirname, "recorded", file), "utf8"), asked);
  if (read === undefined) throw new Error(`${file} has no end`);
  return read;
}

test("a Pi 4 with Raspberry Pi OS is read whole", () => {
  expect(facts("written-pi4-bookworm.txt")).toEqual({
    asRoot: true,
    system: {
      id: "debian",
      version: "12",
      name: "Debian GNU/Linux 12 (bookworm)",
      isRaspberryPiOs: true,
      userland: "arm64",
      kernel: "aarch64",
      pageBytes: 4096,
      isContainer: false,
      hasSystemd: true,
      board: "Raspberry Pi 4 Model B Rev 1.5",
    },
    memory: { mib: 7811, hasController: false },
    // It was asked at .000 and answered at 2.600; it wrote between .120 and 2.480.
    clock: {
      leastMs: -120,
      mostMs: 120,
      services: ["systemd-timesyncd"],
      isSynchronised: true,
    },
    apt: {
      isThere: true,
      isUnneeded: false,
      sources: undefined,
      origins: [],
      mirror: { address: "deb.debian.org:80", answers: true },
    },
    disk: {
      root: { freeMib: 24536, sizeMib: 29653, type: "ext4", mountPoint: "/" },
      data: { freeMib: 24536, sizeMib: 29653, type: "ext4", mountPoint: "/" },
      readOnly: [],
      streamMibPerSecond: expect.closeTo(17.54, 2) as number,
      syncMs: expect.closeTo(9.0, 1) as number,
    },
    kafka: {
      mainPid: undefined,
      unitHeading: undefined,
      unitPath: undefined,
      rootLink: undefined,
      rootEntries: [],
      hasManifest: false,
      hasProperties: false,
      processes: [],
      listeners: [],
      meta: undefined,
      dataEntries: undefined,
    },
  });
});

test("somebody else's Kafka is read with process, unit, files and data", () => {
  const { kafka, clock } = facts("written-ubuntu-foreign-kafka.txt");
  expect(clock.services).toEqual(["ntp"]);
  expect(kafka).toMatchObject({
    mainPid: 712,
    unitHeading: "[Unit]",
    unitPath: "/etc/systemd/system/kafka.service",
    rootEntries: ["bin", "config", "libs"],
    hasManifest: false,
    hasProperties: true,
    processes: [{ pid: 712, place: "/system.slice/kafka.service" }],
    listeners: [
      {
        address: "*",
        port: 9092,
        process: { pid: 712, name: "java", place: "/system.slice/kafka.service" },
      },
      {
        address: "*",
        port: 9093,
        process: { pid: 712, name: "java", place: "/system.slice/kafka.service" },
      },
    ],
  });
  expect(kafka?.meta).toContain("cluster.id=MkU3OEVBNTcwNTJENDM2Qg\n");
});

test("a container has its share of the memory, and no limit is none", () => {
  const memory = (...lines: string[]): number | undefined =>
    parse("memory.kib=24000000", ...lines)?.memory.mib;
  expect(memory("memory.limit=8589934592")).toBe(8192);
  expect(memory("memory.limit=max")).toBe(23437);
  expect(memory("memory.limit=9223372036854771712")).toBe(23437);
});

test("a look that was cut off, or was none, has no facts", () => {
  expect(parseFacts("", asked)).toBeUndefined();
  expect(parseFacts(`${FACTS_BEGIN}\nuser=0\n`, asked)).toBeUndefined();
  expect(parseFacts(`user=0\n${FACTS_END}\n`, asked)).toBeUndefined();
});

test("what was not told is not known, whatever was", () => {
  const whole = readFileSync(join(__dirname, "recorded/written-ubuntu-foreign-kafka.txt"), "utf8");
  const lines = whole.split("\n").filter((line) => /^[a-z]+[.A-Za-z0-9_]*=/.test(line));
  fc.assert(
    fc.property(fc.subarray(lines, { minLength: 1 }), (some) => {
      const read = parse(...some);
      expect(read).toBeDefined();
      expect(JSON.stringify(read)).not.toMatch(/NaN|null/);
    }),
  );
});

function parse(...lines: string[]): HostFacts | undefined {
  return parseFacts([FACTS_BEGIN, ...lines, FACTS_END, ""].join("\n"), asked);
}
