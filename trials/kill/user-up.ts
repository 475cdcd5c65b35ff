import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { CHECKOUT, type LabFolder } from "../../scripts/lib/lab-folder";
import { watchUp, type WatchedUp, type WatchOptions } from "./watched-up";

/** `npm run pulumi -- up` as a user has it, recovery from earlier runs included, in a group of processes of its own. */
export function userUp(folder: LabFolder, options: WatchOptions): Promise<WatchedUp> {
  const script = join(CHECKOUT, "scripts", "pulumi.ts");
  const child = spawn(
    process.execPath,
    ["--import", "tsx", script, "up", "--yes", "--skip-preview", "--json"],
    {
      cwd: CHECKOUT,
      env: { ...process.env, PI_LAB_LABS_DIR: dirname(folder.dir), PI_LAB_STACK: folder.stack },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    },
  );
  return watchUp(child, options);
}
