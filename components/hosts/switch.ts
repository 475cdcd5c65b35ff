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

  /** @param authorizedKey the public key that the machines of a virtual lab let in; it marks the network */
  constructor(
    name: string,
    lab: Lab,
    authorizedKey: string | undefined,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("pilab:lab:Switch", name, {}, opts);
    this.ports = Object.fromEntries(lab.hosts.map((host) => [String(host.port), host.name]));
    if (lab.substrate.kind === "virtual") {
      const network = virtualSwitch(`${name}-network`, lab, authorizedKey, { parent: this });
      this.network = network;
      this.networkName = network.name;
    }
    this.registerOutputs({ model: lab.switch.model, subnet: lab.switch.subnet, ports: this.ports });
  }
}
