import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

import { cached } from "../../toolchain/cache";
import { run } from "../../toolchain/process";

/** A program of Debian's, with what its process needs in its environment. */
export interface DebianProgram {
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;
}

const APT_MS = 60_000;
const FETCH_MS = 300_000;
const NO_NEED = ["recommends", "suggests", "conflicts", "breaks", "replaces", "enhances"];
/** Of the machine's own: others of them would not fit its loader. */
const OWN = /^(libc6|libgcc-s1|gcc-.*-base)$/;

/**
 * A program of a Debian package: the one that is installed, else the package's files in the cache. Installing
 * it would change this machine, and start a service where the package has one.
 * @param path where the package has it, absolute
 */
export async function debianProgram(name: string, path: string): Promise<DebianProgram> {
  if (existsSync(path)) return { program: path, env: {} };
  const log = (line: string) => process.stderr.write(`${line}\n`);
  const apt = async (...args: string[]) =>
    (await run("apt-cache", args, { timeoutMs: APT_MS })).stdout;
  const version = /Candidate: ([^\s(]+)/.exec(await apt("policy", name))?.[1];
  if (version === undefined) {
    throw new Error(`apt knows no package ${name}: run \`sudo apt-get update\`, or install it`);
  }
  const entry = {
    name: `debian/${name}-${version.replaceAll(/[^\w.+~-]/g, "_")}`,
    title: `Unpacking Debian's ${name}`,
  };
  const home = await cached(log, entry, async (folder) => {
    const without = NO_NEED.map((kind) => `--no-${kind}`);
    const needed = (await apt("depends", "--recurse", ...without, name)).matchAll(/^(lib\S+)$/gm);
    const libraries = [...needed]
      .map(([, library = ""]) => library)
      .filter((one) => !OWN.test(one));
    const packages = [...new Set([name, ...libraries])];
    await run("apt-get", ["-q", "download", ...packages], { timeoutMs: FETCH_MS, cwd: folder });
    const unpack = "for deb in *.deb; do dpkg -x $deb root && rm $deb; done";
    await run("/bin/sh", ["-c", unpack], { timeoutMs: APT_MS, cwd: folder });
    return join(folder, "root");
  });
  const find = [home, "-name", "*.so.*"];
  const { stdout } = await run("find", find, { timeoutMs: 10_000 });
  const folders = new Set(stdout.split("\n").filter(Boolean).map(dirname));
  return { program: join(home, path), env: { LD_LIBRARY_PATH: [...folders].join(":") } };
}
