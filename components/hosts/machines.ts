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
  private readonly privateKey: pulumi.Output<string> | undefined;

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

  /** The machine that a host plays on, as something that can be reached. */
  public of(host: Host): ReachableHost {
    const { machine } = host;
    const virtual = this.virtual.get(machine.name);
    const hostKey = virtual?.hostKey ?? pinnedKey(machine);
    const connection: HostConnection = {
      host: machine.address,
      port: this.lab.ssh.port,
      user: this.lab.ssh.user,
      privateKey: this.privateKey,
      hostKey,
    };
    return {
      name: host.name,
      address: machine.address,
      connection,
      identity: virtual === undefined ? [hostKey] : [hostKey, virtual.container.id],
      readyAfter: virtual === undefined ? [] : [virtual.container],
    };
  }
}

function pinnedKey(machine: Machine): string {
  if (machine.hostKey === undefined) {
    throw new Error(`machine ${machine.name} has no host key: validation requires one`);
  }
  return machine.hostKey;
}
