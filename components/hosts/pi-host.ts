import type * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Host, Lab } from "../../model";
import { renderPrepareScript } from "../../render";
import { hostCommand, type ReachableHost } from "../remote";

export interface PiHostArgs {
  readonly lab: Lab;
  readonly host: Host;
  readonly reachable: ReachableHost;
}

/**
 * A Pi (or any other machine on the switch) prepared for its role: packages, service user,
 * directories, time zone and clock, limits, bounded logs. Preparing again changes nothing.
 */
export class PiHost extends pulumi.ComponentResource {
  public readonly reachable: ReachableHost;
  public readonly prepared: command.remote.Command;

  constructor(name: string, args: PiHostArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pilab:lab:PiHost", name, {}, opts);
    this.reachable = args.reachable;
    this.prepared = hostCommand(
      `${name}-prepare`,
      {
        host: args.reachable,
        run: "bash -s",
        stdin: renderPrepareScript(args.lab, args.host),
      },
      { parent: this, dependsOn: args.reachable.readyAfter },
    );
    this.registerOutputs({ address: args.reachable.address });
  }
}
