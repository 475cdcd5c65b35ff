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
  return new docker.Network(
    name,
    {
      name: lab.name,
      driver: "bridge",
      labels: stackLabels(lab, authorizedKey),
      ipamConfigs: [{ subnet: lab.switch.subnet, gateway: lab.switch.gateway }],
    },
    { ...opts, deleteBeforeReplace: true },
  );
}
