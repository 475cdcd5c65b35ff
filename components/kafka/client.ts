import * as pulumi from "@pulumi/pulumi";
import type { ClientHost, Lab } from "../../model";
import { PiHost } from "../hosts";
import type { PilabProvider } from "../../provider/resources";
import type { ReachableHost } from "../remote";

export interface KafkaClientArgs {
  readonly lab: Lab;
  readonly host: ClientHost;
  readonly reachable: ReachableHost;
  readonly provider: PilabProvider;
}

/** A Pi of the client ring. It is prepared; its programs are not part of the lab yet. */
export class KafkaClient extends pulumi.ComponentResource {
  constructor(name: string, args: KafkaClientArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pilab:kafka:Client", name, {}, opts);
    new PiHost(name, args, { parent: this });
    this.registerOutputs({ topic: args.host.topic });
  }
}
