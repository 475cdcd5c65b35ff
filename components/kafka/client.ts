import * as pulumi from "@pulumi/pulumi";
import type { ClientHost, Lab } from "../../model";
import { PiHost } from "../hosts";
import type { PilabProvider } from "../../provider/resources";
import type { PushedWith } from "../../render";
import type { ReachableHost } from "../remote";

export interface KafkaClientArgs {
  readonly lab: Lab;
  readonly host: ClientHost;
  readonly reachable: ReachableHost;
  readonly provider: PilabProvider;
  /** What the host's pushes are made with. */
  readonly with?: pulumi.Output<PushedWith> | undefined;
}

/** A Pi of the client ring. Its program comes with the host's services, once the cluster runs. */
export class KafkaClient extends pulumi.ComponentResource {
  public readonly pi: PiHost;

  constructor(name: string, args: KafkaClientArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pilab:kafka:Client", name, {}, opts);
    this.pi = new PiHost(name, args, { parent: this });
    this.registerOutputs({ topic: args.host.topic });
  }
}
