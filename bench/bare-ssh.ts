import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../toolchain/process";

/** As many as a drift report asks at once. */
const AT_ONCE = 32;
const SSH_MS = 60_000;

export interface SshPlaces {
  /** Folder for the client's files. */
  readonly folder: string;
  readonly user: string;
  readonly port: number;
  readonly privateKeyFile: string;
  /** A line for each host, in the form of OpenSSH. */
  readonly knownHosts: string;
  readonly addresses: readonly string[];
}

/** Runs `true` on every host with the system's own ssh client: the least that a look at them can take. */
export async function bareSsh(places: SshPlaces): Promise<{ readonly seconds: number }> {
  const { folder, addresses } = places;
  const knownHostsFile = join(folder, "bare_known_hosts");
  const configFile = join(folder, "bare_ssh_config");
  writeFileSync(knownHostsFile, places.knownHosts);
  writeFileSync(configFile, renderSshConfig(places, knownHostsFile));
  const waiting = [...addresses];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      await run("ssh", ["-F", configFile, next, "true"], { timeoutMs: SSH_MS });
    }
  };
  const begin = performance.now();
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { seconds: (performance.now() - begin) / 1000 };
}

export function renderSshConfig(
  { user, port, privateKeyFile }: SshPlaces,
  knownHostsFile: string,
): string {
  return [
    "Host *",
    `  User ${user}`,
    `  Port ${port}`,
    `  IdentityFile "${privateKeyFile}"`,
    "  IdentitiesOnly yes",
    "  BatchMode yes",
    `  UserKnownHostsFile "${knownHostsFile}"`,
    "  GlobalKnownHostsFile /dev/null",
    "  StrictHostKeyChecking yes",
    "  ControlMaster no",
    "  LogLevel ERROR",
    "",
  ].join("\n");
}
