import type { Lab } from "../../model";
import type { HostLogin } from "./host-login";

/**
 * The arguments of OpenSSH's client for a host: its pinned key and no other, the lab's login.
 * @param rest as after `ssh HOST`: a command, or options of ssh and then a command
 */
export function sshArguments(
  lab: Lab,
  { host, privateKeyFile }: HostLogin,
  knownHostsFile: string,
  rest: readonly string[],
): string[] {
  const options = {
    UserKnownHostsFile: path(knownHostsFile),
    // What somebody has trusted elsewhere, or a name server says, does not count.
    GlobalKnownHostsFile: "/dev/null",
    VerifyHostKeyDNS: "no",
    StrictHostKeyChecking: "yes",
    UpdateHostKeys: "no",
    // Not -i: it looks for the file before it reads `%%` as `%`.
    ...(privateKeyFile === undefined
      ? {}
      : { IdentitiesOnly: "yes", IdentityFile: path(privateKeyFile) }),
  };
  return [
    ...Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]),
    "-p",
    String(lab.ssh.port),
    "-l",
    lab.ssh.user,
    host.machine.address,
    ...rest,
  ];
}

/** A path as an option's value: spaces are part of it, and nothing is put in the place of a `%`. */
function path(file: string): string {
  return `"${file.replaceAll("%", "%%")}"`;
}
