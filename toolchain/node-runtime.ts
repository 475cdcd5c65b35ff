import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

import { cached } from "./cache";
import { digestOf, isIntact } from "./download";
import { ToolchainError } from "./errors";
import { step, type Log } from "./log";
import { cacheDir } from "./paths";
import { run } from "./process";
import { versions, type NodeArch } from "./versions";

/** The processor that a virtual lab's machines have: this machine's. */
export function nodeArchHere(arch: string = process.arch): NodeArch {
  if (arch === "arm64" || arch === "x64") return arch;
  throw new ToolchainError(
    `Programs of a virtual lab cannot run on this machine: its processor is ${arch}`,
    "Use a machine with an x64 or arm64 processor.",
  );
}

/**
 * The Node.js that programs on hosts run on, as `CACHE/node/node-VERSION-linux-ARCH.tgz` with its digest
 * beside it (`.sha256`, as sha256sum writes it): the npm package `node-linux-ARCH` as it is, with the
 * runtime as `package/bin/node`. Its SHA-512 is pinned in versions.json.
 *
 * @returns the path of the archive
 */
export async function ensureNode(log: Log, arch: NodeArch): Promise<string> {
  const { version, integrity } = versions.node;
  const name = `node-${version}-linux-${arch}.tgz`;
  const archive = path.join(cacheDir(), "node", name);
  const title = `Fetching Node.js ${version} for ${arch} hosts`;
  // A damaged one would be pushed to every host.
  return cached(log, { name: `node/${name}`, title, isWhole: isIntact }, (folder) =>
    step(log, title, async () => {
      const packed = await packFromNpm(folder, `node-linux-${arch}@${version}`);
      const found = await integrityOf(packed);
      if (found !== integrity[arch]) {
        throw new ToolchainError(
          `node-linux-${arch} ${version} from npm is not the one that is pinned: its integrity is ${found}, not ${integrity[arch]}`,
          "See which registry npm asks (`npm config get registry`); it serves something else under that name.",
        );
      }
      // The digest goes first: an archive without one counts as damaged.
      fs.mkdirSync(path.dirname(archive), { recursive: true });
      fs.writeFileSync(`${archive}.sha256`, `${await digestOf(packed)}  ${name}\n`);
      return packed;
    }),
  );
}

async function packFromNpm(folder: string, spec: string): Promise<string> {
  await run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder, spec], {
    timeoutMs: 10 * 60_000,
    cwd: folder,
    remedy: "See whether npm reaches its registry (`npm ping`), then run the command again.",
  });
  const [archive] = fs.readdirSync(folder).filter((file) => file.endsWith(".tgz"));
  if (archive === undefined) throw new Error(`bug: npm pack ${spec} left no archive`);
  return path.join(folder, archive);
}

/** As npm writes it: `sha512-BASE64`. */
async function integrityOf(file: string): Promise<string> {
  const hash = createHash("sha512");
  for await (const chunk of fs.createReadStream(file)) hash.update(chunk as Buffer);
  return `sha512-${hash.digest("base64")}`;
}
