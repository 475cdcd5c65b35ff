import { readPrivateKey } from "../components/local-inputs";
import { openSshShell } from "../provider/ssh/ssh2";
import { readArgs, runCommand, stackOf, toStderr } from "./lib/cli";
import { exitCodeOf, renderDrift } from "./lib/drift-text";
import { INTERRUPTED, interruptible } from "./lib/interruption";
import { gatherDrift, knownOfHosts } from "./lib/lab-drift";
import { CHECKOUT } from "./lib/lab-folder";
import { resourcesInState } from "./lib/leftovers";
import { standingLab } from "./lib/standing-lab";

const USAGE = `npm run drift [-- --stack NAME] [--json]

Looks at every host of a lab and names what was changed there by hand: files, links, packages, units,
drop-ins, the identity of Kafka's disks, SSH host keys. What was changed in the cluster (topics, users,
rules, quotas) is seen by \`npm run pulumi -- preview --refresh\`; topics by \`npm run status\` too. Nothing is changed, neither there nor in the
engine's state, and no run of the engine is waited for.
Ends with 0 when all is as wanted, with 3 on drift, with 1 when a host could not be looked at.

  --stack NAME   which lab; default virtual (or PI_LAB_STACK)
  --json         the same as one JSON object`;

/** From so many hosts on it takes seconds, and says how far it is. */
const MANY_HOSTS = 50;

async function main(): Promise<number> {
  const given = readArgs({ text: USAGE, values: ["stack"], switches: ["json"] });
  const stack = stackOf(given);
  const { lab, folder } = standingLab(stack);
  return interruptible(async (signal) => {
    const drift = await gatherDrift(lab, knownOfHosts(resourcesInState(folder)), {
      openShell: openSshShell,
      privateKey: readPrivateKey(lab, CHECKOUT),
      signal,
      progress: (done, all) => {
        if (all >= MANY_HOSTS && done % MANY_HOSTS === 0) toStderr(`${done} of ${all} hosts …`);
      },
    }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
      return undefined;
    });
    // A host that was being looked at when it came was not looked at.
    if (drift === undefined || signal.aborted) {
      toStderr("Interrupted.");
      return INTERRUPTED;
    }
    process.stdout.write(
      `${given.has("json") ? JSON.stringify(drift, undefined, 2) : renderDrift(drift, stack)}\n`,
    );
    return exitCodeOf(drift);
  });
}

runCommand(main);
