import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { boards, type Lab, type Machine } from "../../model";
import {
  kafkaPaths,
  openSshPublicKey,
  publicKeyFingerprint,
  renderAuthorizedKeys,
  renderOpenSshPrivateKey,
} from "../../render";

export interface VirtualPiArgs {
  readonly lab: Lab;
  readonly machine: Machine;
  /** Docker image with systemd and sshd. */
  readonly image: string;
  /** The network that stands for the switch. */
  readonly network: pulumi.Input<string>;
  /** The line of `authorized_keys` that lets the controlling machine in. */
  readonly authorizedKey: string;
}

/**
 * A container with systemd and sshd that stands for a Pi: memory as its board has, an SSH host key
 * of its own that is known before the first start, and a volume for Kafka's data, which outlives
 * the container as a microSD card outlives a reboot.
 */
export class VirtualPi extends pulumi.ComponentResource {
  /** The pinned host key; another seed is another machine. */
  public readonly hostKey: pulumi.Output<string>;
  private readonly seed: random.RandomBytes;

  constructor(
    private readonly name: string,
    private readonly args: VirtualPiArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("pilab:virtual:Pi", name, {}, opts);
    this.seed = new random.RandomBytes(`${name}-host-key`, { length: 32 }, { parent: this });
    this.hostKey = pulumi.unsecret(
      this.seed.base64.apply((text) => openSshPublicKey(Buffer.from(text, "base64"))),
    );
    this.registerOutputs({ hostKey: this.hostKey });
  }

  /**
   * Makes the container. Apart from the identity, since an edit that takes a running machine away is
   * judged by the identities of all of them, before the first container is touched.
   */
  public boot(dependsOn: pulumi.Resource[]): docker.Container {
    const { lab, machine } = this.args;
    const { name, args } = this;
    const child = { parent: this, dependsOn };
    const labels = stackLabels(lab, args.authorizedKey);
    const privateKey = pulumi.secret(
      this.seed.base64.apply((text) => renderOpenSshPrivateKey(Buffer.from(text, "base64"))),
    );

    const volume = new docker.Volume(
      `${name}-data`,
      { name: `${lab.name}-${machine.name}-data`, labels },
      // A volume cannot be renamed, only made anew and blank: another name of the lab must not do that.
      { ...child, ignoreChanges: ["name", "labels"] },
    );
    return new docker.Container(
      name,
      {
        name: `${lab.name}-${machine.name}`,
        hostname: machine.name,
        image: args.image,
        labels: [...labels, { label: "pi-lab.machine", value: machine.name }],
        // What systemd needs to run as it does on a Pi, and no more: `--privileged` would also
        // hand over the controlling machine's devices.
        command: ["/sbin/init"],
        capabilities: { adds: ["CAP_SYS_ADMIN"] },
        cgroupnsMode: "private",
        tmpfs: { "/run": "", "/run/lock": "", "/tmp": "" },
        stopSignal: "SIGRTMIN+3",
        securityOpts: ["seccomp=unconfined", "apparmor=unconfined"],
        memory: boards[machine.board].memoryMib,
        // The same, so no swap: said, because Docker's own choice would show as a change later.
        memorySwap: boards[machine.board].memoryMib,
        networksAdvanced: [{ name: args.network, ipv4Address: machine.address }],
        volumes: [{ volumeName: volume.name, containerPath: kafkaPaths.volume }],
        uploads: [
          {
            file: "/etc/ssh/ssh_host_ed25519_key",
            content: privateKey,
            permissions: "0600",
          },
          {
            file: `/etc/ssh/authorized_keys.d/${lab.ssh.user}`,
            content: renderAuthorizedKeys([args.authorizedKey]),
            permissions: "0644",
          },
        ],
        // A Pi that is rebooted comes back; in a container `reboot` ends it.
        restart: "always",
      },
      // The name and the address are taken: the old container must go first.
      { ...child, deleteBeforeReplace: true },
    );
  }
}

/**
 * Marks what belongs to a lab, so that what a killed `up` left behind can be found. The name alone may be
 * another checkout's lab as well; the key that `npm run lab` makes for each lab is nobody else's.
 */
export function stackLabels(
  lab: Lab,
  authorizedKey: string | undefined,
): { label: string; value: string }[] {
  const stack = { label: "pi-lab.stack", value: lab.name };
  if (authorizedKey === undefined) return [stack];
  return [stack, { label: "pi-lab.key", value: publicKeyFingerprint(authorizedKey) }];
}
