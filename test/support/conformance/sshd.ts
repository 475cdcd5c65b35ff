import { randomInt } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { STACK_LABEL } from "../../../scripts/lib/leftovers";
import { freeSubnet, takenSubnets } from "../../../scripts/lib/subnets";
import { ensureDocker, ensurePiImage } from "../../../toolchain";
import { run } from "../../../toolchain/process";
import { generateKey, type KeyPair } from "../ssh/server";
import { dockerHostFile, labPrefix, testRunDir } from "../test-run";
import type { Value } from "./stack";

/**
 * A host with a real sshd, in a container of the virtual Pis' image on a network of its own. Of
 * environment variables it takes LANG and LC_*, as Debian has it.
 */
export class SshHost {
  private constructor(
    private readonly docker: (...args: string[]) => Promise<{ stdout: string; stderr: string }>,
    private readonly name: string,
    readonly address: string,
    readonly hostKey: KeyPair,
    readonly userKey: KeyPair,
  ) {}

  static async start(): Promise<SshHost> {
    const log = (line: string): void => void process.stderr.write(`${line}\n`);
    const { host: dockerHost } = await ensureDocker(log);
    // The sweep after the tests looks there for what they left.
    fs.writeFileSync(dockerHostFile(), dockerHost);
    const image = await ensurePiImage(log);
    const docker = (...args: string[]): ReturnType<typeof run> =>
      run("docker", ["-H", dockerHost, ...args], { timeoutMs: 60_000 });
    const name = `${labPrefix()}sshd-${process.env["JEST_WORKER_ID"] ?? "0"}`;
    const wanted = `10.${randomInt(210, 250)}.${randomInt(250)}.0/28`;
    const subnet = freeSubnet(wanted, await takenSubnets(dockerHost));
    const address = subnet.replace(/0\/28$/, "2");
    const label = `${STACK_LABEL}=${name}`;
    await docker("network", "create", "--subnet", subnet, "--label", label, name);
    const host = new SshHost(docker, name, address, generateKey(), generateKey());
    await docker(
      ...[
        "create",
        "--name",
        name,
        "--network",
        name,
        "--ip",
        address,
        "--label",
        label,
        "--init",
        "--shm-size",
        "1m",
      ],
      ...[image, "/bin/sh", "-c", "mkdir -p /run/sshd && exec /usr/sbin/sshd -D -e"],
    );
    await host.put("/etc/ssh/ssh_host_ed25519_key", host.hostKey.privateKey, 0o600);
    await host.put("/etc/ssh/authorized_keys.d/pi", `${host.userKey.publicKey}\n`, 0o644);
    await docker("start", name);
    return host;
  }

  /** A connection that logs in, as a resource's argument. */
  connection(changes: Readonly<Record<string, Value>> = {}): Record<string, Value> {
    return {
      host: this.address,
      user: "pi",
      privateKey: this.userKey.privateKey,
      hostKey: this.hostKey.publicKey,
      ...changes,
    };
  }

  /** Runs a command on the host beside SSH, as root; gives its output. */
  async shell(command: string): Promise<string> {
    const { stdout } = await this.docker("exec", this.name, "/bin/sh", "-c", command);
    return stdout.trimEnd();
  }

  /** What a file says, without the final line feed; "absent" if there is none. */
  read(file: string): Promise<string> {
    return this.shell(`if [ -e ${file} ]; then cat ${file}; else echo absent; fi`);
  }

  /** How many logins sshd has let in so far. */
  async logins(): Promise<number> {
    const { stdout, stderr } = await this.docker("logs", this.name);
    return `${stdout}${stderr}`.split("Accepted publickey").length - 1;
  }

  async stop(): Promise<void> {
    await this.docker("rm", "--force", "--volumes", this.name);
    await this.docker("network", "rm", this.name);
  }

  private async put(target: string, content: string, mode: number): Promise<void> {
    const source = path.join(testRunDir(), path.basename(target));
    fs.writeFileSync(source, content, { mode });
    await this.docker("cp", source, `${this.name}:${target}`);
    fs.rmSync(source);
  }
}
