import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NODE_VERSION } from "../../../../model";
import type { HostService, ProgramSums } from "../../../../render";
import {
  hostWants,
  pushedPaths,
  renderPrepareScript,
  renderQuietScript,
  renderServicesScript,
} from "../../../../render";
import { programService } from "../../../../render/services";
import { expectGolden } from "../../../support/golden";
import { labFixture } from "../../../support/lab-fixture";

const lab = labFixture();
const host = lab.hosts[3]!;
const owner = execFileSync("sh", ["-c", 'echo "$(id -un):$(id -gn)"'], { encoding: "utf8" }).trim();
const sha256 = (text: string | Buffer): string => createHash("sha256").update(text).digest("hex");

const telemetry = (everySeconds = 1): HostService =>
  programService({
    ...{ lab, host, program: "telemetry", description: "Telemetry" },
    config: {
      mqtt: { address: "10.0.42.1", port: 1883, username: "client-1", password: "pw" },
      topic: "hosts/client-1/telemetry",
      everySeconds,
    },
  } as const);
const packaged: HostService = {
  unit: "broker",
  entries: [
    {
      ...{ kind: "file", path: "/etc/systemd/system/broker.service.d/pi-lab.conf" },
      ...{ mode: "0644", owner: "root:root", content: "[Service]\nNice=5\n" },
    },
  ],
  packages: ["broker-package"],
  program: undefined,
  user: undefined,
};
const sums: ProgramSums = { node: "ab".repeat(32), programs: { telemetry: "cd".repeat(32) } };
const variables = (script: string): string => script.slice(0, script.indexOf("#"));

describe("the script", () => {
  const script = renderServicesScript(host, [packaged, telemetry()], sums);

  test("has the variables that are approved", () => {
    expectGolden("unit/render/golden/services.txt", variables(script));
  });

  test("is one that bash can read, and does nothing when it arrives cut off", () => {
    expect(spawnSync("bash", ["-n"], { input: script, encoding: "utf8" }).stderr).toBe("");
    const lines = script.trimEnd().split("\n");
    expect(lines.at(-1)).toBe("main </dev/null");
    const body = lines.slice(0, -1).join("\n");
    const { status, stdout } = spawnSync("bash", ["-s"], { input: body, encoding: "utf8" });
    expect([status, stdout]).toEqual([0, ""]);
  });

  test("knows a unit's process by its own files and program, and by no other's", () => {
    const prints = (services: HostService[], of = sums): string[] =>
      /^unit_print=\((.*)\)$/m.exec(renderServicesScript(host, services, of))?.[1]?.split(" ") ??
      [];
    const [first, second] = prints([packaged, telemetry()]);
    const edited = prints([packaged, telemetry(2)]);
    expect(edited[0]).toBe(first);
    expect(edited[1]).not.toBe(second);
    const other = { ...sums, programs: { telemetry: "ef".repeat(32) } };
    expect(prints([packaged, telemetry()], other)).toEqual([
      first,
      expect.not.stringMatching(second!),
    ]);
  });

  test("needs the sum of every program", () => {
    expect(() => renderServicesScript(host, [telemetry()], { node: "", programs: {} })).toThrow(
      "bug: the program telemetry is not among those pushed",
    );
  });

  test("goes without Node.js where a package brings all", () => {
    expect(renderServicesScript(host, [packaged], sums)).toContain("node_version=''\n");
  });
});

describe("what is looked at again", () => {
  const services = { all: [packaged, telemetry()], sums };
  const wants = hostWants(lab, host, { services });

  test("is every file of the services, Node.js, the program, and that they run", () => {
    expect(wants.node).toEqual({
      present: { [`/opt/node/node-${NODE_VERSION}/bin/node`]: "present" },
    });
    expect(wants.programs?.files).toEqual({
      "/opt/pi-lab/programs/telemetry.js": {
        ...{ sha256: sums.programs.telemetry, mode: "0644", owner: "root:root" },
      },
    });
    const entries = services.all.flatMap((service) => service.entries);
    expect(wants.services?.files).toEqual(
      Object.fromEntries(
        entries.map((entry) => {
          if (entry.kind !== "file") throw new Error("a link");
          const { path, mode, owner: by, content } = entry;
          return [path, { sha256: sha256(content), mode, owner: by }];
        }),
      ),
    );
    const unit = { unitFileState: "enabled", activeState: "active", needDaemonReload: "no" };
    expect(wants.services?.units).toEqual({
      "broker.service": { ...unit, package: "broker-package" },
      "pi-lab-telemetry.service": unit,
    });
  });

  test("is nothing where there is no service", () => {
    expect(hostWants(lab, host, { services: { all: [], sums } })).toEqual(hostWants(lab, host));
  });
});

/** The script itself, its paths moved below a folder, with a stand-in for systemd. */
describe("on a host", () => {
  let root: string;
  const at = (path: string): string => join(root, path);
  const units = (): string => at("units");
  const program = "console.log('telemetry');\n";
  const node = "#!/bin/sh\necho v" + NODE_VERSION + "\n";
  let archive: Buffer;

  beforeAll(() => {
    const folder = mkdtempSync(join(tmpdir(), "pi-lab-node-"));
    mkdirSync(join(folder, "package/bin"), { recursive: true });
    writeFileSync(join(folder, "package/bin/node"), node, { mode: 0o755 });
    writeFileSync(join(folder, "package/LICENSE"), "MIT\n");
    execFileSync("tar", ["-czf", join(folder, "n.tgz"), "-C", folder, "package"]);
    archive = readFileSync(join(folder, "n.tgz"));
    rmSync(folder, { recursive: true });
  });

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "pi-lab-services-"));
    for (const folder of ["units", "bin", "run/lock", "etc", "opt", "var/tmp", "var/lib"]) {
      mkdirSync(at(folder), { recursive: true });
    }
    copyFileSync(
      join(__dirname, "../../../support/hosts/services-systemctl.sh"),
      at("bin/systemctl"),
    );
    for (const [name, text] of [
      ["journalctl", 'echo "the last words of $2"'],
      ["systemd-analyze", '! grep -rl Nonsense "${SYSTEMD_UNIT_PATH%:}"'],
      ["systemd-detect-virt", "true"],
    ] as const) {
      writeFileSync(at(`bin/${name}`), `#!/bin/bash\n${text}\n`);
    }
    for (const name of ["systemctl", "journalctl", "systemd-analyze", "systemd-detect-virt"]) {
      chmodSync(at(`bin/${name}`), 0o755);
    }
    copy();
  });
  afterEach(() => rmSync(root, { recursive: true }));

  /** What the copies of the files leave. */
  function copy(text = program): void {
    writeFileSync(at(pushedPaths.node), archive);
    writeFileSync(at(pushedPaths.program("telemetry")), text);
  }

  const ours = (service: HostService): HostService => ({
    ...service,
    user: undefined,
    entries: service.entries.map((entry) => (entry.kind === "file" ? { ...entry, owner } : entry)),
  });

  function push(services: readonly HostService[], text = program) {
    const of = { node: sha256(archive), programs: { telemetry: sha256(text) } };
    return run(renderServicesScript(host, services.map(ours), of));
  }

  function run(script: string) {
    const moved = script
      .replaceAll(/(?<=[ =>"'$({#]|^)\/(etc|opt|var|run)\//gm, `${root}/$1/`)
      .replace("PATH=/usr/local/sbin", `PATH=${at("bin")}:/usr/local/sbin`)
      // The owner of programs is this test's user.
      .replaceAll("root:root", owner)
      .replace("start_settle=3", "start_settle=1");
    const { status, stdout, stderr } = spawnSync("bash", ["-s"], {
      input: moved,
      encoding: "utf8",
      env: { ...process.env, FAKE_UNITS: units() },
    });
    return { status, stdout, stderr };
  }

  /** The calls that start or stop something, since the last look. */
  function calls(): string[] {
    const file = join(units(), "calls");
    const text = existsSync(file) ? readFileSync(file, "utf8") : "";
    rmSync(file, { force: true });
    return text
      .split("\n")
      .filter((line) => /^(--quiet )?(restart|disable|stop|enable) /.test(line));
  }
  const will = (unit: string, how: string) => writeFileSync(join(units(), `${unit}.will`), how);

  test("brings Node.js, program and files, and starts each unit", () => {
    expect(push([packaged, telemetry()])).toMatchObject({
      status: 0,
      stdout: "services: broker pi-lab-telemetry\n",
    });
    expect(readFileSync(at(`/opt/node/node-${NODE_VERSION}/bin/node`), "utf8")).toBe(node);
    expect(readFileSync(at("/opt/pi-lab/programs/telemetry.js"), "utf8")).toBe(program);
    expect(existsSync(at("/etc/pi-lab/telemetry.json"))).toBe(true);
    expect(existsSync(at(pushedPaths.node))).toBe(false);
    expect(existsSync(at(pushedPaths.program("telemetry")))).toBe(false);
    expect(calls()).toEqual([
      "--quiet enable broker.service",
      "restart broker.service",
      "--quiet enable pi-lab-telemetry.service",
      "restart pi-lab-telemetry.service",
    ]);
  });

  test("does nothing again while nothing has changed, and needs no copies for that", () => {
    push([packaged, telemetry()]);
    calls();
    expect(push([packaged, telemetry()]).status).toBe(0);
    expect(calls()).toEqual([]);
  });

  test("restarts a unit alone whose configuration or program changed, was edited, or which was stopped", () => {
    push([packaged, telemetry()]);
    const restarted = (): string[] => calls().filter((call) => call.startsWith("restart"));
    restarted();
    push([packaged, telemetry(2)]);
    expect(restarted()).toEqual(["restart pi-lab-telemetry.service"]);
    copy("new\n");
    push([packaged, telemetry(2)], "new\n");
    expect(restarted()).toEqual(["restart pi-lab-telemetry.service"]);
    writeFileSync(at("/etc/systemd/system/broker.service.d/pi-lab.conf"), "by hand\n");
    push([packaged, telemetry(2)], "new\n");
    expect(restarted()).toEqual(["restart broker.service"]);
    rmSync(join(units(), "broker.is"));
    push([packaged, telemetry(2)], "new\n");
    expect(restarted()).toEqual(["restart broker.service"]);
  });

  test("stops and removes what it does not bring any more, and what was there with it", () => {
    push([packaged, telemetry()]);
    calls();
    expect(push([packaged]).stderr).toContain(
      "stopping pi-lab-telemetry, which is no longer wanted",
    );
    expect(calls()).toEqual(["--quiet disable --now pi-lab-telemetry.service"]);
    for (const path of [
      "/etc/pi-lab",
      "/opt/pi-lab/programs/telemetry.js",
      "/opt/node/node-" + NODE_VERSION,
    ]) {
      expect([path, existsSync(at(path))]).toEqual([path, false]);
    }
    expect(existsSync(at("/etc/systemd/system/pi-lab-telemetry.service"))).toBe(false);
    expect(existsSync(at("/etc/systemd/system/broker.service.d/pi-lab.conf"))).toBe(true);
  });

  test("the preparation removes the last one, from a host that is to have none", () => {
    push([telemetry()]);
    calls();
    const script = renderPrepareScript(lab, host);
    expect(variables(script)).toContain("pi_services=''\n");
    const body = script.trimEnd().split("\n").slice(0, -1).join("\n");
    expect(run(`${body}\nstep services\nremove_all_services\n`).status).toBe(0);
    expect(calls()).toEqual(["--quiet disable --now pi-lab-telemetry.service"]);
    expect(existsSync(at("/etc/systemd/system/pi-lab-telemetry.service"))).toBe(false);
    expect(existsSync(at("/var/lib/pi-lab/services/manifest"))).toBe(false);
  });

  test("on a machine that its host has left all units are stopped, and the next push starts them again", () => {
    push([packaged, telemetry()]);
    calls();
    const files = ["/etc/pi-lab/telemetry.json", "/var/lib/pi-lab/services/manifest"];
    const before = files.map((path) => readFileSync(at(path), "utf8"));
    expect(run(renderQuietScript())).toMatchObject({
      ...{ status: 0, stdout: "pi-lab-telemetry broker\n" },
    });
    expect(calls()).toEqual([
      "--quiet disable --now pi-lab-telemetry.service",
      "--quiet disable --now broker.service",
    ]);
    expect(readdirSync(units()).filter((name) => /\.(is|enabled)$/.test(name))).toEqual([]);
    expect(files.map((path) => readFileSync(at(path), "utf8"))).toEqual(before);
    expect(run(renderQuietScript()).status).toBe(0);
    calls();

    expect(push([packaged, telemetry()]).status).toBe(0);
    expect(calls()).toEqual([
      "--quiet enable broker.service",
      "restart broker.service",
      "--quiet enable pi-lab-telemetry.service",
      "restart pi-lab-telemetry.service",
    ]);
  });

  test("a machine to which no services were brought is left as it is", () => {
    expect(run(renderQuietScript())).toMatchObject({ status: 0, stdout: "\n" });
    expect(calls()).toEqual([]);
  });

  test("a unit that does not end is told, and nothing is made of it", () => {
    push([packaged]);
    writeFileSync(
      at("bin/systemctl"),
      "#!/bin/bash\n[[ $1 != --quiet || $2 == is-active ]] || exit 1\n",
    );
    const { status, stderr } = run(renderQuietScript());
    expect(status).toBe(1);
    expect(stderr).toContain("broker does not stop. See `systemctl status broker` there");
  });

  test.each([
    ["failed 0 78", "(status 78: its configuration is at fault)"],
    ["failed 0 1", "(status 1)"],
    ["active 2 0", "(it ended, and was started again: 2)"],
  ])(
    "tells of a unit that is %s after its start, with its last lines, and starts it anew next time",
    (how, told) => {
      will("pi-lab-telemetry", how);
      const { status, stderr } = push([packaged, telemetry()]);
      expect(status).toBe(1);
      expect(stderr).toContain(
        `pi-lab-telemetry does not stay up ${told}. Mend what the lines above`,
      );
      expect(stderr).toContain("the last words of pi-lab-telemetry.service");
      calls();
      will("pi-lab-telemetry", "active 0 0");
      expect(push([packaged, telemetry()]).status).toBe(0);
      expect(calls()).toEqual(["restart pi-lab-telemetry.service"]);
    },
  );

  test("changes nothing when systemd refuses a unit, and says which", () => {
    push([packaged, telemetry()]);
    calls();
    const [unit, config] = telemetry(2).entries;
    if (unit?.kind !== "file" || config === undefined) throw new Error("it has both");
    const bad = { ...telemetry(), entries: [{ ...unit, content: "Nonsense=1\n" }, config] };
    const { status, stderr } = push([packaged, bad]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/systemd refuses .*pi-lab-telemetry\.service: .*What was there stays/);
    expect(readFileSync(at("/etc/pi-lab/telemetry.json"), "utf8")).toContain('"everySeconds": 1');
    expect(calls()).toEqual([]);
  });

  describe("a service with a large file", () => {
    const file = { pushed: "/var/tmp/large.jar", path: "/opt/large/large.jar", what: "the jar" };
    const service = { ...packaged, file };
    const pushJar = (jar: string, services: readonly HostService[] = [service, telemetry()]) =>
      run(
        renderServicesScript(host, services.map(ours), {
          ...{ node: sha256(archive), programs: { telemetry: sha256(program) } },
          files: { [file.pushed]: sha256(jar) },
        }),
      );
    const put = (jar: string) => writeFileSync(at(file.pushed), jar);
    const restarted = (): string[] => calls().filter((call) => call.startsWith("restart"));

    test("has it where it belongs, and restarts for another one alone", () => {
      put("one");
      expect(pushJar("one").status).toBe(0);
      expect(readFileSync(at(file.path), "utf8")).toBe("one");
      expect(existsSync(at(file.pushed))).toBe(false);
      restarted();
      expect(pushJar("one").status).toBe(0);
      expect(restarted()).toEqual([]);
      put("two");
      expect(pushJar("two").status).toBe(0);
      expect(restarted()).toEqual(["restart broker.service"]);
    });

    test("refuses one that is corrupt or not there, and keeps the one that it has", () => {
      put("one");
      pushJar("one");
      put("garbled");
      expect(pushJar("two").stderr).toMatch(/the jar at .* is corrupt: .*--replace/);
      rmSync(at(file.pushed));
      expect(pushJar("two").stderr).toMatch(/the jar was removed here, .*`up --refresh`/);
      expect(readFileSync(at(file.path), "utf8")).toBe("one");
    });

    test("takes it away with the service", () => {
      put("one");
      pushJar("one");
      expect(pushJar("one", [telemetry()]).status).toBe(0);
      expect(existsSync(at("/opt/large"))).toBe(false);
    });
  });

  test("refuses a program that is not what it should be, or not there", () => {
    copy("garbled\n");
    expect(push([telemetry()]).stderr).toMatch(
      /the program telemetry at .* is corrupt: .*--replace/,
    );
    rmSync(at(pushedPaths.program("telemetry")));
    expect(push([telemetry()]).stderr).toMatch(
      /the program telemetry was removed here.*up --refresh/,
    );
    expect(existsSync(at("/opt/pi-lab/programs/telemetry.js"))).toBe(false);
  });
});
