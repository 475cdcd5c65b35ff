import { existsSync } from "node:fs";
import { readPrivateKey } from "../components/local-inputs";
import { parseLab } from "../model";
import { openSshShell } from "../provider/ssh/ssh2";
import { npmRun, readArgs, runCommand, toStderr } from "./lib/cli";
import { UserError } from "./lib/errors";
import { display, readLab } from "./lib/lab-files";
import { CHECKOUT, labFolder } from "./lib/lab-folder";
import { resourcesInState } from "./lib/leftovers";
import { labLogin } from "./lib/lab-login";
import { lookAtLab, renderPreflight } from "./lib/preflight-report";
import { statusPortsAs } from "./lib/status-ports";

const USAGE = `npm run preflight [-- --stack NAME] [--json]

Looks at every machine of a lab, as \`up\` does before its first push, and changes nothing: system, memory,
clock, disk, ports, and whether somebody else's Kafka is there. Ends with 1 if \`up\` would refuse.

  --stack NAME   which lab; default pi-lab (or PI_LAB_STACK)
  --json         the same as one JSON object, with all that the machines told`;

async function main(): Promise<number> {
  const given = readArgs({ text: USAGE, values: ["stack"], switches: ["json"] });
  const stack = given.value("stack") ?? (process.env.PI_LAB_STACK || "pi-lab");
  const folder = labFolder(stack);
  if (!existsSync(folder.configFile)) {
    throw new UserError(
      `There is no lab ${stack}: ${display(folder.configFile)} does not exist. Begin with ${npmRun("host-keys", stack)}.`,
    );
  }
  const lab = parseLab(readLab(folder));
  const ports = statusPortsAs(await labLogin(folder, lab));
  toStderr(`Looking at ${lab.hosts.length} machines …`);
  const preflight = await lookAtLab(lab, {
    privateKey: readPrivateKey(lab, CHECKOUT),
    state: resourcesInState(folder),
    open: openSshShell,
    connectAdmin: (servers, options) => ports.connectAdmin(servers, options),
  });
  const text = given.has("json")
    ? JSON.stringify(preflight, undefined, 2)
    : renderPreflight(preflight);
  process.stdout.write(`${text}\n`);
  return preflight.errors === 0 ? 0 : 1;
}

runCommand(main);
