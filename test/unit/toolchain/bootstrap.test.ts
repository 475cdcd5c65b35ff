import { spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { checkout, cleanUp, eventually, temporaryFolder, writeScript } from "./support";

afterEach(cleanUp);

let folder: string;
let tools: string;
const children: ChildProcess[] = [];
const file = (name: string) => path.join(folder, name);
const put = (name: string, text: string) => {
  fs.mkdirSync(path.dirname(file(name)), { recursive: true });
  fs.writeFileSync(file(name), text);
};

const lockFile = (version: string) =>
  JSON.stringify({
    packages: {
      "": { name: "lab" },
      "node_modules/tsx": { version, integrity: `sha512-${version}` },
      "node_modules/for-another-system": { version: "1.0.0", integrity: "x", optional: true },
    },
  });

/** What npm leaves: the loader that the program is started with, and npm's own lock file. */
const installed = (version: string) => `mkdir -p node_modules/tsx/dist
echo "" > node_modules/tsx/dist/loader.mjs
cat > node_modules/.package-lock.json <<'END'
{"packages":{"node_modules/tsx":{"version":"${version}","integrity":"sha512-${version}"}}}
END`;

/** An npm that notes its calls and then does this in the checkout. */
const fakeNpm = (script: string) =>
  writeScript(path.join(tools, "npm"), `echo "$@" >> ${file("npm-calls")}\n${script}`);
const npmCalls = () =>
  fs.existsSync(file("npm-calls"))
    ? fs.readFileSync(file("npm-calls"), "utf8").trim().split("\n")
    : [];

beforeEach(() => {
  folder = temporaryFolder();
  tools = temporaryFolder();
  fs.mkdirSync(file("toolchain"));
  fs.copyFileSync(path.join(checkout, "toolchain/bootstrap.mjs"), file("toolchain/bootstrap.mjs"));
  put("package-lock.json", lockFile("1.0.0"));
  put("scripts/hello.cjs", "console.log('hello', ...process.argv.slice(2))");
  fakeNpm(installed("1.0.0"));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** Starts the bootstrap from another folder, as `npm --prefix` may. */
function start(...args: readonly string[]) {
  const child = spawn(process.execPath, [file("toolchain/bootstrap.mjs"), ...args], {
    cwd: os.tmpdir(),
    env: { ...process.env, PATH: `${tools}:${process.env["PATH"]}` },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  const run = { child, stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (run.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (run.stderr += text));
  const ended = new Promise<number | string | null>((resolve) =>
    child.on("close", (code, signal) => resolve(code ?? signal)),
  );
  return { run, ended };
}

async function bootstrap(...args: readonly string[]) {
  const { run, ended } = start(...args);
  const status = await ended;
  return { status, stdout: run.stdout, stderr: run.stderr };
}

describe("bootstrap.mjs", () => {
  it("installs the packages of a fresh clone, then runs the program with its arguments", async () => {
    const first = await bootstrap("scripts/hello.cjs", "a b", "--flag");
    expect(first).toMatchObject({ status: 0, stdout: "hello a b --flag\n" });
    expect(first.stderr).toMatch(
      /Installing the npm packages \(they are not installed yet\)[^]*done in/,
    );
    // A silent npm around it, or NODE_ENV=production, changes nothing.
    expect(npmCalls()).toEqual([
      "install --no-save --no-audit --no-fund --loglevel warn --include=dev",
    ]);
    // The second time there is nothing to do or to say.
    expect(await bootstrap("scripts/hello.cjs")).toEqual({
      status: 0,
      stdout: "hello\n",
      stderr: "",
    });
    expect(npmCalls()).toHaveLength(1);
  });

  it("installs again when package-lock.json has moved on", async () => {
    await bootstrap("scripts/hello.cjs");
    put("package-lock.json", lockFile("1.1.0"));
    fakeNpm(installed("1.1.0"));
    const { stderr } = await bootstrap("scripts/hello.cjs");
    expect(stderr).toContain("node_modules/tsx is 1.0.0, package-lock.json has 1.1.0");
    expect(npmCalls()).toHaveLength(2);
  });

  it("installs again after an installation that was cut off", async () => {
    await bootstrap("scripts/hello.cjs");
    fs.rmSync(file("node_modules/.package-lock.json"));
    await bootstrap("scripts/hello.cjs");
    expect(npmCalls()).toHaveLength(2);
  });

  it("tries once more when npm fails, and then says so", async () => {
    fakeNpm(
      `if [ -e ${file("tried")} ]; then\n${installed("1.0.0")}\nelse touch ${file("tried")}; exit 7; fi`,
    );
    expect(await bootstrap("scripts/hello.cjs")).toMatchObject({ status: 0, stdout: "hello\n" });
    fs.rmSync(file("node_modules"), { recursive: true });
    fakeNpm("echo broken >&2; exit 7");
    const failed = await bootstrap("scripts/hello.cjs");
    expect(failed).toMatchObject({ status: 1, stdout: "" });
    expect(failed.stderr).toMatch(
      /broken[^]*npm install failed \(7\) in .*\n {2}See what it says above/,
    );
    expect(npmCalls()).toHaveLength(4);
  });

  it("installs once for several commands at the same time", async () => {
    fakeNpm(`sleep 0.5\n${installed("1.0.0")}`);
    const runs = await Promise.all([1, 2, 3].map((i) => bootstrap("scripts/hello.cjs", String(i))));
    expect(runs.map(({ stdout }) => stdout)).toEqual(["hello 1\n", "hello 2\n", "hello 3\n"]);
    expect(npmCalls()).toHaveLength(1);
    expect(fs.readdirSync(file(".pi-lab"))).toEqual([]);
  });

  it("takes over from an installation whose process is dead", async () => {
    const { child } = start("scripts/none.cjs").run;
    await new Promise((resolve) => child.on("close", resolve));
    fs.rmSync(file("node_modules"), { recursive: true, force: true });
    const owner = { pid: child.pid, started: "1", host: os.hostname() };
    put(".pi-lab/npm-ci.lock", JSON.stringify(owner));
    expect(await bootstrap("scripts/hello.cjs")).toMatchObject({ status: 0, stdout: "hello\n" });
  });

  it("takes over from locks that a power cut has left empty", async () => {
    put(".pi-lab/npm-ci.lock", "");
    put(".pi-lab/npm-ci.lock.removal", "");
    const longAgo = new Date(Date.now() - 3_600_000);
    for (const name of ["", ".removal"])
      fs.utimesSync(file(`.pi-lab/npm-ci.lock${name}`), longAgo, longAgo);
    expect(await bootstrap("scripts/hello.cjs")).toMatchObject({ status: 0, stdout: "hello\n" });
    expect(fs.readdirSync(file(".pi-lab"))).toEqual([]);
  });

  it("ends with the program's status", async () => {
    put("scripts/fail.cjs", "process.exitCode = 42");
    expect((await bootstrap("scripts/fail.cjs")).status).toBe(42);
  });

  it.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)(
    "hands %s on to the program",
    async (signal) => {
      put(
        "scripts/wait.cjs",
        `process.on("${signal}", () => { console.log("tidied up"); process.exit(3); });
       console.log("ready"); setTimeout(() => {}, 600_000);`,
      );
      const { run, ended } = start("scripts/wait.cjs");
      await eventually("the program to start", () => run.stdout.includes("ready"));
      run.child.kill(signal);
      expect(await ended).toBe(3);
      expect(run.stdout).toBe("ready\ntidied up\n");
    },
  );

  it("ends by the signal that ended the program", async () => {
    put("scripts/die.cjs", "process.kill(process.pid, 'SIGTERM'); setTimeout(() => {}, 600_000);");
    expect((await bootstrap("scripts/die.cjs")).status).toBe("SIGTERM");
  });

  it("says which Node.js it needs", async () => {
    const check = `import(${JSON.stringify(path.join(checkout, "toolchain/bootstrap.mjs"))}).then((m) =>
      console.log(JSON.stringify(process.argv.slice(1).map((v) => m.nodeProblem(v) ?? null))))`;
    const versions = ["v18.20.0", "v20.19.3", "v20.19.4", "v20.20.0", "v22.1.0", "v24.0.0-rc.1"];
    const child = spawn(process.execPath, ["-e", check, ...versions]);
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    await new Promise((resolve) => child.on("close", resolve));
    const [old, almost, ...fit] = JSON.parse(output) as (string | null)[];
    expect(old).toMatch(/v18\.20\.0 is too old: 20\.19\.4 or newer[^]*Install a current Node\.js/);
    expect(almost).toContain("too old");
    expect(fit).toEqual([null, null, null, null]);
    const { engines } = JSON.parse(
      fs.readFileSync(path.join(checkout, "package.json"), "utf8"),
    ) as { engines: { node: string } };
    expect(engines.node).toBe(">=20.19.4");
  });

  it("explains itself when no program is named", async () => {
    expect(await bootstrap()).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("Usage:") as string,
    });
  });
});
