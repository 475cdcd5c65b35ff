import * as pulumi from "@pulumi/pulumi";

import { PROVIDER_VERSION } from "../version";

/** Every resource asks for the provider's own version. */
export function versioned<O extends pulumi.ResourceOptions>(opts: O | undefined): O {
  return pulumi.mergeOptions({ version: PROVIDER_VERSION }, opts) as O;
}
