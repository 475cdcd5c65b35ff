import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

import { build } from "esbuild";

import { ToolchainError } from "./errors";
import { withLock } from "./lock";
import { step, type Log } from "./log";
import { checkoutDir } from "./paths";

/** The plugins of this project, and where each begins. */
const entryPoints = {
  command: "plugins/command/main.ts",
  pilab: "provider/main.ts",
} as const;

export type OwnPlugin = keyof typeof entryPoints;

export interface BundledPlugin {
  /** Holds `bundle.js` and the starter `pulumi-resource-NAME`. */
  readonly folder: string;
  /** The digest of both. */
  readonly digest: string;
}

/** Raised when what this file writes changes, so that older bundles are made again. */
const format = 2;

const stampName = "stamp.json";

/** What a bundle was made of and became: each source below the checkout with its digest, and the npm packages. */
interface Stamp {
  readonly format: number;
  readonly packages: string;
  readonly sources: Readonly<Record<string, string>>;
  /** The digest of what was written, so that a damaged bundle is noticed. */
  readonly output: string;
}

/** Bundles both plugins into bin/, where Pulumi.yaml and the tests find them. */
export async function bundlePlugins(log: Log, checkout = checkoutDir): Promise<BundledPlugin[]> {
  const results: BundledPlugin[] = [];
  for (const name of Object.keys(entryPoints) as OwnPlugin[]) {
    results.push(await bundlePlugin(log, name, checkout));
  }
  return results;
}

/**
 * Bundles one plugin into `bin/pulumi-resource-NAME/`: one file, which starts several times faster than
 * hundreds of modules. Nothing is done if no source has changed since.
 */
export async function bundlePlugin(
  log: Log,
  name: OwnPlugin,
  checkout = checkoutDir,
): Promise<BundledPlugin> {
  const entryPoint = path.join(checkout, entryPoints[name]);
  const folder = path.join(checkout, "bin", `pulumi-resource-${name}`);
  if (!fs.existsSync(entryPoint)) {
    throw new ToolchainError(
      `The source of the plugin ${name} is missing: ${entryPoint}`,
      "The checkout is incomplete; restore that file from the repository.",
    );
  }
  const lock = path.join(checkout, "bin", `${name}.lock`);
  return withLock(lock, `Bundling the plugin ${name}`, log, async () => {
    if (!isCurrent(folder, name, checkout)) {
      await step(log, `Bundling the plugin ${name}`, () =>
        write(name, entryPoint, folder, checkout),
      );
    }
    return { folder, digest: digestOfFolder(folder, name)! };
  });
}

/** The Kafka client's compression reads a wasm file that lies beside its module, not in the bundle. */
const kafkaClient = {
  define: { "import.meta.url": "importMetaUrl" },
  banner: {
    js: 'const importMetaUrl = require("node:url").pathToFileURL(require.resolve("@platformatic/wasm-utils")).href;',
  },
} as const;

async function write(
  name: OwnPlugin,
  entryPoint: string,
  folder: string,
  checkout: string,
): Promise<void> {
  const result = await build({
    absWorkingDir: checkout,
    entryPoints: [entryPoint],
    outfile: path.join(folder, "bundle.js"),
    write: false,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    minify: true,
    // Names in stack traces and class names in errors stay readable.
    keepNames: true,
    legalComments: "none",
    ...(name === "pilab" ? kafkaClient : {}),
    metafile: true,
    // ssh2's native helpers are optional: it goes on without them.
    external: ["*.node", "cpu-features"],
    logLevel: "silent",
  }).catch((error: unknown) => {
    throw new ToolchainError(
      `The plugin ${name} cannot be bundled: ${(error as Error).message}`,
      "Correct the source; npm run check shows more.",
      { cause: error },
    );
  });
  const sources: Record<string, string> = {};
  for (const input of Object.keys(result.metafile.inputs).sort()) {
    if (input.includes("node_modules/")) continue;
    sources[input] = fileDigest(path.join(checkout, input)) ?? "";
  }
  fs.mkdirSync(folder, { recursive: true });
  // Without its stamp a half-written bundle is made again.
  fs.rmSync(path.join(folder, stampName), { force: true });
  put(path.join(folder, "bundle.js"), result.outputFiles[0]!.contents, 0o644);
  put(path.join(folder, `pulumi-resource-${name}`), starter, 0o755);
  const output = digestOfFolder(folder, name) ?? "";
  const stamp: Stamp = { format, packages: packagesDigest(checkout), sources, output };
  put(path.join(folder, stampName), JSON.stringify(stamp, null, 2), 0o644);
}

/** The program that the engine starts. `exec`: the engine's signals must reach Node.js itself. */
const starter = `#!/bin/sh
exec node "$(dirname "$0")/bundle.js" "$@"
`;

/** A plugin that is just starting must see the old file or the new one, never half of it. */
function put(file: string, content: string | Uint8Array, mode: number): void {
  const draft = `${file}.${process.pid}.tmp`;
  fs.writeFileSync(draft, content);
  fs.chmodSync(draft, mode);
  fs.renameSync(draft, file);
}

function isCurrent(folder: string, name: OwnPlugin, checkout: string): boolean {
  let stamp: Stamp;
  try {
    stamp = JSON.parse(fs.readFileSync(path.join(folder, stampName), "utf8")) as Stamp;
  } catch {
    return false;
  }
  return (
    stamp.format === format &&
    stamp.packages === packagesDigest(checkout) &&
    stamp.output === digestOfFolder(folder, name) &&
    Object.entries(stamp.sources).every(
      ([source, digest]) => fileDigest(path.join(checkout, source)) === digest,
    )
  );
}

/** npm packages are judged by the lock file as a whole: there are thousands of their files. */
function packagesDigest(checkout: string): string {
  return fileDigest(path.join(checkout, "package-lock.json")) ?? "";
}

function fileDigest(file: string): string | undefined {
  try {
    return createHash("sha256").update(fs.readFileSync(file)).digest("hex");
  } catch {
    return undefined;
  }
}

function digestOfFolder(folder: string, name: OwnPlugin): string | undefined {
  const parts = ["bundle.js", `pulumi-resource-${name}`].map((f) =>
    fileDigest(path.join(folder, f)),
  );
  if (parts.includes(undefined)) return undefined;
  return createHash("sha256").update(parts.join()).digest("hex");
}
