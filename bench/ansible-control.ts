import { join } from "node:path";
import { STACK_LABEL } from "../scripts/lib/leftovers";
import { CommandError, run } from "../toolchain/process";
import { parseFaults, parseRecap, type HostRecap } from "./ansible-recap";
import { PiShell } from "./pi-shell";

const DOCKER_MS = 60_000;
const INSTALL_MS = 15 * 60_000;
const PLAYBOOK_MS = 10 * 60_000;
const PLAYBOOK = join(__dirname, "ansible");
const INSTALL = [
  "export DEBIAN_FRONTEND=noninteractive",
  "apt-get -qq -o Acquire::Retries=3 update",
  "apt-get -qq --yes --no-install-recommends install ansible-core openssh-client >/dev/null",
].join("\n");

export interface ControlOptions {
  /** Of the container, and as the value of the label by which it is removed. */
  readonly name: string;
  readonly dockerHost: string;
  /** The virtual Pis' image: Debian, whose Ansible is taken. */
  readonly image: string;
  /** Inventories, files and keys lie below it. */
  readonly folder: string;
  readonly archive: string;
}

/** Where Ansible runs: a container of this run's own in this machine's network, so that the machine stays as it is. */
export class AnsibleControl {
  private runs = 0;

  private constructor(
    private readonly shell: PiShell,
    /** As it names itself, e.g. `ansible [core 2.14.18]`. */
    readonly version: string,
  ) {}

  static async start(options: ControlOptions): Promise<AnsibleControl> {
    const { name, dockerHost, image, folder, archive } = options;
    const readOnly = [folder, archive, PLAYBOOK].flatMap((path) => ["-v", `${path}:${path}:ro`]);
    await run(
      "docker",
      [
        ...[
          "-H",
          dockerHost,
          "run",
          "--detach",
          "--name",
          name,
          "--label",
          `${STACK_LABEL}=${name}`,
        ],
        ...["--network", "host", ...readOnly],
        ...["--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"],
        ...[image, "sleep", "infinity"],
      ],
      { timeoutMs: DOCKER_MS },
    );
    const shell = new PiShell(dockerHost, name);
    await shell.bash(`set -e\n${INSTALL}`, { timeoutMs: INSTALL_MS });
    const version = await shell.exec(["env", "LC_ALL=C.UTF-8", "ansible", "--version"]);
    return new AnsibleControl(shell, version.split("\n")[0]!);
  }

  /**
   * Runs the playbook once, over connections of its own.
   * @param sshConfig how the hosts are reached
   */
  async play(
    inventory: string,
    sshConfig: string,
  ): Promise<{ readonly seconds: number; readonly recap: readonly HostRecap[] }> {
    this.runs += 1;
    const env = [
      "LC_ALL=C.UTF-8",
      `ANSIBLE_CONFIG=${join(PLAYBOOK, "ansible.cfg")}`,
      `ANSIBLE_SSH_ARGS=-F ${sshConfig} -o ControlMaster=auto -o ControlPersist=120s`,
      // What the last run has left open would not be there the day after.
      `ANSIBLE_SSH_CONTROL_PATH_DIR=/tmp/connections-${this.runs}`,
    ];
    const begin = performance.now();
    const output = await this.shell
      .exec(["env", ...env, "ansible-playbook", "-i", inventory, join(PLAYBOOK, "site.yml")], {
        timeoutMs: PLAYBOOK_MS,
      })
      .catch((error: unknown) => {
        const faults = error instanceof CommandError ? parseFaults(error.output) : [];
        if (faults.length === 0) throw error;
        throw new Error(`the playbook failed:\n${faults.join("\n")}`, { cause: error });
      });
    return { seconds: (performance.now() - begin) / 1000, recap: parseRecap(output) };
  }
}
