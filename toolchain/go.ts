import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

import { cached, cachedPath } from "./cache";
import { baseUrl, download } from "./download";
import { messageOf, ToolchainError } from "./errors";
import { step, type Log } from "./log";
import { cacheDir, downloadsAreOff, toolchainDir } from "./paths";
import { run, which } from "./process";
import { compareVersions, versions } from "./versions";

/** The names that Go and Pulumi's plugins use for this machine. */
export function platform(): { readonly os: "linux" | "darwin"; readonly arch: "amd64" | "arm64" } {
  const arch = process.arch === "x64" ? "amd64" : process.arch === "arm64" ? "arm64" : undefined;
  const system =
    process.platform === "linux" || process.platform === "darwin" ? process.platform : undefined;
  if (arch === undefined || system === undefined) {
    throw new ToolchainError(
      `This machine (${process.platform}, ${process.arch}) is not supported`,
      "Use Linux or macOS on x86-64 or arm64.",
    );
  }
  return { os: system, arch };
}

/** Go builds may take this long on a machine with two slow cores. */
const buildTimeoutMs = 40 * 60_000;

/** The `go` to build with: this machine's if it is new enough, else an official one in the cache. */
export async function ensureGo(log: Log): Promise<string> {
  const { go } = versions;
  const installed = which("go");
  let found = "none is installed";
  if (installed !== undefined) {
    const { stdout } = await run(installed, ["env", "GOVERSION"], {
      timeoutMs: 30_000,
      env: { ...process.env, GOTOOLCHAIN: "local" },
    });
    if (compareVersions(stdout.trim(), go.minimum) >= 0) return installed;
    found = `${installed} is ${stdout.trim()}`;
  }
  const name = `go-${go.version}`;
  const present = cachedPath(name);
  if (present !== undefined) return path.join(present, "bin", "go");
  const remedy = `Install Go ${go.minimum} or newer and put it on the PATH, or install Pulumi ${versions.pulumi.version} so that nothing needs to be built.`;
  if (downloadsAreOff()) {
    throw new ToolchainError(
      `Go ${go.minimum} or newer is needed to build Pulumi; ${found}, and downloads are switched off`,
      remedy,
    );
  }
  try {
    const root = await cached(log, { name, title: `Fetching Go ${go.version}` }, async (folder) => {
      const { os: system, arch } = platform();
      const archive = `go${go.version}.${system}-${arch}.tar.gz`;
      const url = `${baseUrl("PI_LAB_GO_URL", "https://dl.google.com/go")}/${archive}`;
      const target = path.join(folder, archive);
      await download(log, { url, checksumUrl: `${url}.sha256` }, target);
      await run("tar", ["-xzf", target, "-C", folder], { timeoutMs: 5 * 60_000 });
      return path.join(folder, "go");
    });
    return path.join(root, "bin", "go");
  } catch (error) {
    throw new ToolchainError(
      `Go ${go.minimum} or newer is needed to build Pulumi; ${found}, and it cannot be downloaded: ${messageOf(error)}`,
      remedy,
    );
  }
}

export type GoModule = "engine" | "langhost" | "plugins";

/** A digest of a module's committed files: another one is another build. */
export function moduleDigest(module: GoModule): string {
  const hash = createHash("sha256");
  const add = (file: string) => {
    if (fs.statSync(file).isDirectory()) {
      for (const child of fs.readdirSync(file).sort()) add(path.join(file, child));
    } else {
      hash.update(`${path.basename(file)}\0`);
      hash.update(fs.readFileSync(file));
    }
  };
  add(path.join(toolchainDir, "go", module));
  return hash.digest("hex").slice(0, 12);
}

export interface GoBuild {
  /** The module's folder below toolchain/go. */
  readonly module: GoModule;
  /** The package, as `go build` takes it. */
  readonly package: string;
  /** Variables set at link time. */
  readonly link: Readonly<Record<string, string>>;
}

/** Builds one program. The modules that it is made of are exactly those in the committed go.sum. */
export async function goBuild(log: Log, build: GoBuild, output: string): Promise<void> {
  const go = await ensureGo(log);
  const link = Object.entries(build.link).map(([name, value]) => `-X ${name}=${value}`);
  let last = "";
  await step(
    log,
    `Building ${path.basename(output)} with Go`,
    () =>
      run(
        go,
        ["build", "-v", "-ldflags", ["-s", "-w", ...link].join(" "), "-o", output, build.package],
        {
          cwd: path.join(toolchainDir, "go", build.module),
          env: goEnvironment(),
          timeoutMs: buildTimeoutMs,
          onLine: (line) => (last = line),
          remedy:
            "See whether this machine reaches its Go module proxy, and try again: what was built so far is kept.",
        },
      ),
    () => last,
  );
}

/**
 * The environment of a build. Everything that decides about the outcome is fixed; where modules come
 * from (GOPROXY and its kin) is the user's. The caches are in ours: they take gigabytes, which belong
 * to nothing else, and can be deleted with it.
 */
function goEnvironment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    CGO_ENABLED: "0",
    GO111MODULE: "on",
    GOCACHE: path.join(cacheDir(), "go", "build"),
    GOFLAGS: "-mod=readonly -trimpath -buildvcs=false -modcacherw",
    GOMODCACHE: path.join(cacheDir(), "go", "mod"),
    GOOS: "",
    GOARCH: "",
    GOTOOLCHAIN: "local",
    GOWORK: "off",
  };
}
