import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { Lab } from "../../model";

/** Bytes of a random password: more than anybody tries. */
const PASSWORD_BYTES = 24;

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

/**
 * A password of 32 letters, digits, `-` and `_`: none needs an escape in Kafka's files. A secret.
 *
 * @param version another one is another password
 */
export function randomPassword(
  name: string,
  version?: number,
  opts?: pulumi.CustomResourceOptions,
): pulumi.Output<string> {
  const keepers = version === undefined ? {} : { keepers: { version: String(version) } };
  const bytes = new random.RandomBytes(name, { length: PASSWORD_BYTES, ...keepers }, opts);
  return pulumi.secret(
    bytes.base64.apply((text) => text.replaceAll("+", "-").replaceAll("/", "_")),
  );
}
