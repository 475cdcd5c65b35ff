import * as docker from "@pulumi/docker";
import type * as pulumi from "@pulumi/pulumi";
import type { Lab } from "../../model";
import { stackLabels } from "./virtual-pi";

/** A Docker bridge network with the switch's subnet. The controlling machine reaches it by address. */
export function virtualSwitch(
  name: string,
  lab: Lab,
  authorizedKey: string | undefined,
  opts: pulumi.CustomResourceOptions,
): docker.Network {
  const cutOff = lab.substrate.kind === "virtual" && !lab.substrate.internet;
  return new docker.Network(
    name,
    {
      name: lab.name,
      driver: "bridge",
      // Docker then routes nothing out of it; the controlling machine is on it all the same.
      ...(cutOff ? { internal: true } : {}),
      labels: stackLabels(lab, authorizedKey),
      ipamConfigs: [{ subnet: lab.switch.subnet, gateway: lab.switch.gateway }],
    },
    { ...opts, deleteBeforeReplace: true },
  );
}
