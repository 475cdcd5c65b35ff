import { execFileSync, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { ensureDocker, type Docker } from "../../../toolchain";
import {
  buildFolder,
  builderLabel,
  removeLeftovers,
  thisBuilder,
} from "../../../toolchain/pi-image-leftovers";

const silent = () => undefined;
const id = randomUUID().slice(0, 8);
let daemon: Docker;
const docker = (args: readonly string[], input?: Buffer) =>
  execFileSync("docker", ["-H", daemon.host, ...args], {
    encoding: "utf8",
    ...(input ? { input } : {}),
  }).trim();

beforeAll(async () => {
  daemon = await ensureDocker(silent);
}, 120_000);
afterAll(async () => {
  for (const name of ["live", "dead"]) {
    spawnSync("docker", ["-H", daemon.host, "rm", "--force", `pi-lab-image-${name}-${id}`]);
    spawnSync("docker", ["-H", daemon.host, "image", "rm", `pi-lab/base:${name}-${id}`]);
  }
  if (daemon.startedNow) await daemon.stop();
});

/** What a build has at its height. */
function leave(name: string, builder: string): void {
  const tag = `pi-lab/base:${name}-${id}`;
  // Not the same content twice: that would be one image with two names.
  const archive = execFileSync("tar", [
    "-cf",
    "-",
    "-C",
    __dirname,
    "--transform",
    `s/^/${name}/`,
    path.basename(__filename),
  ]);
  docker(["import", "--change", `LABEL ${builderLabel}="${builder}"`, "-", tag], archive);
  const label = `${builderLabel}=${builder}`;
  docker(["create", "--name", `pi-lab-image-${name}-${id}`, "--label", label, tag, "/bin/true"]);
}
const there = (kind: "container" | "image", name: string) =>
  spawnSync("docker", ["-H", daemon.host, kind, "inspect", name]).status === 0;

test("a build removes what a dead one has left, and nothing of one that lives", async () => {
  const dead = `${process.pid} another start`;
  leave("dead", dead);
  leave("live", thisBuilder());
  const [deadFolder, liveFolder] = [buildFolder(), buildFolder()];
  fs.writeFileSync(path.join(deadFolder, "builder"), dead);
  const foreign = fs.mkdtempSync(path.join(os.tmpdir(), "pi-lab-image-"));
  try {
    await removeLeftovers(silent, daemon.host);
    expect({
      dead: [
        there("container", `pi-lab-image-dead-${id}`),
        there("image", `pi-lab/base:dead-${id}`),
        fs.existsSync(deadFolder),
      ],
      live: [
        there("container", `pi-lab-image-live-${id}`),
        there("image", `pi-lab/base:live-${id}`),
        fs.existsSync(liveFolder),
      ],
      foreign: fs.existsSync(foreign),
    }).toEqual({ dead: [false, false, false], live: [true, true, true], foreign: true });
  } finally {
    for (const folder of [deadFolder, liveFolder, foreign])
      fs.rmSync(folder, { recursive: true, force: true });
  }
}, 60_000);
