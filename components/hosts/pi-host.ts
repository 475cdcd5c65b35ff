import type * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Host, Lab, Push } from "../../model";
import { HostState, Packages, type PilabProvider } from "../../provider/resources";
import {
  broughtPackages,
  hostWants,
  type PushedWith,
  renderBringScript,
  renderPrepareScript,
} from "../../render";
import { type Drifts, hostCommand, type ReachableHost, triggersOf } from "../remote";

export interface PiHostArgs {
  readonly lab: Lab;
  readonly host: Host;
  readonly reachable: ReachableHost;
  readonly provider: PilabProvider;
  /** What its pushes are made with. Default: nothing but the lab. */
  readonly with?: pulumi.Output<PushedWith> | undefined;
}

/**
 * A Pi (or any other machine on the switch) prepared for its role: packages, service user,
 * directories, time zone and clock, limits, bounded logs. Preparing again changes nothing.
 * What its pushes left there is looked at again at each refresh.
 */
export class PiHost extends pulumi.ComponentResource {
  public readonly reachable: ReachableHost;
  public readonly prepared: command.remote.Command;
  private readonly state: HostState;

  constructor(name: string, args: PiHostArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pilab:lab:PiHost", name, {}, opts);
    this.reachable = args.reachable;
    this.state = new HostState(
      `${name}-state`,
      {
        host: args.host.name,
        connection: args.reachable.connection,
        pushes:
          args.with === undefined
            ? hostWants(args.lab, args.host)
            : // Hashes of what holds 32 random letters and digits are no secrets.
              pulumi.unsecret(args.with.apply((known) => hostWants(args.lab, args.host, known))),
      },
      { parent: this, provider: args.provider },
    );
    const packages = this.packages(name, args);
    this.prepared = hostCommand(
      `${name}-prepare`,
      {
        host: args.reachable,
        run: "bash -s",
        stdin: renderPrepareScript(args.lab, args.host),
        drifts: this.drifts("prepare"),
      },
      { parent: this, dependsOn: [...args.reachable.readyAfter, ...packages] },
    );
    this.registerOutputs({ address: args.reachable.address });
  }

  /** What brings the packages where the host is not to fetch them itself. */
  private packages(name: string, { lab, host, reachable, provider }: PiHostArgs): Packages[] {
    switch (lab.packagesFrom) {
      case "internet":
        return [];
      case "controller":
        return [
          new Packages(
            `${name}-packages`,
            {
              host: host.name,
              connection: reachable.connection,
              packages: broughtPackages(lab, host),
              ...(lab.packageMirrors.length === 0 ? {} : { mirrors: lab.packageMirrors }),
              script: renderBringScript(lab, host),
              triggers: triggersOf(reachable, this.drifts("prepare")),
            },
            { parent: this, provider, dependsOn: reachable.readyAfter },
          ),
        ];
      default:
        return lab.packagesFrom satisfies never;
    }
  }

  /** How often drift was found here that a push mends. */
  public drifts(push: Push): Drifts {
    return this.state.generations.apply((generations) => generations[push] ?? 0);
  }
}
