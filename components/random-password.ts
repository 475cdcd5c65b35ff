import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

/** More than anybody tries. */
const PASSWORD_LENGTH = 32;

/**
 * A password of 32 letters and digits: none needs an escape in Kafka's files. A secret.
 *
 * Not of `RandomBytes`: the plugin names those by their value, and names are in the clear in the state.
 *
 * @param version another one is another password
 */
export function randomPassword(
  name: string,
  version?: number,
  opts?: pulumi.CustomResourceOptions,
): pulumi.Output<string> {
  const keepers = version === undefined ? {} : { keepers: { version: String(version) } };
  const args = { length: PASSWORD_LENGTH, special: false, ...keepers };
  return pulumi.secret(new random.RandomPassword(name, args, opts).result);
}
