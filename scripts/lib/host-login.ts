import { privateKeyFile, readPrivateKey } from "../../components/local-inputs";
import type { Host } from "../../model";
import type { SshTarget } from "../../plugins/common/ssh";
import { npmRun } from "./cli";
import { UserError } from "./errors";
import { pinnedKeys } from "./known-hosts";
import { CHECKOUT } from "./lab-folder";
import { resourcesInState } from "./leftovers";
import type { StandingLab } from "./standing-lab";

/** How a host is logged in to: as the lab itself does it, with the key that it pins. */
export interface HostLogin {
  readonly host: Host;
  /** `ssh-ed25519 AAAA…`: a host that shows another key is not talked to. */
  readonly hostKey: string;
  /** Absolute; undefined: the SSH agent is asked. */
  readonly privateKeyFile: string | undefined;
}

/** @throws UserError when no key is pinned for the host's machine */
export function loginOf(host: Host, { folder, lab }: StandingLab): HostLogin {
  const hostKey = pinnedKeys(lab, resourcesInState(folder)).get(host.machine.name);
  if (hostKey === undefined) {
    throw new UserError(
      `${host.name}: its machine ${host.machine.name} is not there: the lab ${folder.stack} is down. Bring it up with ${npmRun("lab", folder.stack)}.`,
    );
  }
  return { host, hostKey, privateKeyFile: privateKeyFile(lab, CHECKOUT) };
}

/** The same for a connection of our own. */
export function sshTarget({ host, hostKey }: HostLogin, { lab }: StandingLab): SshTarget {
  return {
    host: host.machine.address,
    port: lab.ssh.port,
    user: lab.ssh.user,
    hostKey,
    privateKey: readPrivateKey(lab, CHECKOUT),
  };
}
