import { spawnSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { HostWants } from "../../../../model";
import { lookAt, parseSeen, renderProbe } from "../../../../provider/host-state/probe";
import type { HostShell } from "../../../../provider/ssh/port";

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "pi-lab-probe-")));
  mkdirSync(join(root, "bin"));
  stub("systemd-detect-virt", "exit 1");
  stub("systemctl", "exit 0");
  stub("dpkg-query", "exit 1");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A program of the host, in the place of the real one. */
function stub(name: string, body: string): void {
  writeFileSync(join(root, "bin", name), `#!/bin/bash\n${body}\n`);
  chmodSync(join(root, "bin", name), 0o755);
}

const shell: HostShell = {
  close: () => undefined,
  forwardIn: () => Promise.reject(new Error("nothing is forwarded here")),
  run: (command, { stdin = "" } = {}) => {
    const { stdout, stderr, status } = spawnSync("bash", ["-c", command], {
      input: stdin,
      encoding: "utf8",
      env: { ...process.env, PATH: `${root}/bin:${process.env["PATH"]}` },
    });
    return Promise.resolve({ stdout, stderr, code: status ?? 1 });
  },
};

const files = (...names: string[]): HostWants => ({
  prepare: {
    files: Object.fromEntries(
      names.map((name) => [join(root, name), { sha256: "", mode: "", owner: "" }]),
    ),
  },
});

test("files are told with hash, mode and owner; what is none of them is told as it is", async () => {
  writeFileSync(join(root, "plain"), "text\n", { mode: 0o640 });
  writeFileSync(join(root, "empty file"), "");
  chmodSync(join(root, "empty file"), 0o4755);
  symlinkSync("kafka-4.1.1", join(root, "link"));
  mkdirSync(join(root, "folder"));
  // Nobody writes into it: one who reads it waits for ever.
  spawnSync("mkfifo", [join(root, "pipe")]);
  const names = ["plain", "empty file", "link", "folder", "pipe", "absent"];
  const { files: seen } = await lookAt(shell, "broker-1", files(...names));
  const owner = spawnSync("stat", ["-c", "%U:%G", join(root, "plain")], {
    encoding: "utf8",
  }).stdout.trim();
  const sum = (text: string): string =>
    spawnSync("sha256sum", { input: text, encoding: "utf8" }).stdout.slice(0, 64);
  expect(
    Object.fromEntries([...seen].map(([path, file]) => [path.slice(root.length + 1), file])),
  ).toEqual({
    plain: { kind: "file", sha256: sum("text\n"), mode: "0640", owner },
    "empty file": { kind: "file", sha256: sum(""), mode: "4755", owner },
    link: { kind: "link", target: "kafka-4.1.1" },
    folder: { kind: "other" },
    pipe: { kind: "other" },
  });
});

test("units are told with drop-ins that systemd has read, packages with their state", async () => {
  stub("systemd-detect-virt", "exit 0");
  stub(
    "systemctl",
    'echo "$*" >>"${0%/*}/calls"; printf "UnitFileState=disabled\\nActiveState=failed\\nNeedDaemonReload=yes\\nDropInPaths=/etc/a.conf /run/b.conf\\n"',
  );
  stub("dpkg-query", "[[ ${!#} == chrony ]] && printf installed || printf config-files");
  const seen = await lookAt(shell, "broker-1", {
    prepare: { packages: { chrony: "installed", mosquitto: "installed" } },
    stage: { units: { "kafka.service": { unitFileState: "enabled" } } },
  });
  expect(seen).toMatchObject({ container: true, packages: new Set(["chrony"]) });
  expect([...seen.units]).toEqual([
    [
      "kafka.service",
      {
        unitFileState: "disabled",
        activeState: "failed",
        needDaemonReload: "yes",
        dropIns: ["/etc/a.conf", "/run/b.conf"],
      },
    ],
  ]);
  expect(readFileSync(join(root, "bin/calls"), "utf8")).toBe(
    "show kafka.service -p UnitFileState,ActiveState,NeedDaemonReload,DropInPaths\n",
  );
});

test("paths are wanted for their presence, through links too; meta.properties is told whole", async () => {
  writeFileSync(join(root, "meta.properties"), "#\nnode.id=1\ncluster.id=a b\n");
  symlinkSync("nowhere", join(root, "dangling"));
  const [meta, dangling] = [join(root, "meta.properties"), join(root, "dangling")];
  const wants: HostWants = { install: { present: { [meta]: "present", [dangling]: "present" } } };
  const seen = await lookAt(shell, "broker-1", wants, meta);
  expect(seen.present).toEqual(new Set([meta]));
  expect(seen.meta).toBe("#\nnode.id=1\ncluster.id=a b\n");
  expect((await lookAt(shell, "broker-1", wants, join(root, "absent"))).meta).toBeUndefined();
});

test("what a virtual Pi printed is read, a drop-in by hand among it", () => {
  const meta = [
    "meta #",
    "meta #Wed Nov 25 04:09:45 UTC 2026",
    "meta node.id=2",
    "meta directory.id=h2WsANrxwqIB9TWX3NLltQ",
    "meta version=1",
    "meta cluster.id=70iXl3ESmnPdeUrTf4q2bw",
  ];
  const printed = [
    "container",
    "link /etc/localtime /usr/share/zoneinfo/Etc/UTC",
    "link /opt/kafka/current kafka-4.1.1",
    "stat 755 root:root /usr/local/lib/pi-lab/stage",
    "stat 644 root:kafka /etc/kafka/server.properties",
    "sum 43ab8abe892ce5c0b30f3bc5c319ced551a7f62b3886ba04089674b08f4bba02  /usr/local/lib/pi-lab/stage",
    "sum 0f15fa4929395de407b1afab1d20da91da0f2fdba7bb662357f8497986eb7796  /etc/kafka/server.properties",
    "present /usr/bin/java",
    "package chrony",
    "unit chrony.service",
    "ActiveState=active",
    "DropInPaths=/etc/systemd/system/chrony.service.d/pi-lab.conf",
    "UnitFileState=enabled",
    "NeedDaemonReload=no",
    "DropIn=/etc/systemd/system/chrony.service.d/pi-lab.conf",
    "unit kafka.service",
    "ActiveState=active",
    "DropInPaths=/etc/systemd/system/kafka.service.d/override.conf",
    "UnitFileState=enabled",
    "NeedDaemonReload=no",
    "DropIn=/etc/systemd/system/kafka.service.d/override.conf",
    ...meta,
    "end",
    "",
  ].join("\n");
  const file = (sha256: string, mode: string, owner: string) =>
    ({ kind: "file", sha256, mode, owner }) as const;
  const link = (target: string) => ({ kind: "link", target }) as const;
  const running = { unitFileState: "enabled", activeState: "active", needDaemonReload: "no" };
  expect(parseSeen("broker-2", printed)).toEqual({
    container: true,
    files: new Map<string, unknown>([
      ["/etc/localtime", link("/usr/share/zoneinfo/Etc/UTC")],
      ["/opt/kafka/current", link("kafka-4.1.1")],
      [
        "/usr/local/lib/pi-lab/stage",
        file(
          "43ab8abe892ce5c0b30f3bc5c319ced551a7f62b3886ba04089674b08f4bba02",
          "0755",
          "root:root",
        ),
      ],
      [
        "/etc/kafka/server.properties",
        file(
          "0f15fa4929395de407b1afab1d20da91da0f2fdba7bb662357f8497986eb7796",
          "0644",
          "root:kafka",
        ),
      ],
    ]),
    present: new Set(["/usr/bin/java"]),
    packages: new Set(["chrony"]),
    units: new Map([
      [
        "chrony.service",
        { ...running, dropIns: ["/etc/systemd/system/chrony.service.d/pi-lab.conf"] },
      ],
      [
        "kafka.service",
        { ...running, dropIns: ["/etc/systemd/system/kafka.service.d/override.conf"] },
      ],
    ]),
    meta: meta.map((line) => `${line.slice(5)}\n`).join(""),
  });
});

test("a name reaches the shell as one quoted word", async () => {
  const name = "it's $(touch pwned) `id`";
  writeFileSync(join(root, name), "x");
  const { files: seen } = await lookAt(shell, "broker-1", files(name));
  expect([...seen.keys()]).toEqual([join(root, name)]);
});

test("a host that is asked for nothing answers, and the script is one that bash can read", async () => {
  expect(spawnSync("bash", ["-n"], { input: renderProbe({}), encoding: "utf8" }).stderr).toBe("");
  await expect(lookAt(shell, "broker-1", {})).resolves.toMatchObject({ container: false });
});

test("an answer that breaks off, or a script that fails, names the host", async () => {
  expect(() => parseSeen("broker-1", "container\nstat 644 ro")).toThrow(
    'broker-1: the answer about its files and units broke off: "container\\nstat 644 ro"',
  );
  const failing: HostShell = {
    ...shell,
    run: () => Promise.resolve({ stdout: "", stderr: "sudo: a password is required\n", code: 1 }),
  };
  await expect(lookAt(failing, "broker-1", {})).rejects.toThrow(
    "broker-1: looking at its files and units failed with status 1: sudo: a password is required",
  );
});
