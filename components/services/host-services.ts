import * as pulumi from "@pulumi/pulumi";
import type { Host, Lab, ProgramName } from "../../model";
import {
  type HostService,
  metabasePaths,
  type ProgramSums,
  pushedPaths,
  renderServicesScript,
  servicePrograms,
} from "../../render";
import type { PiHost, ProgramFiles } from "../hosts";
import type { LeftMachines } from "../../provider/resources";
import { hostCommand, hostFile } from "../remote";

export interface HostServicesArgs {
  readonly lab: Lab;
  readonly host: Host;
  readonly pi: PiHost;
  /** What the host runs besides Kafka. Holds passwords where anything logs in. */
  readonly services: pulumi.Output<readonly HostService[]>;
  readonly files: ProgramFiles | undefined;
}

/**
 * What a host runs besides Kafka: Node.js and the programs are copied beside all else, and once the
 * cluster serves, one command puts everything in place and starts what differs from before.
 */
export class HostServices extends pulumi.ComponentResource {
  /** Done before anything is started. */
  public readonly prepared: readonly pulumi.Resource[];

  constructor(
    private readonly name: string,
    private readonly args: HostServicesArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("pilab:lab:HostServices", name, {}, opts);
    const { lab, host, pi, files } = args;
    const { reachable } = pi;
    const programs = servicePrograms(lab, host);
    const child = { parent: this };
    const early = { ...child, dependsOn: reachable.readyAfter };
    const copies =
      programs.length === 0
        ? []
        : [
            hostFile(
              `${name}-node-archive`,
              {
                host: reachable,
                source: new pulumi.asset.FileAsset(given(files).node.path),
                remotePath: pushedPaths.node,
                drifts: pi.drifts("node"),
              },
              early,
            ),
            ...programs.map((program) =>
              hostFile(
                `${name}-program-${program}`,
                {
                  host: reachable,
                  source: new pulumi.asset.FileAsset(fileOf(program, files)),
                  remotePath: pushedPaths.program(program),
                  drifts: pi.drifts("programs"),
                },
                early,
              ),
            ),
            ...(lab.data.dashboards?.host === host.name
              ? [
                  hostFile(
                    `${name}-metabase`,
                    {
                      host: reachable,
                      source: new pulumi.asset.FileAsset(metabaseJar(files)),
                      remotePath: metabasePaths.pushed,
                      drifts: pi.drifts("programs"),
                    },
                    early,
                  ),
                ]
              : []),
          ];
    this.prepared = [pi.prepared, ...copies];
  }

  /**
   * Puts everything in place and starts it.
   *
   * @param after what services find there when they start
   * @param left sees to it that they run nowhere else
   */
  public start(after: readonly pulumi.Resource[], left: LeftMachines): void {
    const { host, pi, services, files } = this.args;
    const sums = programSums(files);
    hostCommand(
      `${this.name}-services`,
      {
        host: pi.reachable,
        run: "bash -s",
        stdin: services.apply((all) => renderServicesScript(host, all, sums)),
        // What was copied again is taken from where it was copied to.
        drifts: pulumi
          .all([pi.drifts("node"), pi.drifts("programs"), pi.drifts("services")])
          .apply((counts) => counts.reduce((sum, count) => sum + count, 0)),
        // A move that was taken back has stopped them here.
        moves: left.hosts.apply((hosts) => hosts[host.name]?.moves ?? 0),
      },
      { parent: this, dependsOn: [...this.prepared, ...after, left] },
    );
    this.registerOutputs({});
  }
}

/** What the renderers need to know of the files that are copied. */
export function programSums(files: ProgramFiles | undefined): ProgramSums {
  return {
    node: files?.node.sha256 ?? "",
    programs: Object.fromEntries(
      Object.entries(files?.files ?? {}).map(([name, { sha256 }]) => [name, sha256]),
    ),
    ...(files?.metabase !== undefined && {
      files: { [metabasePaths.pushed]: files.metabase.sha256 },
    }),
  };
}

function given(files: ProgramFiles | undefined): ProgramFiles {
  if (files === undefined) throw new Error("bug: programs without Node.js: that is checked before");
  return files;
}

function fileOf(program: ProgramName, files: ProgramFiles | undefined): string {
  const file = given(files).files[program];
  if (file === undefined) throw new Error(`bug: no file of ${program}: that is checked before`);
  return file.path;
}

function metabaseJar(files: ProgramFiles | undefined): string {
  const { metabase } = given(files);
  if (metabase === undefined) throw new Error("bug: no jar of Metabase: that is checked before");
  return metabase.path;
}
