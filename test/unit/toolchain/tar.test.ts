import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

import * as fc from "fast-check";

import { packFolder } from "../../../toolchain/tar";
import { cleanUp, temporaryFolder } from "./support";

afterEach(cleanUp);

/** Packs a tree, and gives the bytes and what tar makes of them. */
async function pack(folder: string) {
  const archive = path.join(temporaryFolder(), "archive.tgz");
  await packFolder(folder, "top-1.0", archive);
  return archive;
}

function unpack(archive: string): string {
  const folder = temporaryFolder();
  execFileSync("tar", ["-xzf", archive, "-C", folder]);
  return folder;
}

describe("packFolder", () => {
  it("gives the same bytes for the same content, whatever the order, times and rights", async () => {
    const trees = [temporaryFolder(), temporaryFolder()];
    const names = ["b.jar", "a.jar", "bin/run.sh", "licenses/MIT"];
    for (const [i, tree] of trees.entries()) {
      for (const name of i === 0 ? names : [...names].reverse()) {
        const file = path.join(tree, name);
        fs.mkdirSync(path.dirname(file), { recursive: true, mode: i === 0 ? 0o755 : 0o700 });
        fs.writeFileSync(file, `content of ${name}`);
        fs.chmodSync(file, name.endsWith(".sh") ? 0o755 : i === 0 ? 0o644 : 0o600);
        fs.utimesSync(file, i * 1e6, i * 1e6);
      }
    }
    const [one, other] = await Promise.all(trees.map(pack));
    expect(fs.readFileSync(one!).equals(fs.readFileSync(other!))).toBe(true);
    const listing = execFileSync("tar", ["-tvzf", one!, "--full-time"], {
      encoding: "utf8",
      env: { ...process.env, TZ: "UTC" },
    });
    expect(listing.split("\n").map((line) => line.replace(/\s+/g, " "))).toEqual([
      "drwxr-xr-x root/root 0 1970-01-01 00:00:00 top-1.0/",
      "-rw-r--r-- root/root 16 1970-01-01 00:00:00 top-1.0/a.jar",
      "-rw-r--r-- root/root 16 1970-01-01 00:00:00 top-1.0/b.jar",
      "drwxr-xr-x root/root 0 1970-01-01 00:00:00 top-1.0/bin/",
      "-rwxr-xr-x root/root 21 1970-01-01 00:00:00 top-1.0/bin/run.sh",
      "drwxr-xr-x root/root 0 1970-01-01 00:00:00 top-1.0/licenses/",
      "-rw-r--r-- root/root 23 1970-01-01 00:00:00 top-1.0/licenses/MIT",
      "",
    ]);
  });

  it("carries any content and any length of name that a tree may have", async () => {
    const name = fc.stringMatching(/^[a-zA-Z0-9._+-]{1,80}$/).filter((s) => !/^\.+$/.test(s));
    const file = fc.tuple(
      fc.array(name, { minLength: 1, maxLength: 3 }),
      fc.uint8Array({ maxLength: 1500 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(file, { maxLength: 6 }), async (files) => {
        const tree = temporaryFolder();
        const written = new Map<string, Buffer>();
        for (const [parts, bytes] of files) {
          // A folder of its own for each file: no name is a file here and a folder there.
          const relative = path.join(
            ...parts.slice(0, -1).map((p) => `d-${p}`),
            `f-${parts.at(-1)}`,
          );
          fs.mkdirSync(path.dirname(path.join(tree, relative)), { recursive: true });
          fs.writeFileSync(path.join(tree, relative), bytes);
          written.set(relative, Buffer.from(bytes));
        }
        const out = unpack(await pack(tree));
        for (const [relative, bytes] of written) {
          expect(fs.readFileSync(path.join(out, "top-1.0", relative)).equals(bytes)).toBe(true);
        }
      }),
      { numRuns: 25 },
    );
  });

  it("keeps symbolic links", async () => {
    const tree = temporaryFolder();
    fs.symlinkSync("target", path.join(tree, "link"));
    expect(fs.readlinkSync(path.join(unpack(await pack(tree)), "top-1.0/link"))).toBe("target");
  });

  it("refuses a name that the format cannot hold", async () => {
    const tree = temporaryFolder();
    fs.writeFileSync(path.join(tree, "x".repeat(101)), "");
    await expect(pack(tree)).rejects.toThrow("too long for tar");
  });
});
