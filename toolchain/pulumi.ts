import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

import { bundlePlugin } from "./bundle";
import { cached } from "./cache";
import { ensureEngine, type Engine } from "./engine";
import type { Log } from "./log";
import { ensurePlugin } from "./plugins";
import { which } from "./process";
import { versions, type PluginName } from "./versions";

/** A Pulumi that is ready to run this project's program. */
export interface Pulumi {
  /** The engine's program. */
  readonly bin: string;
  /** PULUMI_HOME: a folder of its own, with the plugins; the user's is not touched. */
  readonly home: string;
  readonly version: string;
  /** What to add to the environment of the engine, PULUMI_HOME and PATH included. */
  readonly env: Readonly<Record<string, string>>;
}

/** Finds, downloads or builds the engine, its Node.js language host and the provider plugins. */
export async function ensurePulumi(log: Log): Promise<Pulumi> {
  const engine = await ensureEngine(log);
  const plugins: InstalledPlugin[] = [];
  for (const name of Object.keys(versions.plugins) as PluginName[]) {
    plugins.push(await findPlugin(log, name));
  }
  const home = await assembleHome(log, engine, plugins);
  const together = path.join(home, "bin", "pulumi");
  const bin = fs.existsSync(together) ? together : engine.bin;
  return {
    bin,
    home,
    version: engine.version,
    env: {
      PULUMI_HOME: home,
      PATH: searchPath(path.dirname(bin), path.dirname(engine.languageHost)),
      PULUMI_SKIP_UPDATE_CHECK: "true",
      // The program is checked by `npm run check`; checking its types at every run takes over a second.
      PULUMI_NODEJS_TRANSPILE_ONLY: "true",
      // A missing plugin is this toolchain's error to report, not something to download in passing.
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    },
  };
}

/** These folders first: a language host that is found on the PATH is preferred to one beside the engine. */
function searchPath(...first: readonly string[]): string {
  const folders = [...new Set(first)];
  // The program and the plugins run on this Node.js, even if the PATH finds another one.
  if (which("node") !== process.execPath) folders.push(path.dirname(process.execPath));
  return [...folders, process.env["PATH"] ?? ""].join(path.delimiter);
}

interface InstalledPlugin {
  readonly name: PluginName;
  /** The folder with the program `pulumi-resource-NAME`. */
  readonly folder: string;
  /** Tells one content from another. */
  readonly identity: string;
}

async function findPlugin(log: Log, name: PluginName): Promise<InstalledPlugin> {
  const found = await ensurePlugin(log, name);
  if (found !== undefined) return { name, folder: found, identity: found };
  // Only `command` can be neither downloaded nor built here: ours, from this checkout, takes its place.
  const { folder, digest } = await bundlePlugin(log, "command");
  return { name, folder, identity: digest };
}

/**
 * A PULUMI_HOME for exactly this engine and these plugins. Another checkout whose `command` plugin
 * differs gets another one, so that the two can run side by side.
 */
async function assembleHome(
  log: Log,
  engine: Engine,
  plugins: readonly InstalledPlugin[],
): Promise<string> {
  const programs = [engine.bin, engine.languageHost];
  const parts = [...programs, ...plugins.map(({ name, identity }) => `${name}=${identity}`)];
  const key = createHash("sha256").update(parts.join("\n")).digest("hex").slice(0, 16);
  const entry = { name: `pulumi-home-${key}`, title: "Installing Pulumi's plugins" };
  return cached(log, entry, (home) => {
    // The engine warns about a language host that is not beside it.
    if (engine.built) {
      fs.mkdirSync(path.join(home, "bin"));
      for (const file of programs) linkOrCopy(file, path.join(home, "bin", path.basename(file)));
    }
    for (const { name, folder } of plugins) {
      const target = path.join(home, "plugins", `resource-${name}-v${versions.plugins[name]}`);
      fs.mkdirSync(target, { recursive: true });
      for (const file of fs.readdirSync(folder)) {
        linkOrCopy(path.join(folder, file), path.join(target, file));
      }
    }
    return Promise.resolve();
  });
}

/** Plugins take 70 MB and more each: a second name costs nothing, where the file system has that. */
function linkOrCopy(source: string, target: string): void {
  if (!fs.statSync(source).isFile()) return;
  try {
    fs.linkSync(source, target);
  } catch {
    fs.copyFileSync(source, target);
  }
}
