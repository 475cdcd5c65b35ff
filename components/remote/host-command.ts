import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { HostConnection, ReachableHost } from "./reachable-host";

/**
 * Seconds for one dial, and failed dials before a command gives up. Tries follow each other ever more
 * slowly, up to every 5 s: a host that boots (half a minute for a Pi 4) has about a minute to begin to
 * answer, and one that is off is given up within four.
 */
const PER_DIAL_TIMEOUT_SECONDS = 10;
const DIAL_ERROR_LIMIT = 20;

function commandConnection(connection: HostConnection): command.types.input.remote.ConnectionArgs {
  return {
    host: connection.host,
    port: connection.port,
    user: connection.user,
    hostKey: connection.hostKey,
    // No agentSocketPath: its path differs from login to login and would show as a change.
    ...(connection.privateKey === undefined ? {} : { privateKey: connection.privateKey }),
    perDialTimeout: PER_DIAL_TIMEOUT_SECONDS,
    dialErrorLimit: DIAL_ERROR_LIMIT,
  };
}

export interface HostCommandArgs {
  readonly host: ReachableHost;
  /** What to run, as root. Short: it is printed when it fails. */
  readonly run: string;
  /** What the command reads; texts and scripts go here, so that a preview shows their changed lines. */
  readonly stdin: pulumi.Input<string>;
  /** Absent: what it leaves on the host is not looked at again. */
  readonly drifts?: Drifts;
  /** How often the host's services were stopped on a machine that it left; absent: it is nothing to this command. */
  readonly moves?: pulumi.Output<number>;
}

/** How often what this push had left on the host was found changed: see `HostState`. */
export type Drifts = pulumi.Output<number>;

/**
 * What makes a push run anew: another machine, what was changed on it by hand, and a move that was begun, even if the
 * machine is the same again. While there was no such thing, nothing stands for it.
 */
export function triggersOf(
  host: ReachableHost,
  drifts: Drifts | undefined,
  moves?: pulumi.Output<number>,
): pulumi.Input<pulumi.Input<string>[]> {
  if (drifts === undefined && moves === undefined) return host.identity;
  return pulumi
    .all([pulumi.all(host.identity), drifts ?? 0, moves ?? 0])
    .apply(([identity, drifted, moved]) => [
      ...identity,
      ...(drifted === 0 ? [] : [`drift ${drifted}`]),
      ...(moved === 0 ? [] : [`move ${moved}`]),
    ]);
}

/**
 * Runs one idempotent command on a host: at first, again when what it reads changes, and anew when the
 * host's identity does or what it had left there was changed by hand.
 *
 * There is no `update`, since the same command brings a host to any state, and no `delete`: one that
 * is dialled at a dead host would block every later `up`.
 * Standard output is kept as an output and not logged, since it would repeat in every diff.
 */
export function hostCommand(
  name: string,
  args: HostCommandArgs,
  opts: pulumi.CustomResourceOptions,
): command.remote.Command {
  return new command.remote.Command(
    name,
    {
      connection: commandConnection(args.host.connection),
      create: `sudo -n ${args.run}`,
      stdin: args.stdin,
      triggers: triggersOf(args.host, args.drifts, args.moves),
      logging: command.remote.Logging.Stderr,
      // It would need AcceptEnv on every sshd, and our commands do not look at their past.
      addPreviousOutputInEnv: false,
    },
    opts,
  );
}

/** Copies one file to a host; again only when its content, its path or a trigger changes. */
export function hostFile(
  name: string,
  args: {
    readonly host: ReachableHost;
    readonly source: pulumi.asset.Asset;
    readonly remotePath: string;
    readonly drifts?: Drifts;
  },
  opts: pulumi.CustomResourceOptions,
): command.remote.CopyToRemote {
  return new command.remote.CopyToRemote(
    name,
    {
      connection: commandConnection(args.host.connection),
      source: args.source,
      remotePath: args.remotePath,
      triggers: triggersOf(args.host, args.drifts),
    },
    opts,
  );
}
