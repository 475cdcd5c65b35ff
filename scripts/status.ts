import { readArgs, runCommand, stackOf } from "./lib/cli";
import { labLogin } from "./lib/lab-login";
import { gatherStatus } from "./lib/lab-status";
import { standingLab } from "./lib/standing-lab";
import { statusPortsAs } from "./lib/status-ports";
import { renderStatus } from "./lib/status-text";

const USAGE = `npm run status [-- --stack NAME] [--json]

Asks every host and the cluster of a lab how they are: whether machines, brokers and controllers serve, and
whether the topics have the partitions, replicas and settings that are declared. Ends with 0 when all is as the lab's
configuration wants it, else with 1.

  --stack NAME   which lab; default virtual (or PI_LAB_STACK)
  --json         the same as one JSON object`;

async function main(): Promise<number> {
  const given = readArgs({ text: USAGE, values: ["stack"], switches: ["json"] });
  const { folder, lab } = standingLab(stackOf(given));
  const status = await gatherStatus(lab, statusPortsAs(await labLogin(folder, lab)));
  const text = given.has("json") ? JSON.stringify(status, undefined, 2) : renderStatus(status);
  process.stdout.write(`${text}\n`);
  return status.problems.length === 0 ? 0 : 1;
}

runCommand(main);
