import type * as pulumi from "@pulumi/pulumi";
import type { Lab } from "../../model";
import { randomPassword } from "../random-password";

/**
 * The password with which nodes and stack log in, made once; undefined on a cluster that asks nobody. The
 * nodes know each other by it: it cannot be changed while they run.
 */
export function superUserPassword(
  name: string,
  { cluster }: Lab,
): pulumi.Output<string> | undefined {
  switch (cluster.authentication) {
    case undefined:
      return undefined;
    case "scram":
      return randomPassword(name);
    default:
      return cluster.authentication satisfies never;
  }
}
