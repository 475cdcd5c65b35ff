import * as fs from "node:fs";
import * as path from "node:path";

import { cached, cachedPath } from "./cache";
import { baseUrl, download } from "./download";
import { messageOf } from "./errors";
import { goBuild, moduleDigest, platform } from "./go";
import type { Log } from "./log";
import { cacheDir, downloadsAreOff } from "./paths";
import { run, which } from "./process";
import { compareVersions, versions } from "./versions";

/** An engine and the language host that goes with it. */
export interface Engine {
  readonly bin: string;
  readonly version: string;
  /** The program pulumi-language-nodejs. */
  readonly languageHost: string;
  /** True if both were built here, each in a folder of its own. */
  readonly built: boolean;
}

const hostName = "pulumi-language-nodejs";
const release = "https://get.pulumi.com/releases/sdk";

/**
 * The engine on the PATH if its version fits, else the official one, else one that is built. That on the
 * PATH is passed over where downloads are switched off: everything is then this toolchain's own.
 */
export async function ensureEngine(log: Log): Promise<Engine> {
  const version = versions.pulumi.version;
  const onPath = downloadsAreOff() ? undefined : await engineOnPath(log);
  if (onPath !== undefined) return onPath;
  const official = cachedPath(`pulumi-${version}-official`) ?? (await downloadEngine(log));
  if (official !== undefined) {
    const languageHost = path.join(official, hostName);
    return { bin: path.join(official, "pulumi"), version, languageHost, built: false };
  }
  const built = await buildEngine(log);
  const host = await buildLanguageHost(log);
  return {
    bin: path.join(built, "pulumi"),
    version,
    languageHost: path.join(host, hostName),
    built: true,
  };
}

async function engineOnPath(log: Log): Promise<Engine | undefined> {
  const found = which("pulumi");
  if (found === undefined) return undefined;
  const { version: oldest, below } = versions.pulumi;
  // It may be a link to where the language host lies, too.
  const bin = fs.realpathSync(found);
  // A program that runs in the environment of this toolchain's own Pulumi gets the same one again.
  if (fs.existsSync(cacheDir()) && bin.startsWith(fs.realpathSync(cacheDir()) + path.sep)) {
    return undefined;
  }
  const beside = path.join(path.dirname(bin), hostName);
  const languageHost = fs.existsSync(beside) ? beside : which(hostName);
  let version: string;
  try {
    const { stdout } = await run(bin, ["version"], {
      timeoutMs: 30_000,
      env: { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" },
    });
    version = stdout.trim().replace(/^v/, "");
  } catch (error) {
    log(`${bin} is left aside: ${messageOf(error)}`);
    return undefined;
  }
  if (compareVersions(version, oldest) < 0 || compareVersions(version, below) >= 0) {
    log(
      `${bin} is left aside: it is ${version}, and this project needs ${oldest} or newer, below ${below}`,
    );
    return undefined;
  }
  if (languageHost === undefined) {
    log(`${bin} is left aside: ${hostName} is neither beside it nor on the PATH`);
    return undefined;
  }
  return { bin, version, languageHost, built: false };
}

async function downloadEngine(log: Log): Promise<string | undefined> {
  if (downloadsAreOff() || cachedPath(builtEngineName()) !== undefined) return undefined;
  const version = versions.pulumi.version;
  const { os, arch } = platform();
  const base = baseUrl("PI_LAB_PULUMI_URL", release);
  const url = `${base}/pulumi-v${version}-${os}-${arch === "amd64" ? "x64" : arch}.tar.gz`;
  const checksumUrl = `${base}/pulumi-${version}-checksums.txt`;
  try {
    const entry = { name: `pulumi-${version}-official`, title: `Fetching Pulumi ${version}` };
    return await cached(log, entry, async (folder) => {
      const archive = path.join(folder, "pulumi.tar.gz");
      await download(log, { url, checksumUrl }, archive);
      await run("tar", ["-xzf", archive, "-C", folder], { timeoutMs: 5 * 60_000 });
      return path.join(folder, "pulumi");
    });
  } catch (error) {
    log(`Pulumi ${version} cannot be downloaded: ${messageOf(error)}`);
    log("Building it with its plugins instead: ten minutes or so on two cores, once");
    return undefined;
  }
}

const builtEngineName = () => `pulumi-${versions.pulumi.version}-built-${moduleDigest("engine")}`;

function buildEngine(log: Log): Promise<string> {
  const version = versions.pulumi.version;
  const entry = { name: builtEngineName(), title: `Building Pulumi ${version}` };
  return cached(log, entry, (folder) =>
    goBuild(
      log,
      {
        module: "engine",
        package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        link: { "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": `v${version}` },
      },
      path.join(folder, "pulumi"),
    ),
  );
}

function buildLanguageHost(log: Log): Promise<string> {
  const version = versions.languageHost.version;
  const title = `Building the Node.js language host ${version}`;
  const name = `${hostName}-${version}-built-${moduleDigest("langhost")}`;
  return cached(log, { name, title }, (folder) =>
    goBuild(
      log,
      {
        module: "langhost",
        package: "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs",
        link: { "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": `v${version}` },
      },
      path.join(folder, hostName),
    ),
  );
}
