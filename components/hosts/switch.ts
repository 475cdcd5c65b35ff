import * as pulumi from "@pulumi/pulumi";
import type { Lab } from "../../model";
import { virtualSwitch } from "../virtual";

/**
 * The switch and what is plugged into which port. Real cables are plugged in by hand: there it only
 * states the plan; on a virtual lab it is a network.
 */
export class Switch extends pulumi.ComponentResource {
  /** The Docker network of a virtual lab; undefined where the switch is real. */
  public readonly network: pulumi.CustomResource | undefined;
  public readonly networkName: pulumi.Output<string> | undefined;
  /** Port number to host name; free ports are absent. */
  public readonly ports: Readonly<Record<string, string>>;

  constructor(name: string, lab: Lab, opts?: pulumi.ComponentResourceOptions) {
    super("pilab:lab:Switch", name, {}, opts);
    this.ports = Object.fromEntries(lab.hosts.map((host) => [String(host.port), host.name]));
    if (lab.substrate.kind === "virtual") {
      const network = virtualSwitch(`${name}-network`, lab, { parent: this });
      this.network = network;
      this.networkName = network.name;
    }
    this.registerOutputs({ model: lab.switch.model, subnet: lab.switch.subnet, ports: this.ports });
  }
}
