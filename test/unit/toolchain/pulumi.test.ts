import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

import { ensureEngine } from "../../../toolchain/engine";
import { ensureGo, platform } from "../../../toolchain/go";
import { ensurePlugin } from "../../../toolchain/plugins";
import { ensurePulumi } from "../../../toolchain/pulumi";
import { versions } from "../../../toolchain/versions";
import {
  checkout,
  cleanUp,
  serve,
  serveFiles,
  setEnvironment,
  tarball,
  temporaryFolder,
  writeScript,
} from "./support";

const version = versions.pulumi.version;
const host = "pulumi-language-nodejs";
const { os, arch } = platform();
const lines: string[] = [];
const log = (line: string) => lines.push(line);
let cache: string;
let tools: string;

beforeEach(() => {
  lines.length = 0;
  cache = temporaryFolder();
  tools = temporaryFolder();
  // What the machine itself has is out of sight: only these, and what a test puts into `tools`.
  for (const name of ["tar", "gzip", "sh", "dirname"]) {
    const found = execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim();
    fs.symlinkSync(found, path.join(tools, name));
  }
  fs.symlinkSync(process.execPath, path.join(tools, "node"));
  setEnvironment({ PI_LAB_CACHE: cache, PI_LAB_NO_DOWNLOAD: undefined, PATH: tools });
});
afterEach(cleanUp);

const sums = (algorithm: string, files: Readonly<Record<string, Buffer>>) =>
  Object.entries(files)
    .map(([name, data]) => `${createHash(algorithm).update(data).digest("hex")}  ./${name}\n`)
    .join("");

/** The vendor's two download areas, with an engine and these plugins. */
async function serveOfficial(plugins: readonly (keyof typeof versions.plugins)[]) {
  const engine = tarball({ "pulumi/pulumi": "#!/bin/sh\n", [`pulumi/${host}`]: "#!/bin/sh\n" });
  const engineName = `pulumi-v${version}-${os}-${arch === "amd64" ? "x64" : arch}.tar.gz`;
  const files: Record<string, string | Buffer> = {
    [`/${engineName}`]: engine,
    [`/pulumi-${version}-checksums.txt`]: sums("sha256", { [engineName]: engine }),
  };
  for (const name of plugins) {
    const archive = tarball({ [`pulumi-resource-${name}`]: `official ${name}`, LICENSE: "" });
    const file = `pulumi-resource-${name}-v${versions.plugins[name]}-${os}-${arch}.tar.gz`;
    files[`/${file}`] = archive;
    files[`/pulumi-${name}_${versions.plugins[name]}_checksums.txt`] = sums("sha1", {
      [file]: archive,
    });
  }
  const server = await serveFiles(files);
  setEnvironment({ PI_LAB_PULUMI_URL: server.url, PI_LAB_PULUMI_PLUGINS_URL: server.url });
  return server;
}

/** A Go that "builds" a script, and notes how it was called and in which environment. */
function fakeGo(goVersion = `go${versions.go.minimum}`): string {
  const calls = path.join(tools, "go-calls");
  writeScript(
    path.join(tools, "go"),
    `if [ "$1" = env ]; then echo ${goVersion}; exit; fi
echo "$GOFLAGS|$GOTOOLCHAIN|$CGO_ENABLED|$GOCACHE|$PWD|$*" >> ${calls}
while [ "$1" != -o ]; do shift; done
echo "built $3" > "$2"`,
  );
  return calls;
}

describe("ensureEngine", () => {
  const putOnPath = (reported: string) =>
    writeScript(path.join(tools, "pulumi"), `[ "$1" = version ] && echo ${reported}`);

  it("uses the one on the PATH if its version fits and its language host is there", async () => {
    putOnPath(`v${version}`);
    writeScript(path.join(tools, host), "");
    expect(await ensureEngine(log)).toEqual({
      bin: fs.realpathSync(path.join(tools, "pulumi")),
      version,
      languageHost: path.join(fs.realpathSync(tools), host),
      built: false,
    });
    expect(fs.readdirSync(cache)).toEqual([]);
  });

  it.each([
    ["v3.1.0", true, "it is 3.1.0, and this project needs"],
    ["v4.0.0", true, "it is 4.0.0, and this project needs"],
    [`v${version}`, false, `${host} is neither beside it nor on the PATH`],
  ])(
    "leaves %s on the PATH aside (language host: %s), and says why",
    async (found, hosted, why) => {
      await serveOfficial([]);
      putOnPath(found);
      if (hosted) writeScript(path.join(tools, host), "");
      const engine = await ensureEngine(log);
      expect(engine.bin).toBe(path.join(cache, `pulumi-${version}-official`, "pulumi"));
      expect(lines.join("\n")).toContain(why);
    },
  );

  it("passes over the one on the PATH where downloads are switched off", async () => {
    const { asked } = await serveOfficial([]);
    putOnPath(`v${version}`);
    writeScript(path.join(tools, host), "");
    fakeGo();
    setEnvironment({ PI_LAB_NO_DOWNLOAD: "1" });
    expect(await ensureEngine(log)).toMatchObject({ version, built: true });
    expect(asked).toEqual([]);
  });

  it("downloads the official one once", async () => {
    const { asked } = await serveOfficial([]);
    const engine = await ensureEngine(log);
    expect(fs.existsSync(engine.languageHost)).toBe(true);
    const requests = asked.length;
    expect(await ensureEngine(log)).toEqual(engine);
    expect(asked).toHaveLength(requests);
  });

  it("builds engine and language host if the download fails, in a fixed environment", async () => {
    const server = await serveFiles({});
    setEnvironment({ PI_LAB_PULUMI_URL: server.url, GOFLAGS: "-mod=mod", GOTOOLCHAIN: "auto" });
    const calls = fakeGo();
    const engine = await ensureEngine(log);
    expect(engine).toMatchObject({ version, built: true });
    expect(fs.readFileSync(engine.bin, "utf8")).toContain("built");
    const [first, second, ...others] = fs.readFileSync(calls, "utf8").trim().split("\n");
    expect(others).toEqual([]);
    const fixed = "-mod=readonly -trimpath -buildvcs=false -modcacherw|local|0";
    expect(first).toContain(`${fixed}|${cache}/go/build|${checkout}/toolchain/go/engine|build`);
    expect(first).toContain(`version.Version=v${version}`);
    expect(second).toContain(`${checkout}/toolchain/go/langhost|build`);
    expect(second).toContain(`version.Version=v${versions.languageHost.version}`);
    // The next time nothing is asked for and nothing is built.
    const requests = server.asked.length;
    expect(await ensureEngine(log)).toEqual(engine);
    expect(server.asked).toHaveLength(requests);
    expect(fs.readFileSync(calls, "utf8").trim().split("\n")).toHaveLength(2);
  });
});

describe("ensureGo", () => {
  it("uses a Go that is new enough", async () => {
    fakeGo();
    expect(await ensureGo(log)).toBe(path.join(tools, "go"));
  });

  it("downloads one if the machine's is too old, or there is none", async () => {
    const archive = tarball({ "go/bin/go": "#!/bin/sh\n" });
    const name = `go${versions.go.version}.${os}-${arch}.tar.gz`;
    const sum = createHash("sha256").update(archive).digest("hex");
    const { url } = await serveFiles({ [`/${name}`]: archive, [`/${name}.sha256`]: sum });
    setEnvironment({ PI_LAB_GO_URL: url });
    const downloaded = path.join(cache, `go-${versions.go.version}`, "bin", "go");
    expect(await ensureGo(log)).toBe(downloaded);
    fakeGo("go1.19.8");
    expect(await ensureGo(log)).toBe(downloaded);
  });

  it("names what was found, what is needed and the remedy if there is no way", async () => {
    fakeGo("go1.19.8");
    setEnvironment({ PI_LAB_NO_DOWNLOAD: "1" });
    await expect(ensureGo(log)).rejects.toThrow(
      new RegExp(`Go ${versions.go.minimum} or newer is needed.*is go1\\.19\\.8[^]*Install Go`),
    );
  });
});

describe("ensurePlugin", () => {
  it("downloads an official plugin", async () => {
    await serveOfficial(["random"]);
    const folder = await ensurePlugin(log, "random");
    const program = path.join(folder!, "pulumi-resource-random");
    expect(fs.readFileSync(program, "utf8")).toBe("official random");
  });

  it("builds one that cannot be downloaded, with its version linked in", async () => {
    await serveOfficial([]);
    const calls = fakeGo();
    const folder = await ensurePlugin(log, "docker");
    expect(fs.readdirSync(folder!)).toEqual(["pulumi-resource-docker"]);
    expect(fs.readFileSync(calls, "utf8")).toContain(`main.version=${versions.plugins.docker}`);
  });

  it("has no way to build command, and does not ask for it again at once", async () => {
    const { asked } = await serveOfficial([]);
    expect(await ensurePlugin(log, "command")).toBeUndefined();
    const requests = asked.length;
    expect(requests).toBeGreaterThan(0);
    expect(await ensurePlugin(log, "command")).toBeUndefined();
    expect(asked).toHaveLength(requests);
  });

  it("asks for it again at the next command after a fault that may have passed", async () => {
    const { url, asked } = await serve((_, response) => response.writeHead(503).end());
    setEnvironment({ PI_LAB_PULUMI_PLUGINS_URL: url });
    expect(await ensurePlugin(log, "command")).toBeUndefined();
    const requests = asked.length;
    await serveOfficial(["command"]);
    expect(requests).toBe(3);
    expect(await ensurePlugin(log, "command")).toBe(
      path.join(cache, `plugin-command-${versions.plugins.command}-official`),
    );
  });
});

describe("ensurePulumi", () => {
  it("puts the plugins into a home of their own, and builds what is missing", async () => {
    await serveOfficial(["random", "command"]);
    fakeGo();
    const pulumi = await ensurePulumi(log);
    expect(pulumi.version).toBe(version);
    expect(path.dirname(pulumi.home)).toBe(cache);
    expect(pulumi.env["PULUMI_HOME"]).toBe(pulumi.home);
    expect(pulumi.env["PATH"]!.split(":")[0]).toBe(path.dirname(pulumi.bin));
    const installed = fs.readdirSync(path.join(pulumi.home, "plugins")).sort();
    expect(installed).toEqual(
      Object.entries(versions.plugins)
        .map(([name, v]) => `resource-${name}-v${v}`)
        .sort(),
    );
    for (const folder of installed) {
      const program = `pulumi-resource-${folder.split("-")[1]}`;
      expect(fs.existsSync(path.join(pulumi.home, "plugins", folder, program))).toBe(true);
    }
    expect(await ensurePulumi(log)).toEqual(pulumi);
  });

  it("gives the same in an environment that it has made", async () => {
    await serveOfficial(["random", "docker", "command"]);
    setEnvironment({ PI_LAB_PULUMI_URL: (await serveFiles({})).url });
    fakeGo();
    const outer = await ensurePulumi(log);
    setEnvironment(outer.env);
    const inner = await ensurePulumi(log);
    expect([inner.bin, inner.home]).toEqual([outer.bin, outer.home]);
  });

  it("puts a built engine beside its language host, where the engine looks for it", async () => {
    await serveOfficial(["random", "docker", "command"]);
    setEnvironment({ PI_LAB_PULUMI_URL: (await serveFiles({})).url });
    fakeGo();
    const pulumi = await ensurePulumi(log);
    expect(path.dirname(pulumi.bin)).toBe(path.join(pulumi.home, "bin"));
    expect(fs.readdirSync(path.dirname(pulumi.bin)).sort()).toEqual(["pulumi", host]);
  });
});
