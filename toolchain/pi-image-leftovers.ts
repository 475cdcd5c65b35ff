import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import type { DockerHost } from "./docker-api";
import type { Log } from "./log";
import { run } from "./process";
import { processStart } from "./process-start";

/** The label of what a build of the image makes for itself: the process that builds. */
export const builderLabel = "pi-lab.builder";

const folderPrefix = "pi-lab-image-";
const builderFile = "builder";

/** Names this process for good, in the words of the label. */
export function thisBuilder(): string {
  return `${process.pid} ${processStart(process.pid) ?? ""}`;
}

function isDead(builder: string): boolean {
  const [, pid, started] = /^(\d+) (.+)$/.exec(builder) ?? [];
  return pid !== undefined && processStart(Number(pid)) !== started;
}

/** A folder for one build, with its builder's name. */
export function buildFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), folderPrefix));
  fs.writeFileSync(path.join(folder, builderFile), thisBuilder());
  return folder;
}

/**
 * Removes what builds have left that were cut off: containers, images and folders whose builder is dead.
 * Another checkout or cache may be building at the same time on the same daemon: its builder lives.
 */
export async function removeLeftovers(log: Log, host: DockerHost): Promise<void> {
  const docker = async (...args: readonly string[]): Promise<string[]> => {
    const { stdout } = await run("docker", ["-H", host, ...args], { timeoutMs: 60_000 });
    return stdout.split("\n").filter((line) => line !== "");
  };
  const filter = ["--filter", `label=${builderLabel}`, "--quiet", "--no-trunc"];
  for (const kind of ["container", "image"] as const) {
    const remove = kind === "container" ? ["rm", "--force", "--volumes"] : ["rm", "--force"];
    const ids = await docker(kind, "ls", "--all", ...filter);
    for (const id of new Set(ids)) {
      const format = `{{index .Config.Labels "${builderLabel}"}}`;
      // Another build may be tidying up after itself: what is gone is no failure.
      const [builder] = await docker(kind, "inspect", "--format", format, id).catch(() => []);
      if (builder === undefined || !isDead(builder)) continue;
      log(`Removing the ${kind} ${id.slice(0, 19)}, which a build has left that was cut off`);
      await docker(kind, ...remove, id);
    }
  }
  for (const name of fs.readdirSync(os.tmpdir())) {
    if (!name.startsWith(folderPrefix)) continue;
    const folder = path.join(os.tmpdir(), name);
    const file = path.join(folder, builderFile);
    if (!fs.existsSync(file) || !isDead(fs.readFileSync(file, "utf8"))) continue;
    log(`Removing ${folder}, which a build has left that was cut off`);
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
