import * as fs from "node:fs";
import * as path from "node:path";

import { cached, cachedPath } from "./cache";
import { baseUrl, download, isPassing } from "./download";
import { messageOf } from "./errors";
import { goBuild, moduleDigest, platform } from "./go";
import type { Log } from "./log";
import { cacheDir, downloadsAreOff } from "./paths";
import { run } from "./process";
import { versions, type PluginName } from "./versions";

/** The plugins that can be built: the bridge over an upstream that the Go module proxy serves. */
const buildable: readonly PluginName[] = ["random", "docker"];

/**
 * A plugin that could not be downloaded and needs no build (`command`: ours takes its place) would
 * otherwise cost an attempt, and perhaps a time-out, at every command. It is tried again after a day; after a fault that may have passed, at the next command.
 */
const retryDownloadMs = 24 * 3_600_000;

function isRecent(file: string, ms: number): boolean {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.mtimeMs < ms;
}

/**
 * The folder with an official or built plugin; undefined if it can be neither downloaded nor built.
 * Plugins that the user has installed for other projects are left alone: they are in another
 * PULUMI_HOME, and may be built differently.
 */
export async function ensurePlugin(log: Log, name: PluginName): Promise<string | undefined> {
  const version = versions.plugins[name];
  const official = `plugin-${name}-${version}-official`;
  const present = cachedPath(official);
  if (present !== undefined) return present;
  const built = `plugin-${name}-${version}-built-${moduleDigest("plugins")}`;
  const failure = path.join(cacheDir(), `plugin-${name}-${version}-not-downloaded`);
  const mayDownload =
    !downloadsAreOff() && cachedPath(built) === undefined && !isRecent(failure, retryDownloadMs);
  if (mayDownload) {
    try {
      return await downloadPlugin(log, name, official);
    } catch (error) {
      log(`The plugin ${name} ${version} cannot be downloaded: ${messageOf(error)}`);
      if (!isPassing(error)) fs.writeFileSync(failure, `${messageOf(error)}\n`);
    }
  }
  if (!buildable.includes(name)) return undefined;
  const entry = { name: built, title: `Building the plugin ${name} ${version}` };
  return cached(log, entry, (folder) =>
    goBuild(
      log,
      {
        module: "plugins",
        package: `./cmd/pulumi-resource-${name}`,
        link: { "main.version": version },
      },
      path.join(folder, `pulumi-resource-${name}`),
    ),
  );
}

function downloadPlugin(log: Log, name: PluginName, entryName: string): Promise<string> {
  const version = versions.plugins[name];
  const { os, arch } = platform();
  const base = baseUrl("PI_LAB_PULUMI_PLUGINS_URL", "https://get.pulumi.com/releases/plugins");
  const url = `${base}/pulumi-resource-${name}-v${version}-${os}-${arch}.tar.gz`;
  const checksumUrl = `${base}/pulumi-${name}_${version}_checksums.txt`;
  return cached(
    log,
    { name: entryName, title: `Fetching the plugin ${name} ${version}` },
    async (folder) => {
      const archive = path.join(folder, "plugin.tar.gz");
      await download(log, { url, checksumUrl }, archive);
      const unpacked = path.join(folder, "unpacked");
      fs.mkdirSync(unpacked);
      await run("tar", ["-xzf", archive, "-C", unpacked], { timeoutMs: 5 * 60_000 });
      return unpacked;
    },
  );
}
