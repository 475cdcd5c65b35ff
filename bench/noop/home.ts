import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { nodeBundle } from "../../toolchain/bundle";
import { checkoutDir } from "../../toolchain/paths";
import { versions } from "../../toolchain/versions";
import { noopPlugins } from "./outputs";

/** Plugins that do nothing, where the engine finds them instead of the real ones. */
export interface NoopHome {
  /** PULUMI_HOME. */
  readonly home: string;
  /** Folder of the plugin in the place of `pilab`, which the project file names. */
  readonly pilabFolder: string;
}

/** Bundles the plugin into a PULUMI_HOME in `folder`, as the toolchain does with the real ones. */
export async function makeNoopHome(folder: string): Promise<NoopHome> {
  const bundle = join(folder, "noop.js");
  await build({
    absWorkingDir: checkoutDir,
    entryPoints: [join(__dirname, "main.ts")],
    outfile: bundle,
    ...nodeBundle,
  });
  const home = join(folder, "home");
  const pilabFolder = join(folder, "pilab");
  for (const name of noopPlugins) {
    const plugin =
      name === "pilab"
        ? pilabFolder
        : join(home, "plugins", `resource-${name}-v${versions.plugins[name]}`);
    mkdirSync(plugin, { recursive: true });
    const starter = join(plugin, `pulumi-resource-${name}`);
    writeFileSync(starter, `#!/bin/sh\nNOOP_PLUGIN=${name} exec node "${bundle}" "$@"\n`);
    chmodSync(starter, 0o755);
  }
  return { home, pilabFolder };
}
