import { runAttached } from "./lib/attached";
import { readArgs, runCommand, stackOf } from "./lib/cli";
import { loginOf } from "./lib/host-login";
import { writeKnownHosts } from "./lib/known-hosts";
import { sshArguments } from "./lib/ssh-client";
import { hostNamed, standingLab } from "./lib/standing-lab";

const USAGE = `npm run ssh -- [--stack NAME] HOST [COMMAND …]

Logs in to a host with your own OpenSSH client, or runs a command there and ends with its exit code. Only
the host key that the lab pins is accepted. What follows HOST is ssh's, as it stands: options too.

  --stack NAME   which lab; default virtual (or PI_LAB_STACK)`;

async function main(): Promise<number> {
  const given = readArgs({ text: USAGE, words: ["HOST"], rest: true, values: ["stack"] });
  const standing = standingLab(stackOf(given));
  const { folder, lab } = standing;
  const login = loginOf(hostNamed(given.word("HOST"), standing), standing);
  writeKnownHosts(folder, lab);
  const args = sshArguments(lab, login, folder.knownHostsFile, given.rest);
  const { shellCode } = await runAttached(
    "ssh",
    args,
    "Install OpenSSH's client (on Debian: sudo apt-get install openssh-client).",
  );
  return shellCode;
}

runCommand(main);
