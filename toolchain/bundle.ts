import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

import { build, type BuildOptions, type Plugin } from "esbuild";

import { ToolchainError } from "./errors";
import { withLock } from "./lock";
import { step, type Log } from "./log";
import { checkoutDir } from "./paths";
import { usedParts } from "./used-parts";

/** Something that is made one file for Node.js. */
interface Bundle {
  /** How it is called in messages. */
  readonly title: string;
  readonly entryPoint: string;
  /** Below bin/. */
  readonly folder: string;
  readonly file: string;
  readonly stamp: string;
  /** The file that the engine starts, of a plugin. */
  readonly starter?: string;
  /** What it needs besides `nodeBundle`, in the folder that it comes into. */
  options(folder: string): BuildOptions;
}

const plugin = (name: string, entryPoint: string, options: BuildOptions): Bundle => ({
  title: `plugin ${name}`,
  entryPoint,
  folder: `pulumi-resource-${name}`,
  file: "bundle.js",
  stamp: "stamp.json",
  starter: `pulumi-resource-${name}`,
  options: () => options,
});

/** The Kafka client's compression reads a wasm file that lies beside its module, not in the bundle. */
const besideWasm = {
  define: { "import.meta.url": "importMetaUrl" },
  banner: {
    js: 'const importMetaUrl = require("node:url").pathToFileURL(require.resolve("@platformatic/wasm-utils")).href;',
  },
} as const;

/** ssh2's native helpers are optional: it goes on without them. */
const external = ["*.node", "cpu-features"];

/** The whole Kafka client takes eight times as long to load as what is used of it. */
export const kafkaClient: BuildOptions = {
  ...besideWasm,
  plugins: [
    usedParts({
      module: "provider/admin/client-parts.ts",
      package: "@platformatic/kafka",
      options: { target: "node20", external, define: besideWasm.define },
    }),
  ],
};

const bundles = {
  command: plugin("command", "plugins/command/main.ts", {}),
  pilab: plugin("pilab", "provider/main.ts", kafkaClient),
  program: {
    title: "program",
    entryPoint: "index.ts",
    folder: "program",
    file: "bundle.js",
    stamp: "stamp.json",
    // The SDK is shared with the language host's own start, which loads it from node_modules.
    options: (folder) => ({
      external: ["@pulumi/*"],
      plugins: [besideSources(folder)],
      minify: false,
    }),
  },
} as const satisfies Readonly<Record<string, Bundle>>;

export type OwnPlugin = Exclude<keyof typeof bundles, "program">;

/** A program that runs on hosts: it has nothing there but Node.js and its own file. */
const payload = (name: string): Bundle => ({
  title: `program ${name} of the hosts`,
  entryPoint: `payloads/${name}/main.ts`,
  folder: "programs",
  file: `${name}.js`,
  stamp: `${name}.stamp.json`,
  options: () => ({
    target: "node22",
    define: { "import.meta.url": "importMetaUrl" },
    banner: { js: 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href;' },
    // The same code with its wasm inside it.
    alias: { "@platformatic/wasm-utils": "@platformatic/wasm-utils/bundled" },
    plugins: [inlinedTexts],
  }),
});

export interface BundledPlugin {
  /** Holds `bundle.js` and, of a plugin, the starter `pulumi-resource-NAME`. */
  readonly folder: string;
  /** The digest of both. */
  readonly digest: string;
}

/** The bundled program, below the checkout. */
export const bundledProgram = path.join("bin", bundles.program.folder, "bundle.js");

/** Raised when what this file writes changes, so that older bundles are made again. */
const format = 4;

/** What a bundle was made of and became: each source below the checkout with its digest, and the npm packages. */
interface Stamp {
  readonly format: number;
  readonly packages: string;
  readonly sources: Readonly<Record<string, string>>;
  /** The digest of what was written, so that a damaged bundle is noticed. */
  readonly output: string;
}

/**
 * Bundles both plugins into bin/, where Pulumi.yaml and the tests find them, the program beside them (the
 * engine starts it twice for an `up` with its preview, and each start then takes half the time), and the
 * programs of the hosts as `bin/programs/NAME.js`.
 */
export async function bundlePlugins(log: Log, checkout = checkoutDir): Promise<BundledPlugin[]> {
  const results: BundledPlugin[] = [];
  for (const name of ["command", "pilab"] as const) {
    results.push(await bundlePlugin(log, name, checkout));
  }
  await bundle(log, bundles.program, checkout);
  await bundlePrograms(log, checkout);
  return results;
}

/** @returns the files, in the order of their names */
export async function bundlePrograms(log: Log, checkout = checkoutDir): Promise<string[]> {
  const folder = path.join(checkout, "payloads");
  const names = (fs.existsSync(folder) ? fs.readdirSync(folder) : [])
    .filter((name) => fs.existsSync(path.join(folder, name, "main.ts")))
    .sort();
  const files: string[] = [];
  for (const name of names) {
    const one = payload(name);
    files.push(path.join((await bundle(log, one, checkout)).folder, one.file));
  }
  return files;
}

/**
 * Bundles one plugin into `bin/pulumi-resource-NAME/`: one file, which starts several times faster than
 * hundreds of modules. Nothing is done if no source has changed since.
 */
export function bundlePlugin(
  log: Log,
  name: OwnPlugin,
  checkout = checkoutDir,
): Promise<BundledPlugin> {
  return bundle(log, bundles[name], checkout);
}

async function bundle(log: Log, what: Bundle, checkout: string): Promise<BundledPlugin> {
  const entryPoint = path.join(checkout, what.entryPoint);
  const folder = path.join(checkout, "bin", what.folder);
  if (!fs.existsSync(entryPoint)) {
    throw new ToolchainError(
      `The source of the ${what.title} is missing: ${entryPoint}`,
      "The checkout is incomplete; restore that file from the repository.",
    );
  }
  const lock = path.join(checkout, "bin", `${what.folder}-${what.file}.lock`);
  const title = `Bundling the ${what.title}`;
  return withLock(lock, title, log, async () => {
    if (!isCurrent(folder, what, checkout)) {
      await step(log, title, () => write(what, entryPoint, folder, checkout));
    }
    return { folder, digest: digestOfBundle(folder, what)! };
  });
}

/** A source that reads files beside itself finds them from the bundle, wherever the checkout lies. */
function besideSources(folder: string): Plugin {
  return {
    name: "beside-sources",
    setup: (building) =>
      building.onLoad({ filter: /\.ts$/ }, ({ path: source }) => {
        if (source.includes(`${path.sep}node_modules${path.sep}`)) return undefined;
        const way = JSON.stringify(path.relative(folder, path.dirname(source)));
        const text = fs.readFileSync(source, "utf8");
        const own = `require("node:path").join(__dirname, ${way})`;
        return { loader: "ts", contents: text.replace(/\b__dirname\b/g, () => own) };
      }),
  };
}

/**
 * A program's module `page-files.ts` reads files beside it, by `textBeside("FILE")`. On a host there is nothing
 * beside a program: their texts stand in place of these calls.
 */
const inlinedTexts: Plugin = {
  name: "inlined-texts",
  setup: (building) =>
    building.onLoad({ filter: /\/payloads\/[^/]+\/page-files\.ts$/ }, ({ path: source }) => {
      const imports: string[] = [];
      const text = fs
        .readFileSync(source, "utf8")
        .replace(/\btextBeside\(("[^"]+")\)/g, (_call, file: string) => {
          const name = `text${imports.length}`;
          const from = JSON.stringify(`./${JSON.parse(file) as string}`);
          imports.push(`import ${name} from ${from} with { type: "text" };`);
          return name;
        });
      return { loader: "ts", contents: [...imports, text].join("\n") };
    }),
};

/** What every bundle of ours is: one file for Node.js. */
export const nodeBundle = {
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  minify: true,
  // Names in stack traces and class names in errors stay readable.
  keepNames: true,
  legalComments: "none",
  logLevel: "silent",
} as const satisfies BuildOptions;

async function write(
  what: Bundle,
  entryPoint: string,
  folder: string,
  checkout: string,
): Promise<void> {
  const result = await build({
    absWorkingDir: checkout,
    entryPoints: [entryPoint],
    outfile: path.join(folder, what.file),
    ...nodeBundle,
    external,
    ...what.options(folder),
    write: false,
    metafile: true,
  }).catch((error: unknown) => {
    throw new ToolchainError(
      `The ${what.title} cannot be bundled: ${(error as Error).message}`,
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
  fs.rmSync(path.join(folder, what.stamp), { force: true });
  put(path.join(folder, what.file), result.outputFiles[0]!.contents, 0o644);
  if (what.starter !== undefined) put(path.join(folder, what.starter), starter, 0o755);
  const output = digestOfBundle(folder, what) ?? "";
  const stamp: Stamp = { format, packages: packagesDigest(checkout), sources, output };
  put(path.join(folder, what.stamp), JSON.stringify(stamp, null, 2), 0o644);
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

function isCurrent(folder: string, what: Bundle, checkout: string): boolean {
  let stamp: Stamp;
  try {
    stamp = JSON.parse(fs.readFileSync(path.join(folder, what.stamp), "utf8")) as Stamp;
  } catch {
    return false;
  }
  return (
    stamp.format === format &&
    stamp.packages === packagesDigest(checkout) &&
    stamp.output === digestOfBundle(folder, what) &&
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

function digestOfBundle(folder: string, { file, starter: started }: Bundle): string | undefined {
  const files = [file, ...(started === undefined ? [] : [started])];
  const parts = files.map((one) => fileDigest(path.join(folder, one)));
  if (parts.includes(undefined)) return undefined;
  return createHash("sha256").update(parts.join()).digest("hex");
}
