import { existsSync } from "node:fs";
import { ensureDocker, ensurePulumi, type Docker } from "../toolchain";
import { bundlePlugins } from "../toolchain/bundle";
import { pingSocket, socketPath } from "../toolchain/docker-api";
import { aloneAtWork } from "./lib/at-work";
import { readArgs, runCommand, stackOf, npmRun, toStderr } from "./lib/cli";
import { askEngine, type Engine } from "./lib/engine";
import { UserError } from "./lib/errors";
import { display, isVirtual, readLab } from "./lib/lab-files";
import { labFolder, type LabFolder } from "./lib/lab-folder";
import {
  dockerObjects,
  idsInState,
  pendingCreates,
  removeObjects,
  resourcesInState,
} from "./lib/leftovers";
import { backendLocks } from "./lib/locks";
import { readRun } from "./lib/run-record";
import { recover } from "./lib/open-lab";
import { runShown } from "./lib/shown-run";

const USAGE = `npm run lab:down [-- --stack NAME] [--remove-leftovers]

Ends a virtual lab: its containers, networks, volumes and processes, and the Docker daemon if the
lab started it and nothing else uses it. The lab's configuration stays.

  --stack NAME          which lab; default virtual (or PI_LAB_STACK)
  --remove-leftovers    also remove containers of this lab's name that its state does not know`;

/** Where the daemon listens that the toolchain starts. */
const DEFAULT_DOCKER_HOST = "unix:///var/run/docker.sock";

async function main(): Promise<number> {
  const given = readArgs({ text: USAGE, values: ["stack"], switches: ["remove-leftovers"] });
  const stack = stackOf(given);
  const folder = labFolder(stack);
  if (!existsSync(folder.configFile)) {
    toStderr(`There is no lab ${stack}: nothing to end.`);
    return 0;
  }
  const lab = readLab(folder);
  if (!isVirtual(lab)) {
    throw new UserError(
      `The lab ${stack} is of real machines. To stop its services and keep the data: ${npmRun("pulumi", stack, "destroy")}`,
    );
  }
  return aloneAtWork(folder, npmRun("lab:down", stack), toStderr, () =>
    bringDown(folder, given.has("remove-leftovers")),
  );
}

async function bringDown(folder: LabFolder, removeLeftovers: boolean): Promise<number> {
  const { stack } = folder;
  if (isDown(folder) && !removeLeftovers) {
    // Nothing to end is no reason to build an engine, or to start a daemon that does not run.
    if (await dockerRuns()) await stopDocker(await ensureDocker(toStderr));
    toStderr(`The lab ${stack} is down already.`);
    return 0;
  }
  const pulumi = await ensurePulumi(toStderr);
  await bundlePlugins(toStderr);
  const docker = await ensureDocker(toStderr);
  const engine: Engine = { bin: pulumi.bin, env: { ...pulumi.env, DOCKER_HOST: docker.host } };
  await recover(folder, engine, docker, toStderr, removeLeftovers);
  const code = await destroy(folder, engine, docker);
  if (code !== 0) return code;
  await stopDocker(docker);
  toStderr(`The lab ${stack} is down. Its configuration stays in ${display(folder.configFile)}.`);
  return 0;
}

/** Whether neither the state nor the record of the last run tells of anything that is or may be up. */
function isDown(folder: LabFolder): boolean {
  const run = readRun(folder);
  const ended = run === undefined || run.exitCode !== undefined;
  const empty = resourcesInState(folder).length === 0 && pendingCreates(folder).length === 0;
  return ended && empty && backendLocks(folder).length === 0;
}

async function dockerRuns(): Promise<boolean> {
  const socket = socketPath(process.env.DOCKER_HOST || DEFAULT_DOCKER_HOST);
  return socket !== undefined && (await pingSocket(socket)).kind === "up";
}

async function destroy(folder: LabFolder, engine: Engine, docker: Docker): Promise<number> {
  if (resourcesInState(folder).length === 0) return 0;
  const known = idsInState(folder);
  const run = await runShown(folder, engine, ["destroy", "--yes", "--skip-preview"], toStderr);
  if (run.interrupted) {
    toStderr(`Interrupted. ${npmRun("lab:down", folder.stack)} ends the rest.`);
    return 130;
  }
  if (run.exitCode === 0) return 0;
  // A lab that is broken enough can refuse to be taken down step by step. It is virtual and consents:
  // remove what the state knows, and then the state.
  toStderr("Taking the lab down step by step failed (see above); removing its containers at once.");
  // By their ids alone: the lab's name may have been edited since.
  const objects = await dockerObjects(docker.host);
  await removeObjects(
    docker.host,
    objects.filter(({ id }) => known.has(id)),
  );
  await askEngine(folder, engine, [
    "stack",
    "rm",
    "--yes",
    "--force",
    "--preserve-config",
    folder.stack,
  ]);
  return 0;
}

async function stopDocker(docker: Docker): Promise<void> {
  if (!docker.startedByUs) return;
  const stopped = await docker.stop();
  toStderr(
    stopped
      ? "Stopped the Docker daemon that the lab had started."
      : "Docker goes on: other containers run on it, or another command uses it.",
  );
}

runCommand(main);
