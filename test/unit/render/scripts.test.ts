import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Host, HostName } from "../../../model/types";
import {
  installedArchivePath,
  kafkaPaths,
  renderBringScript,
  renderInstallScript,
  renderPrepareScript,
} from "../../../render";
import { expectGolden } from "../../support/golden";
import { brokerFixture, labFixture, nodeFixture, separateFixture } from "../../support/lab-fixture";

const lab = labFixture();
const separate = separateFixture();
const broker = brokerFixture(lab, 1);
const client = lab.hosts.find(({ role }) => role === "client")!;
const desk: Host = {
  role: "host",
  name: "desk-1" as HostName,
  formerNames: [],
  machine: lab.machines[5]!,
  port: 7,
};

const sources = join(__dirname, "../../../render/scripts");
const install = renderInstallScript({
  version: "4.1.1",
  archivePath: installedArchivePath("4.1.1"),
  sha256: "ab".repeat(32),
});

const bring = renderBringScript(lab, broker);

/** The script's variables: what stands before the first comment. */
const variables = (script: string): string => script.slice(0, script.indexOf("#"));

/** Headers of the files that a script brings along. */
const brought = (script: string): string[] =>
  script.match(/^(file|link) \/.*$|^(common|container|board)_files/gm) ?? [];

test.each([
  ["prepare-broker", renderPrepareScript(lab, broker)],
  ["prepare-controller", renderPrepareScript(separate, nodeFixture(separate, 1))],
  ["prepare-client", renderPrepareScript(lab, client)],
  ["prepare-host", renderPrepareScript(lab, desk)],
  ["bring-broker", bring],
  ["install", install],
])("variables and files of %s are as approved", (name, script) => {
  expectGolden(
    `unit/render/golden/${name}.txt`,
    variables(script) + brought(script).join("\n") + "\n",
  );
});

test.each([
  ["prepare", renderPrepareScript(lab, broker)],
  ["bring", bring],
  ["install", install],
  ...["stage", "stamp", "kafka-tool", "lib"].map((name): [string, string] => [
    name,
    execFileSync("cat", [join(sources, `${name}.sh`)], { encoding: "utf8" }),
  ]),
])("%s is a script that bash can read", (_, script) => {
  const { status, stderr } = spawnSync("bash", ["-n"], { input: script, encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
});

test.each([
  ["prepare", renderPrepareScript(lab, broker)],
  ["bring", bring],
  ["install", install],
])("%s does nothing when it arrives cut off: all work begins with its last line", (_, script) => {
  expect(script.trimEnd().split("\n").at(-1)).toBe("main </dev/null");
  const body = script.trimEnd().split("\n").slice(0, -1).join("\n");
  const { status, stdout } = spawnSync("bash", ["-s"], { input: body, encoding: "utf8" });
  expect([status, stdout]).toEqual([0, ""]);
});

test("what a user may write reaches the shell as one quoted word", () => {
  const odd = { ...lab, timezone: "Etc/$(id)'; `id`" };
  const script = variables(renderPrepareScript(odd, broker));
  const printed = execFileSync("bash", ["-c", `${script}\nprintf %s "$pi_timezone"`], {
    encoding: "utf8",
  });
  expect(printed).toBe(odd.timezone);
});

test("the wait for a package lock is bounded, by five minutes if nothing else is said", () => {
  expect(renderPrepareScript(lab, broker)).toContain("\npi_lock_wait=300\n");
  expect(renderPrepareScript(lab, broker, { lockWaitSeconds: 5 })).toContain("\npi_lock_wait=5\n");
});

describe("packages that were brought, and that a preparation does not find", () => {
  /** What the step says on a host with those packages, where `/usr/bin/java` has that version; 0: none. */
  const refusal = (java: number, installed: readonly string[]): string => {
    const { stderr } = spawnSync("bash", ["-s"], {
      encoding: "utf8",
      input: [
        renderPrepareScript({ ...lab, packagesFrom: "controller" }, broker).replace(
          /\nmain .*$/m,
          "",
        ),
        `java_major() { echo ${java}; }`,
        `dpkg-query() { case " ${installed.join(" ")} " in *" $3 "*) echo installed ;; esac; }`,
        "step packages",
        "find_missing",
        "refuse_missing",
      ].join("\n"),
    });
    return stderr.trim();
  };
  const choose = "Choose a later one with `sudo update-alternatives --config java`";

  test("are named, with what brings them again", () => {
    expect(refusal(17, ["chrony"])).toBe("");
    expect(refusal(17, [])).toContain("broker-1: packages: chrony went missing since it was");
    expect(refusal(11, ["chrony"])).toContain(": jre went missing since it was brought here. Run");
  });

  test("are not called missing where another JRE was chosen", () => {
    expect(refusal(11, ["chrony", "openjdk-17-jre-headless"])).toContain(
      `broker-1: packages: /usr/bin/java is version 11, Kafka needs 17 or later. ${choose}`,
    );
    expect(refusal(0, ["chrony", "openjdk-21-jre-headless"])).toContain(
      `/usr/bin/java tells no version, Kafka needs 17 or later. ${choose}`,
    );
  });
});

test("scripts and program agree on where things lie", () => {
  const scripts = ["stage", "stamp", "install", "prepare", "lib", "kafka-tool"]
    .map((name) => execFileSync("cat", [join(sources, `${name}.sh`)], { encoding: "utf8" }))
    .join("\n");
  for (const path of [
    kafkaPaths.helpers,
    kafkaPaths.root,
    kafkaPaths.current,
    kafkaPaths.manifest,
    kafkaPaths.hosts,
    kafkaPaths.serverProperties,
    kafkaPaths.volume,
    kafkaPaths.data,
    kafkaPaths.logs,
    kafkaPaths.started,
    kafkaPaths.user,
  ]) {
    expect(scripts).toContain(path);
  }
  expect(scripts).toContain(`home=${kafkaPaths.version("$kafka_version")} `);
});

describe("the launcher of Kafka's tools", () => {
  let folder: string;
  let home: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pi-lab-tool-"));
    home = join(folder, "kafka");
    mkdirSync(join(home, "libs"), { recursive: true });
    mkdirSync(join(home, "bin"));
    program(join(folder, "java"), 'printf "%s\\n" "$@"');
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  function program(path: string, text: string): void {
    writeFileSync(path, `#!/bin/sh\n${text}\n`);
    chmodSync(path, 0o755);
  }

  function run(name: string, args: string[], env: Record<string, string> = {}) {
    const link = join(folder, name);
    symlinkSync(join(sources, "kafka-tool.sh"), link);
    return spawnSync("sh", [link, ...args], {
      encoding: "utf8",
      env: { PATH: `${folder}:${process.env["PATH"]}`, KAFKA_HOME: home, ...env },
    });
  }

  test("runs the class behind the name, with the arguments as they are", () => {
    const args = run("kafka-topics.sh", ["--create", "--topic", "a b"]).stdout.split("\n");
    expect(args.slice(args.indexOf("-cp"))).toEqual([
      "-cp",
      `${home}/libs/*`,
      "org.apache.kafka.tools.TopicCommand",
      "--create",
      "--topic",
      "a b",
      "",
    ]);
    expect(args).toContain(`-Djdk.net.hosts.file=${kafkaPaths.hosts}`);
  });

  test.each([
    ["4.1.1", "kafka.admin.ConfigCommand", "kafka.tools.DumpLogSegments"],
    ["4.3.0", "kafka.admin.ConfigCommand", "org.apache.kafka.tools.DumpLogSegments"],
    ["4.4.0", "org.apache.kafka.tools.ConfigCommand", "org.apache.kafka.tools.DumpLogSegments"],
  ])("follows classes that moved, in %s", (version, configs, dumpLog) => {
    const distribution = join(folder, `kafka-${version}`);
    mkdirSync(join(distribution, "libs"), { recursive: true });
    symlinkSync(`kafka-${version}`, join(folder, "current"));
    const env = { KAFKA_HOME: join(folder, "current") };
    expect(run("kafka-configs.sh", [], env).stdout.split("\n")).toContain(configs);
    expect(run("kafka-dump-log.sh", [], env).stdout.split("\n")).toContain(dumpLog);
  });

  test("leaves names to the system when the user sets KAFKA_OPTS", () => {
    expect(run("kafka-topics.sh", [], { KAFKA_OPTS: "" }).stdout).not.toContain("hosts.file");
  });

  test("prefers the distribution's own script", () => {
    program(join(home, "bin/kafka-topics.sh"), 'echo "own $*"');
    expect(run("kafka-topics.sh", ["--list"]).stdout).toBe("own --list\n");
  });

  test("says what to do where there is no distribution", () => {
    rmSync(home, { recursive: true });
    const { status, stderr } = run("kafka-topics.sh", []);
    expect(status).toBe(1);
    expect(stderr).toBe(
      `kafka-topics.sh: no Kafka distribution at ${home}. Run \`up\` to have it installed.\n`,
    );
  });

  test("lists its names, the ones that a newcomer needs among them", () => {
    const names = run("kafka-tool", ["--list"]).stdout.trim().split("\n");
    expect(names).toEqual(
      expect.arrayContaining([
        "kafka-topics.sh",
        "kafka-console-producer.sh",
        "kafka-console-consumer.sh",
        "kafka-metadata-quorum.sh",
        "kafka-storage.sh",
      ]),
    );
    expect(names).toEqual([...new Set(names)]);
  });
});

describe("distributions that nothing needs any more", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pi-lab-install-"));
    for (const version of ["4.1.1", "4.1.2", "4.2.0", "4.3.0"]) {
      mkdirSync(join(folder, `opt/kafka/kafka-${version}/libs`), { recursive: true });
    }
    symlinkSync("kafka-4.2.0", join(folder, "opt/kafka/current"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  /** What is left after the removal that precedes the unpacking of 4.3.0. */
  function left(): string[] {
    const body = install.trimEnd().split("\n").slice(0, -1).join("\n");
    const moved = body.replaceAll(/\/(opt|run)\/kafka/g, `${folder}/$1/kafka`);
    const call = `remove_old '${folder}/opt/kafka/kafka-4.3.0'`;
    execFileSync("bash", ["-s"], {
      input: `${moved}\n${call}\n`,
      stdio: ["pipe", "pipe", "ignore"],
    });
    return readdirSync(join(folder, "opt/kafka")).sort();
  }

  test("go; the new one and the staged one stay", () => {
    expect(left()).toEqual(["current", "kafka-4.2.0", "kafka-4.3.0"]);
  });

  test("what a process was started from stays", () => {
    mkdirSync(join(folder, "run/kafka/started"), { recursive: true });
    writeFileSync(join(folder, "run/kafka/started/version"), "4.1.2\n");
    expect(left()).toEqual(["current", "kafka-4.1.2", "kafka-4.2.0", "kafka-4.3.0"]);
  });

  test("what a process works in stays, whatever it was started from", async () => {
    const cwd = join(folder, "opt/kafka/kafka-4.1.1");
    const worker = spawn("sleep", ["60"], { cwd });
    try {
      await new Promise((resolve) => worker.once("spawn", resolve));
      expect(left()).toEqual(["current", "kafka-4.1.1", "kafka-4.2.0", "kafka-4.3.0"]);
    } finally {
      worker.kill();
    }
  });

  test("what a process has open stays", async () => {
    const jar = join(folder, "opt/kafka/kafka-4.1.1/libs/a.jar");
    writeFileSync(jar, "");
    const worker = spawn("tail", ["-f", jar]);
    try {
      await new Promise((resolve) => worker.once("spawn", resolve));
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(left()).toContain("kafka-4.1.1");
    } finally {
      worker.kill();
    }
  });
});
