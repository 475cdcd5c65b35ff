import { readPrivateKey } from "../components/local-inputs";
import { packageCache } from "../provider/packages/kept";
import { openSshShell } from "../provider/ssh/ssh2";
import { readArgs, runCommand, stackOf, toStderr } from "./lib/cli";
import { INTERRUPTED, interruptible } from "./lib/interruption";
import { CHECKOUT } from "./lib/lab-folder";
import { resourcesInState } from "./lib/leftovers";
import { exitCodeOf, fillForLab, renderPackages } from "./lib/packages-report";
import { standingLab } from "./lib/standing-lab";

const USAGE = `npm run packages [-- --stack NAME] [--json]

Fetches all Debian packages that any host of a lab needs into this machine's cache, so that a machine can be
swapped in while there is no internet. One host of each kind (distribution, release, architecture) is asked what
its apt would fetch for an empty card; nothing is installed, and its own lists stay as they are. Needs SSH to the
hosts and, for what is not in the cache, internet here.
Ends with 0 when all is there, with 1 when something is missing or a host did not answer.

  --stack NAME   which lab; default virtual (or PI_LAB_STACK)
  --json         the same as one JSON object`;

async function main(): Promise<number> {
  const given = readArgs({ text: USAGE, values: ["stack"], switches: ["json"] });
  const { lab, folder } = standingLab(stackOf(given));
  if (lab.packagesFrom === "internet") {
    toStderr(
      "Its hosts fetch packages themselves: `packages: { from: controller }` in its configuration has them take these.",
    );
  }
  const cache = packageCache();
  return interruptible(async (signal) => {
    const result = await fillForLab(lab, {
      privateKey: readPrivateKey(lab, CHECKOUT),
      state: resourcesInState(folder),
      open: openSshShell,
      cache,
      signal,
      progress: toStderr,
    }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
      return undefined;
    });
    await cache.close();
    if (result === undefined) {
      toStderr("Interrupted.");
      return INTERRUPTED;
    }
    const text = given.has("json") ? JSON.stringify(result, undefined, 2) : renderPackages(result);
    process.stdout.write(`${text}\n`);
    return exitCodeOf(result);
  });
}

runCommand(main);
