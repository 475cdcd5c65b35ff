import { readFileSync } from "node:fs";
import * as path from "node:path";

/**
 * Every version that the toolchain pins, from versions.json.
 *
 * `sha256` holds the digests of official downloads, by file name. It is empty where a vendor publishes
 * a checksum file beside the download: that file is fetched and used instead (see download.ts).
 */
export interface Versions {
  /** The engine that is downloaded or built, and (exclusive) up to which one found on the PATH is accepted. */
  readonly pulumi: { readonly version: string; readonly below: string };
  /** The Node.js language host that is built; an official download brings its own. */
  readonly languageHost: { readonly version: string };
  /** Provider plugins, equal to the `@pulumi/*` packages in package.json. */
  readonly plugins: Readonly<Record<PluginName, string>>;
  /** The Go that is downloaded where none is installed, and the oldest that builds everything. */
  readonly go: { readonly version: string; readonly minimum: string };
  readonly kafka: { readonly version: string; readonly scala: string };
  /** The Node.js of hosts, with the integrity of its npm package by processor. */
  readonly node: {
    readonly version: string;
    readonly integrity: Readonly<Record<NodeArch, string>>;
  };
  /** Prometheus' agent for JVMs, with the digest of its jar: the newest that Maven Central has. */
  readonly jmxAgent: { readonly version: string; readonly sha256: string };
  readonly mavenDependencyPlugin: string;
  /** The release that virtual Pis run. Raspberry Pi OS of the same name is built from it. */
  readonly debian: string;
  readonly piImage: string;
  readonly sha256: Readonly<Record<string, string>>;
}

/** Processors of hosts, by Node's names: Pis, and what virtual ones may be on. */
export type NodeArch = "arm64" | "x64";

export type PluginName = "random" | "docker" | "command";

export const versions = JSON.parse(
  readFileSync(path.join(__dirname, "versions.json"), "utf8"),
) as Versions;

/** Compares dotted numbers: negative if `a` is older, 0 if equal. A leading `v` or `go` is ignored. */
export function compareVersions(a: string, b: string): number {
  const numbers = (text: string) =>
    text
      .replace(/^(v|go)/, "")
      .split(/[-+ ]/)[0]!
      .split(".")
      .map((part) => Number.parseInt(part, 10) || 0);
  const left = numbers(a);
  const right = numbers(b);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
