import * as pulumi from "@pulumi/pulumi";
import type { Host, Lab, Machine, MachineName } from "../../model";
import type { HostConnection, ReachableHost } from "../remote";
import { VirtualPi } from "../virtual";
import type { Switch } from "./switch";

/** How the controlling machine gets into the lab's machines. */
export interface Access {
  /** Text of the private key; undefined: the SSH agent is asked. */
  readonly privateKey: string | undefined;
  /** Its public line; needed only where machines are made here. */
  readonly authorizedKey: string | undefined;
}

/** Finds for each host the machine it plays on; on a virtual lab makes all machines, spares included. */
export class Machines {
  private readonly virtual = new Map<MachineName, VirtualPi>();
  /** Secret; undefined: the SSH agent is asked. */
  public readonly privateKey: pulumi.Output<string> | undefined;

  constructor(
    private readonly lab: Lab,
    labSwitch: Switch,
    access: Access,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    this.privateKey =
      access.privateKey === undefined ? undefined : pulumi.secret(access.privateKey);
    if (lab.substrate.kind === "virtual") {
      if (labSwitch.networkName === undefined || access.authorizedKey === undefined) {
        throw new Error("a virtual lab needs a network and an SSH key: both are checked before");
      }
      for (const machine of lab.machines) {
        const args = {
          lab,
          machine,
          image: lab.substrate.image,
          network: labSwitch.networkName,
          authorizedKey: access.authorizedKey,
        };
        this.virtual.set(machine.name, new VirtualPi(machine.name, args, opts));
      }
    }
  }

  /** What a host's machine is told by, before anything of it is made or touched. */
  public connectionOf({ machine }: Host): HostConnection {
    return {
      host: machine.address,
      port: this.lab.ssh.port,
      user: this.lab.ssh.user,
      privateKey: this.privateKey,
      hostKey: this.virtual.get(machine.name)?.hostKey ?? pinnedKey(machine),
    };
  }

  /** Makes the containers of a virtual lab. Real Pis are there; either way `gate` is passed first. */
  public boot(gate: pulumi.Resource): BootedMachines {
    const containers = new Map(
      [...this.virtual].map(([name, machine]) => [name, machine.boot([gate])]),
    );
    return {
      of: (host) => {
        const connection = this.connectionOf(host);
        const container = containers.get(host.machine.name);
        return {
          name: host.name,
          address: host.machine.address,
          connection,
          identity:
            container === undefined ? [connection.hostKey] : [connection.hostKey, container.id],
          readyAfter: [container ?? gate],
        };
      },
    };
  }
}

/** The machines, there to be reached. */
export interface BootedMachines {
  of(host: Host): ReachableHost;
}

function pinnedKey(machine: Machine): string {
  if (machine.hostKey === undefined) {
    throw new Error(`machine ${machine.name} has no host key: validation requires one`);
  }
  return machine.hostKey;
}
