import { readFileSync } from "node:fs";
import { join } from "node:path";

import { parseFacts, type HostFacts } from "../../../../provider/preflight/facts";
import type { Finding } from "../../../../provider/preflight/findings";
import { judgeHost } from "../../../../provider/preflight/judge";
import type { Wanted, WantedKafka } from "../../../../provider/preflight/wanted";

const OURS = "BBBBBBBBBBBBBBBBBBBBBB";
const broker: WantedKafka = {
  nodeId: 1,
  heapMib: 1024,
  clientPort: 9092,
  controllerPort: 9093,
  dataDir: "/var/lib/kafka/data",
  clusterId: OURS,
};
const wanted: Wanted = { role: "broker", board: "pi-4b-8gb", address: "10.0.42.1", kafka: broker };

/** Asked just before it answered, but for `laterMs`. */
function factsOf(file: string, laterMs = 0): HostFacts {
  const text = readFileSync(join(__dirname, "recorded", file), "utf8");
  const begin = Number(/clock\.begin=([\d.]+)/.exec(text)?.[1]) * 1000;
  const end = Number(/clock\.end=([\d.]+)/.exec(text)?.[1]) * 1000;
  const asked = { fromMs: begin + laterMs - 20, untilMs: end + laterMs + 20 };
  const facts = parseFacts(text, asked);
  if (facts === undefined) throw new Error(`${file} has no end`);
  return facts;
}

type Changes = { [K in keyof HostFacts]?: Partial<HostFacts[K]> };

/** A fit Pi 4, but for what a test changes. */
function pi4(changes: Changes = {}): HostFacts {
  const facts = factsOf("written-pi4-bookworm.txt");
  const { system, memory, clock, apt, disk, kafka } = changes;
  return {
    ...facts,
    system: { ...facts.system, ...system },
    // Off by default; told of in a test of its own.
    memory: { ...facts.memory, hasController: true, ...memory },
    clock: { ...facts.clock, ...clock },
    apt: { ...facts.apt, ...apt },
    disk: { ...facts.disk, ...disk },
    kafka: facts.kafka && { ...facts.kafka, ...kafka },
  };
}

const told = (facts: HostFacts, want: Wanted = wanted): string[] =>
  judgeHost(facts, want).map(({ severity, check, found }) => `${severity} ${check}: ${found}`);

/** The one finding there is. */
function only(facts: HostFacts, want: Wanted = wanted): Finding {
  const findings = judgeHost(facts, want);
  expect(findings).toHaveLength(1);
  expect(findings[0]?.remedy).toMatch(/[.']$/);
  expect(findings[0]?.found).not.toMatch(/\.$/);
  return findings[0]!;
}

test("a freshly flashed Pi 4 is fit; its kernel's default is told", () => {
  expect(told(pi4())).toEqual([]);
  expect(told(factsOf("written-pi4-bookworm.txt"))).toEqual([
    expect.stringMatching(/^warning memory-cgroup: its kernel does not limit memory by unit/),
  ]);
});

test("a Pi 5 with pages of 16 KiB is fit where a Pi 5 is declared, and told where a Pi 4 is", () => {
  const facts = factsOf("written-pi5-trixie.txt");
  expect(told(facts, { ...wanted, board: "pi-5-8gb" })).toEqual([]);
  expect(told(facts)).toEqual([
    "warning board: it is a Raspberry Pi 5 Model B Rev 1.0, declared is pi-4b-8gb",
  ]);
});

test("everything about a Pi that is unfit is told at once, errors first", () => {
  // It answers 13 days late.
  expect(told(factsOf("written-pi4-32bit.txt", 13 * 86_400_000))).toEqual([
    "error architecture: its programs are of 32 bits (armhf, under a kernel of 64, aarch64)",
    "error memory: it has 1847 MiB of memory; a heap of 1024 MiB needs 1920",
    expect.stringMatching(
      /^error clock: its clock is 13 days behind this machine's \(systemd-timesyncd runs, and has heard from no server yet\)/,
    ),
    "error disk-space: / has 1196 MiB free, the lab's packages and Kafka's data need 1280 MiB",
    expect.stringMatching(/^warning apt: .* raspbian\.raspberrypi\.com:80, .*does not answer/),
    expect.stringMatching(/^warning memory-cgroup/),
    expect.stringMatching(/^warning disk-speed: .* 1\.0 MiB\/s can be written/),
    expect.stringMatching(/^warning disk-speed: .* a small write takes 205 ms/),
  ]);
});

test("somebody else's Kafka is told by its ports, process, unit, files and data", () => {
  expect(told(factsOf("written-ubuntu-foreign-kafka.txt"))).toEqual([
    "error ports: port 9092 is taken by java 712 (kafka.service)",
    "error ports: port 9093 is taken by java 712 (kafka.service)",
    "error foreign-kafka: a Kafka runs there that this lab did not start: process 712 (kafka.service)",
    "error foreign-kafka: there is a kafka.service that this lab did not write, /etc/systemd/system/kafka.service",
    "error foreign-kafka: /opt/kafka holds bin, config, libs, which this lab did not put there",
    "error foreign-kafka: /etc/kafka/server.properties is there, and this lab did not write it",
    "error foreign-data: /var/lib/kafka/data is not used: it is formatted with another identity: clusterId MkU3OEVBNTcwNTJENDM2Qg, where this stack wants BBBBBBBBBBBBBBBBBBBBBB",
    expect.stringMatching(/^warning time-service: its time is kept by ntp/),
  ]);
});

const running = {
  mainPid: 712,
  unitHeading: "# Written by pi-lab.",
  unitPath: "/etc/systemd/system/kafka.service",
  rootEntries: ["current", "kafka-4.1.1"],
  hasManifest: true,
  hasProperties: true,
  processes: [{ pid: 712, name: undefined, place: "/system.slice/kafka.service" }],
  listeners: [9092, 9093].map((port) => ({
    address: "[::ffff:10.0.42.1]",
    port,
    process: { pid: 712, name: "java", place: "/system.slice/kafka.service" },
  })),
  meta: `cluster.id=${OURS}\nnode.id=1\ndirectory.id=d\n`,
};

describe("a virtual Pi", () => {
  const at = { ...wanted, address: "10.149.110.1" };

  test("is fit when it is blank", () => {
    expect(told(factsOf("recorded-virtual-pi-blank.txt"), at)).toEqual([]);
  });

  test("is fit with the lab's own broker, though it does not tell who listens", () => {
    const facts = factsOf("recorded-virtual-pi-broker.txt");
    expect(facts.kafka?.listeners?.map(({ port, process }) => [port, process])).toEqual([
      [9093, undefined],
      [9092, undefined],
    ]);
    const of = (clusterId: string) => ({ ...at, kafka: { ...broker, clusterId } });
    expect(told(facts, of("O9XyDAj76zK4yUXA2zeSGQ"))).toEqual([]);
    expect(told(facts, of(OURS))).toEqual([expect.stringMatching(/^error foreign-data/)]);
  });
});

describe("the lab's own broker", () => {
  test("is nothing to speak of, nor is one that is just being restarted", () => {
    expect(told(pi4({ kafka: running }))).toEqual([]);
    expect(told(pi4({ kafka: { ...running, mainPid: 900 } }))).toEqual([]);
  });

  test("is not one of that name in a container", () => {
    const place = "/docker/0123/system.slice/kafka.service";
    const { found, remedy } = only(
      pi4({ kafka: { ...running, processes: [{ pid: 900, name: undefined, place }] } }),
    );
    expect(found).toMatch(/a Kafka runs there that this lab did not start: process 900/);
    expect(remedy).toMatch(/sudo kill 900/);
  });

  test("needs no room for what is installed already", () => {
    const full = { root: { freeMib: 100, sizeMib: 1, type: "ext4", mountPoint: "/" } };
    const data = { freeMib: 9000, sizeMib: 9000, type: "ext4", mountPoint: "/var/lib/kafka" };
    expect(told(pi4({ kafka: running, disk: { ...full, data } }))).toEqual([]);
    expect(only(pi4({ disk: { ...full, data } })).found).toMatch(/^\/ has 100 MiB free/);
  });

  test("with another node's disk is told as mixed up", () => {
    const { check, found } = only(
      pi4({ kafka: { ...running, meta: `cluster.id=${OURS}\nnode.id=3\ndirectory.id=d\n` } }),
    );
    expect(check).toBe("foreign-data");
    expect(found).toMatch(/another identity: nodeId 3, where this stack wants 1$/);
  });

  test("of a stack that has lost its state tells how it is taken over", () => {
    const meta =
      "cluster.id=MkU3OEVBNTcwNTJENDM2Qg\nnode.id=1\ndirectory.id=3fJsZm8tQkqmRZNK0nQ6Ug\n";
    expect(only(pi4({ kafka: { ...running, meta } })).remedy).toMatch(
      /lost its state.*takes a running/,
    );
  });

  test("is another cluster's to a lab that has none yet", () => {
    const none = { ...wanted, kafka: { ...broker, clusterId: undefined } };
    expect(only(pi4({ kafka: running }), none).check).toBe("foreign-data");
  });
});

describe("ports", () => {
  const listener = (address: string, port = 9092): Changes => ({
    kafka: {
      listeners: [
        {
          address,
          port,
          process: { pid: 5, name: "nc", place: "/user.slice/user-1000.slice/session-3.scope" },
        },
      ],
    },
  });

  test.each(["0.0.0.0", "*", "[::]", "10.0.42.1", "[::ffff:10.0.42.1]"])(
    "%s is in the way",
    (address) => {
      const { found, remedy } = only(pi4(listener(address)));
      expect(found).toBe("port 9092 is taken by nc 5 (session-3.scope)");
      expect(remedy).toMatch(/kill 5.*cluster\.clientPort/);
    },
  );

  test.each(["127.0.0.1", "[::1]", "10.0.43.1", "127.0.0.53%lo"])("%s is not", (address) => {
    expect(told(pi4(listener(address)))).toEqual([]);
  });

  test("a process that listens by IPv4 and IPv6 is told once; one without a name as such", () => {
    const process = { pid: 5, name: "nc", place: undefined };
    const listeners = [
      { address: "0.0.0.0", port: 9093, process },
      { address: "[::]", port: 9093, process },
    ];
    expect(only(pi4({ kafka: { listeners } })).remedy).toMatch(/cluster\.controllerPort/);
    const nobody = [{ address: "*", port: 9092, process: undefined }];
    expect(only(pi4({ kafka: { listeners: nobody } })).found).toBe(
      "port 9092 is taken by an unknown process",
    );
  });
});

describe("systems", () => {
  const system = (id: string, version: string): string[] =>
    told(pi4({ system: { id, version, name: `${id} ${version}` } }));

  test.each([
    ["debian", "12"],
    ["debian", "13"],
    ["ubuntu", "22.04"],
    ["ubuntu", "24.04"],
  ])("%s %s is taken", (id, version) => expect(system(id, version)).toEqual([]));

  test.each([
    ["debian", "11"],
    ["ubuntu", "20.04"],
    ["ubuntu", "24.10"],
    ["linuxmint", "22"],
    ["constructor", "1"],
  ])("%s %s is told and let through", (id, version) => {
    expect(system(id, version)).toEqual([
      `warning system: its system, ${id} ${version}, is none that this lab was tried on`,
    ]);
  });

  test("without apt or systemd it is refused", () => {
    expect(only(pi4({ apt: { isThere: false } }))).toMatchObject({
      severity: "error",
      check: "apt",
    });
    expect(only(pi4({ system: { hasSystemd: false } })).severity).toBe("error");
  });

  test("amd64 is a virtual Pi's, and told of a real one", () => {
    const amd64 = { userland: "amd64", kernel: "x86_64", board: undefined };
    expect(told(pi4({ system: { ...amd64, isContainer: true } }))).toEqual([]);
    expect(only(pi4({ system: amd64 }))).toMatchObject({
      severity: "warning",
      check: "architecture",
    });
  });

  test("pages of 64 KiB are told", () => {
    expect(only(pi4({ system: { pageBytes: 65_536 } })).check).toBe("page-size");
  });
});

describe("memory", () => {
  test("less than declared is told while the heap fits, and refused when it does not", () => {
    expect(only(pi4({ memory: { mib: 3794 } }))).toMatchObject({
      severity: "warning",
      found: "it has 3794 MiB of memory, a pi-4b-8gb has 8192",
    });
    expect(only(pi4({ memory: { mib: 1892 } }))).toMatchObject({
      severity: "error",
      found: "it has 1892 MiB of memory; a heap of 1024 MiB needs 1920",
      remedy: expect.stringMatching(/`heapMib` to at most 578/) as string,
    });
  });

  test("a container's board is its limit; only the heap counts", () => {
    const container = { isContainer: true };
    expect(told(pi4({ system: container, memory: { mib: 3794, hasController: false } }))).toEqual(
      [],
    );
    expect(only(pi4({ system: container, memory: { mib: 1000 } })).severity).toBe("error");
  });
});

describe("clocks", () => {
  test.each([
    [-20, 20, []],
    [-86_400_000, 86_400_000, []],
    [4_000, 4_100, []],
    [
      7_000,
      7_200,
      [
        "warning clock: its clock is 7 s ahead of this machine's (systemd-timesyncd runs, and has heard from its server)",
      ],
    ],
    [
      -400_000,
      -300_000,
      [
        "warning clock: its clock is 5 min behind this machine's (systemd-timesyncd runs, and has heard from its server)",
      ],
    ],
    [
      3_600_000,
      3_600_100,
      [
        "error clock: its clock is 60 min ahead of this machine's (systemd-timesyncd runs, and has heard from its server)",
      ],
    ],
  ])("between %d and %d ms apart", (leastMs, mostMs, expected) => {
    expect(told(pi4({ clock: { leastMs, mostMs } }))).toEqual(expected);
  });
});

describe("disks", () => {
  const data = (changes: object): Changes => ({
    disk: {
      data: {
        freeMib: 9000,
        sizeMib: 9000,
        type: "ext4",
        mountPoint: "/var/lib/kafka",
        ...changes,
      },
    },
  });

  test.each([
    [511, "error"],
    [512, "warning"],
    [4095, "warning"],
  ])("%d MiB for the data: %s", (freeMib, severity) => {
    expect(only(pi4(data({ freeMib })))).toMatchObject({ check: "disk-space", severity });
  });

  test("4 GiB are enough", () => expect(told(pi4(data({ freeMib: 4096 })))).toEqual([]));

  test("data that a power cut empties is refused, but not in a container", () => {
    expect(only(pi4(data({ type: "overlay" })))).toMatchObject({
      check: "file-system",
      severity: "error",
    });
    expect(only(pi4(data({ type: "vfat" })))).toMatchObject({
      check: "file-system",
      severity: "warning",
    });
    expect(told(pi4({ ...data({ type: "overlay" }), system: { isContainer: true } }))).toEqual([]);
  });

  test("a read-only disk is refused", () => {
    expect(only(pi4({ disk: { readOnly: ["/"] } })).severity).toBe("error");
  });

  test("speed is judged only where it was measured", () => {
    expect(told(pi4({ disk: { streamMibPerSecond: undefined, syncMs: undefined } }))).toEqual([]);
    expect(only(pi4({ disk: { syncMs: 101 } })).value).toBe("101 ms");
  });
});

describe("programs beside Kafka, or without it", () => {
  test("need room for Node.js", () => {
    const root = { freeMib: 200, sizeMib: 1, type: "ext4", mountPoint: "/" };
    const facts = pi4({ disk: { root, data: undefined } });
    const client: Wanted = { role: "client", board: "pi-4b-8gb", address: "10.0.42.4" };
    expect(told(facts, client)).toEqual([]);
    expect(only(facts, { ...client, programs: 1 }).found).toMatch(/need 256 MiB/);
  });

  test("leave less memory for the heap", () => {
    const facts = pi4({ memory: { mib: 2000 } });
    const least = (programs: number) =>
      told(facts, { ...wanted, programs }).filter((line) => line.startsWith("error memory"));
    expect(least(0)).toEqual([]);
    expect(least(1)).toEqual([
      "error memory: it has 2000 MiB of memory; a heap of 1024 MiB beside 1 of the lab's programs needs 2048",
    ]);
  });
});

describe("another role", () => {
  const client: Wanted = { role: "client", board: "pi-4b-8gb", address: "10.0.42.4" };

  test("has no use for ports, data and much memory", () => {
    const facts = pi4({ memory: { mib: 7000 }, kafka: { ...running, unitHeading: "[Unit]" } });
    expect(told(facts, client)).toEqual([]);
    expect(told({ ...facts, kafka: undefined }, client)).toEqual([]);
  });

  test("needs room for its packages alone", () => {
    const root = { freeMib: 63, sizeMib: 1, type: "ext4", mountPoint: "/" };
    expect(only(pi4({ disk: { root, data: undefined } }), client).found).toMatch(/need 64 MiB/);
  });
});

test("packages that come through this machine: it is this machine, or its cache, that must have them", () => {
  const apt = { origins: ["http://deb.example.org"] };
  const answers = { address: "deb.example.org", answers: true };
  expect(told(pi4({ apt: { ...apt, mirror: answers } }))).toEqual([]);
  const silent = only(pi4({ apt: { ...apt, mirror: { ...answers, answers: false } } }));
  expect(silent).toMatchObject({ check: "apt", severity: "warning" });
  expect(silent.found).toMatch(/through this machine, which deb\.example\.org does not answer/);
  expect(silent.remedy).toMatch(/npm run packages/);
  const secure = only(pi4({ apt: { origins: ["http://a.example", "https://b.example"] } }));
  expect(secure).toMatchObject({ severity: "error", value: "https://b.example" });
});
