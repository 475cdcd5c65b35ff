import { build, type BuildOptions, type Plugin } from "esbuild";

/** A module of ours that names what is used of a package, and that is loaded late. */
export interface UsedParts {
  /** The end of the module's path, such as `provider/admin/client-parts.ts`. */
  readonly module: string;
  readonly package: string;
  /** Of the bundle that it becomes a part of. */
  readonly options: BuildOptions;
}

/**
 * Bundles such a module by itself, with nothing of the package but what it names. Inside a bundle that
 * loads it late esbuild would keep all of the package, and a package that does not say that loading it has
 * no effects would be kept whole anywhere.
 */
export function usedParts({ module, package: name, options }: UsedParts): Plugin {
  const ends = new RegExp(`/${module.replaceAll(".", "\\.")}$`);
  return {
    name: "used-parts",
    setup: (building) => {
      const { absWorkingDir } = building.initialOptions;
      building.onLoad({ filter: ends }, async ({ path }) => {
        const { outputFiles } = await build({
          ...(absWorkingDir === undefined ? {} : { absWorkingDir }),
          entryPoints: [path],
          bundle: true,
          platform: "node",
          format: "cjs",
          logLevel: "silent",
          ...options,
          write: false,
          plugins: [withoutEffects(name)],
        });
        return { contents: outputFiles[0]!.text, loader: "js" };
      });
    },
  };
}

/** Says that loading modules of the package has no effects: what nobody uses of them may go. */
function withoutEffects(name: string): Plugin {
  const inside = `/node_modules/${name}/`;
  return {
    name: "without-effects",
    setup: (building) => {
      building.onResolve({ filter: /./ }, async ({ path, pluginData, kind, ...from }) => {
        const within = path === name || (path.startsWith(".") && from.importer.includes(inside));
        if (!within || pluginData === inside) return undefined;
        const { importer, resolveDir } = from;
        const found = await building.resolve(path, {
          kind,
          importer,
          resolveDir,
          pluginData: inside,
        });
        return { ...found, sideEffects: false };
      });
    },
  };
}
