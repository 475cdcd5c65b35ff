/**
 * The provider's resources as a program sees them. Shapes are the provider's wire shapes: what is
 * written here is what `provider/*` receives.
 */
import * as pulumi from "@pulumi/pulumi";

import type { HostWants, Push } from "../model/host-wants";
import { versioned } from "./resources/versioned";

export * from "./resources/cluster";
export * from "./resources/security";

/**
 * How to reach a host over SSH. The host key is its identity: another key is another machine.
 *
 * Plain with inputs as leaves, here and in a rollout's nodes: lifted as a whole, one unknown leaf
 * would make all of it unknown in a preview, and one secret all of it secret.
 */
export interface Connection {
  /** Address or name that is dialled. */
  readonly host: pulumi.Input<string>;
  /** TCP port of sshd. */
  readonly port: pulumi.Input<number>;
  readonly user: pulumi.Input<string>;
  /** OpenSSH private key, kept secret. Absent: the agent at `SSH_AUTH_SOCK` is asked. */
  readonly privateKey?: pulumi.Input<string> | undefined;
  /** Pinned host key, `ssh-ed25519 AAAA…`. */
  readonly hostKey: pulumi.Input<string>;
  /** Whether commands need `sudo`. Default: yes, unless `user` is root. */
  readonly sudo?: pulumi.Input<boolean> | undefined;
}

/** What a Kafka process is started with. */
export interface Fingerprint {
  /** Broker settings, verbatim Kafka keys, without those that live at the cluster's level. */
  readonly properties: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** SHA-256 (hex) by path of the other files that only a restart makes a process read. */
  readonly files: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** Version of Apache Kafka, e.g. `4.1.1`. */
  readonly version: pulumi.Input<string>;
}

/** The staging command's answer. */
export interface Staged {
  /** SHA-256 (hex) of the bundle that was written. */
  readonly hash: string;
  /** When it was written, ISO 8601. */
  readonly time: string;
}

/** A machine that a node was on, or was about to be on. It is dialled with the key that the node has now. */
export interface FormerMachine extends Omit<Connection, "privateKey"> {
  /** Where its Kafka answered, `host:port`. */
  readonly listeners: pulumi.Input<string[]>;
}

/** What a node has left behind. */
export interface Former {
  /** How often it was given another machine or disk. */
  readonly swaps: number;
  /** The last ones, the latest first. */
  readonly machines: pulumi.Unwrap<FormerMachine>[];
}

/** One node of a rollout. */
export interface RolloutNode {
  readonly nodeId: pulumi.Input<number>;
  /** Id of its log directory, as `NodeStorage` tells it. Another one is another disk: the node moves. */
  readonly directoryId: pulumi.Input<string>;
  /** Client listener, `host:port`; the controller listener of a node that is no broker. */
  readonly address: pulumi.Input<string>;
  readonly connection: Connection;
  readonly want: Fingerprint;
  readonly staged: pulumi.Input<Staged>;
  /** Where it may run beside its machine, as `SwapGate` tells it: fenced before it is started. Default: nowhere. */
  readonly former?: pulumi.Input<Former | undefined>;
}

export interface NodeStorageArgs {
  /** Logical host name. */
  readonly host: pulumi.Input<string>;
  readonly connection: Connection;
  /** Kafka `node.id`. */
  readonly nodeId: pulumi.Input<number>;
  /** Kafka's cluster id: 16 bytes, URL-safe base64, 22 characters. */
  readonly clusterId: pulumi.Input<string>;
  /**
   * The log directory's id, same form. It is the voter's identity beside the node id. Another one means
   * another disk, which joins the cluster; the output tells what the disk has.
   */
  readonly directoryId: pulumi.Input<string>;
  /** `ID@HOST:PORT:DIRECTORY-ID,…` of the first voters. Read when a blank disk is formatted, frozen afterwards. */
  readonly birthVoters: pulumi.Input<string>;
  /**
   * Where else than at the bootstrap servers a cluster that lives may answer, `host:port`: the listeners of
   * controllers alone. Read and frozen likewise. Default: none.
   */
  readonly birthControllers?: pulumi.Input<readonly string[]>;
  /** The metadata version of the cluster's birth; read and frozen likewise. Default: Kafka's newest. */
  readonly birthMetadataVersion?: pulumi.Input<string>;
  /** Path of server.properties on the host. */
  readonly configFile: pulumi.Input<string>;
  /** Path of the log directory on the host. */
  readonly dataDir: pulumi.Input<string>;
  /** Path of the Kafka distribution on the host; `libs/` lies in it. */
  readonly kafkaHome: pulumi.Input<string>;
  /** The user that Kafka runs as, who owns the data. */
  readonly serviceUser: pulumi.Input<string>;
}

/** A node's formatted log directory: formatted exactly once, adopted where it is as wanted. */
export class NodeStorage extends pulumi.CustomResource {
  static readonly type = "pilab:kafka/nodeStorage:NodeStorage";

  declare readonly host: pulumi.Output<string>;
  declare readonly nodeId: pulumi.Output<number>;
  declare readonly clusterId: pulumi.Output<string>;
  declare readonly directoryId: pulumi.Output<string>;

  constructor(name: string, args: NodeStorageArgs, opts?: pulumi.CustomResourceOptions) {
    const inputs = { ...args, connection: guarded(args.connection) };
    super(NodeStorage.type, name, inputs, versioned(opts));
  }
}

/** A host as the gate sees it. */
export interface SwapGateHost {
  /** Name of the machine that the host is on. */
  readonly machine: string;
  /** How to reach it. */
  readonly connection: Connection;
  /** What the machine is told by: its host key, and its disk where that was replaced alone. */
  readonly disk: pulumi.Input<string>;
  /** Whether the stack makes the machine, so that it need not exist before. */
  readonly made: boolean;
  /** Its Kafka node; absent for a host that runs none. */
  readonly kafka?: {
    readonly nodeId: number;
    /** Whether it serves clients; else it is a controller alone. */
    readonly broker: boolean;
    /** Its listeners, `host:port`, the client listener first. */
    readonly listeners: readonly string[];
  };
}

/**
 * Names that hosts had before, by present name. A host that the state has under one of them is the same host,
 * and once the state has the present one, they mean nothing.
 */
export type FormerNames = Readonly<Record<string, readonly string[]>>;

export interface SwapGateArgs {
  /** All hosts of the lab by logical name. */
  readonly hosts: Readonly<Record<string, SwapGateHost>>;
  /** Addresses of the machines that the stack makes, by name, spares included. */
  readonly machines?: Readonly<Record<string, string>>;
  readonly formerNames?: FormerNames;
  /** Path of Kafka's log directory on the hosts. */
  readonly dataDir: string;
}

/**
 * Refuses, in the preview, to give a host another machine while the lab cannot do without that host, and
 * tells the steps of the swap otherwise. Everything that touches a host depends on it.
 */
export class SwapGate extends pulumi.CustomResource {
  static readonly type = "pilab:lab/swapGate:SwapGate";

  /** The steps of the last swap by host; absent before the first one. */
  declare readonly swaps: pulumi.Output<Record<string, string[]> | undefined>;
  /** What each node that was ever swapped has left behind, by host. */
  declare readonly former: pulumi.Output<Record<string, Former> | undefined>;
  /** The machines that each host which was ever moved has left, by host. */
  declare readonly left: pulumi.Output<Record<string, Left> | undefined>;

  constructor(name: string, args: SwapGateArgs, opts?: pulumi.CustomResourceOptions) {
    const hosts = withGuardedConnections(args.hosts);
    const outputs = { swaps: undefined, former: undefined, left: undefined };
    super(SwapGate.type, name, { ...args, hosts, ...outputs }, versioned(opts));
  }
}

/** The machines that a host has left. */
export interface Left {
  /** How often it was given another machine. */
  readonly moves: number;
  /** The last ones, the latest first. */
  readonly machines: pulumi.Unwrap<LeftMachine>[];
}

/** One of them. It is dialled with the key that the lab has now. */
export interface LeftMachine extends Omit<Connection, "privateKey"> {
  /** Which of the host's moves left it; the first is 1. */
  readonly move: number;
  /** The host that is there by now. Default: none. */
  readonly tenant?: string;
}

export interface LeftMachinesArgs {
  /** By logical host name, as `SwapGate` tells it. */
  readonly hosts: pulumi.Input<Readonly<Record<string, Left>>>;
  readonly formerNames?: FormerNames;
  /** What stops the services of a machine, as `renderQuietScript` has it. */
  readonly script: string;
  /** OpenSSH private key, kept secret. Absent: the agent at `SSH_AUTH_SOCK` is asked. */
  readonly privateKey?: pulumi.Input<string> | undefined;
}

/**
 * Machines that hosts have left: what ran there besides Kafka is stopped and disabled. Make it right before what
 * starts the services on the next machines, which is to run again for a host that has moved once more.
 */
export class LeftMachines extends pulumi.CustomResource {
  static readonly type = "pilab:lab/leftMachines:LeftMachines";

  /** What was seen to. */
  declare readonly hosts: pulumi.Output<Readonly<Record<string, Left>>>;

  constructor(name: string, args: LeftMachinesArgs, opts?: pulumi.CustomResourceOptions) {
    const { privateKey, ...rest } = args;
    const inputs =
      privateKey === undefined ? rest : { ...rest, privateKey: pulumi.secret(privateKey) };
    super(LeftMachines.type, name, inputs, versioned(opts));
  }
}

export interface RolloutArgs {
  /** The nodes by logical host name. */
  readonly nodes: Readonly<Record<string, RolloutNode>>;
  readonly formerNames?: FormerNames;
  /** The systemd unit, without `.service`. */
  readonly service: pulumi.Input<string>;
  /** How long one node may take from its start until it serves, seconds; log recovery extends it. Default 120. */
  readonly startTimeoutSeconds?: pulumi.Input<number>;
  /** Whether destroying stops and disables the service; the data stays in any case. */
  readonly stopOnDelete: pulumi.Input<boolean>;
}

/** The cluster's processes: started together the first time, restarted one at a time after that. */
export class Rollout extends pulumi.CustomResource {
  static readonly type = "pilab:kafka/rollout:Rollout";

  /** As the inputs, but `want` is what each process was started with, and what was changed in it since. */
  declare readonly nodes: pulumi.Output<Record<string, pulumi.Unwrap<RolloutNode>>>;
  /** Levels of the features that the cluster was last seen to have finalized. */
  declare readonly finalized: pulumi.Output<Record<string, number>>;
  /** What a run that was cut off has left to do, in words, by host; absent when nothing is. */
  declare readonly unfinished: pulumi.Output<Record<string, string[]> | undefined>;

  constructor(name: string, args: RolloutArgs, opts?: pulumi.CustomResourceOptions) {
    const nodes = withGuardedConnections(args.nodes);
    const outputs = { finalized: undefined, unfinished: undefined };
    super(Rollout.type, name, { ...args, nodes, ...outputs }, versioned(opts));
  }
}

export interface HostStateArgs {
  /** Logical host name. */
  readonly host: pulumi.Input<string>;
  readonly connection: Connection;
  /** What each push leaves on the host. */
  readonly pushes: pulumi.Input<HostWants>;
}

/** What a host's pushes left on it, compared at each refresh. Make it before them: it triggers those that must run again. */
export class HostState extends pulumi.CustomResource {
  static readonly type = "pilab:lab/hostState:HostState";

  /** How often drift was found that a push mends. */
  declare readonly generations: pulumi.Output<Readonly<Partial<Record<Push, number>>>>;

  constructor(name: string, args: HostStateArgs, opts?: pulumi.CustomResourceOptions) {
    const inputs = { ...args, connection: guarded(args.connection), generations: undefined };
    super(HostState.type, name, inputs, versioned(opts));
  }
}

export interface PackagesArgs {
  /** Logical host name. */
  readonly host: pulumi.Input<string>;
  readonly connection: Connection;
  /** Names of Debian packages; `jre` is the JRE that the host's system has. */
  readonly packages: pulumi.Input<readonly string[]>;
  /** The mirrors that they may come from, `host` or `host:port`. Default: those of the host's apt sources. */
  readonly mirrors?: pulumi.Input<readonly string[]>;
  /** What runs on the host, as `renderBringScript` has it. */
  readonly script: pulumi.Input<string>;
  /** The host is looked at again when any of it is another. */
  readonly triggers: pulumi.Input<pulumi.Input<string>[]>;
}

/** A host's packages, brought to it through the controlling machine, which keeps what it has fetched. */
export class Packages extends pulumi.CustomResource {
  static readonly type = "pilab:lab/packages:Packages";

  declare readonly packages: pulumi.Output<string[]>;

  constructor(name: string, args: PackagesArgs, opts?: pulumi.CustomResourceOptions) {
    const inputs = { ...args, connection: guarded(args.connection) };
    super(Packages.type, name, inputs, versioned(opts));
  }
}

/** What a Kafka node's machine is to be good for. */
export interface PreflightKafka {
  /** Kafka `node.id`. */
  readonly nodeId: pulumi.Input<number>;
  readonly heapMib: pulumi.Input<number>;
  /** Absent on a controller alone. */
  readonly clientPort?: pulumi.Input<number>;
  /** Absent on a broker that is no controller. */
  readonly controllerPort?: pulumi.Input<number>;
  /** Path of the log directory on the host. */
  readonly dataDir: pulumi.Input<string>;
}

/** A machine that is looked at before anything is pushed to it. */
export interface PreflightHost {
  readonly connection: Connection;
  /** What makes it this machine and no other; it is looked at again when any of it is another. */
  readonly identity: pulumi.Input<string>[];
  /** `broker`, `controller`, `client` or `host`. */
  readonly role: pulumi.Input<string>;
  /** The board that the configuration declares, e.g. `pi-4b-8gb`. */
  readonly board: pulumi.Input<string>;
  /** How many of the lab's programs run there. Default 0. */
  readonly programs?: pulumi.Input<number>;
  /** `controller`: its packages come through the controlling machine. Default: it fetches them itself. */
  readonly packagesFrom?: pulumi.Input<string>;
  /** The mirrors that they may come from then. Default: those of the host's apt sources. */
  readonly packageMirrors?: pulumi.Input<readonly string[]>;
  /** Brokers and controllers only. */
  readonly kafka?: PreflightKafka | undefined;
}

export interface PreflightArgs {
  /** The machines by logical host name. */
  readonly hosts: Readonly<Record<string, PreflightHost>>;
  readonly formerNames?: FormerNames;
  /** Kafka's cluster id, by which a disk of this cluster is told from another's. */
  readonly clusterId: pulumi.Input<string>;
}

/** A look at all machines of the lab. What they are pushed depends on it. */
export class Preflight extends pulumi.CustomResource {
  static readonly type = "pilab:lab/preflight:Preflight";

  /** By logical host name: what its machine was when it was looked at, and the warnings. */
  declare readonly checked: pulumi.Output<Record<string, CheckedMachine>>;

  constructor(name: string, args: PreflightArgs, opts?: pulumi.CustomResourceOptions) {
    const hosts = withGuardedConnections(args.hosts);
    super(Preflight.type, name, { ...args, hosts, checked: undefined }, versioned(opts));
  }
}

/** A machine that was found fit. */
export interface CheckedMachine {
  readonly identity: string[];
  readonly role: string;
  readonly board: string;
  /** What was told and kept nothing from being pushed. */
  readonly warnings: string[];
}

/** The connection with its key marked as a secret, and nothing else of it: errors and previews may name the address. */
function guarded(connection: Connection): Connection {
  const { privateKey, ...rest } = connection;
  return privateKey === undefined ? rest : { ...rest, privateKey: pulumi.secret(privateKey) };
}

function withGuardedConnections<T extends { readonly connection: Connection }>(
  all: Readonly<Record<string, T>>,
): Record<string, T> {
  return Object.fromEntries(
    Object.entries(all).map(([host, one]) => [
      host,
      { ...one, connection: guarded(one.connection) },
    ]),
  );
}
