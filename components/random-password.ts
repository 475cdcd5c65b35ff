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
 * @param minNumeric so many digits at least, for who refuses a password without; another number is another password
 */
export function randomPassword(
  name: string,
  version?: number,
  opts?: pulumi.CustomResourceOptions,
  minNumeric?: number,
): pulumi.Output<string> {
  const keepers = version === undefined ? {} : { keepers: { version: String(version) } };
  const digits = minNumeric === undefined ? {} : { minNumeric };
  const args = { length: PASSWORD_LENGTH, special: false, ...digits, ...keepers };
  return pulumi.secret(new random.RandomPassword(name, args, opts).result);
}
