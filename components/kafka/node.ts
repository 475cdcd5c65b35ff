import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { KafkaHost, Lab } from "../../model";
import type { PilabProvider, RolloutNode } from "../../provider/resources";
import {
  jaasHash,
  nodeFiles,
  nodeWant,
  directoryIdOf,
  diskIdentity,
  installedArchivePath,
  kafkaPaths,
  type PushedWith,
  pushedAgentPath,
  renderAgentScript,
  renderBundle,
  renderInstallScript,
} from "../../render";
import { PiHost } from "../hosts";
import { parseStaged } from "./staged";
import { hostCommand, hostFile, type ReachableHost } from "../remote";

/** A Kafka distribution on the controlling machine. */
export interface KafkaArchive {
  readonly path: string;
  /** SHA-256 of the file, hexadecimal. */
  readonly sha256: string;
}

export interface KafkaNodeArgs {
  readonly lab: Lab;
  readonly host: KafkaHost;
  readonly reachable: ReachableHost;
  readonly archive: KafkaArchive;
  /** Prometheus' agent on the controlling machine, where the lab asks for figures. */
  readonly agent?: KafkaArchive | undefined;
  readonly provider: PilabProvider;
  /** The super user's, on a cluster that authenticates. */
  readonly password?: pulumi.Output<string> | undefined;
  /** What the host's pushes are made with, the password among it. */
  readonly with?: pulumi.Output<PushedWith> | undefined;
}

/**
 * A Pi with everything on its disk that a Kafka node needs, and nothing started: the distribution,
 * the settings and the systemd unit are staged; `KafkaCluster` formats the storage and starts it.
 */
export class KafkaNode extends pulumi.ComponentResource {
  private static readonly types = {
    broker: "pilab:kafka:Broker",
    controller: "pilab:kafka:Controller",
  } as const satisfies Record<KafkaHost["role"], string>;

  public readonly host: KafkaHost;
  public readonly pi: PiHost;
  public readonly reachable: ReachableHost;
  /**
   * KRaft directory id that a blank disk of this node's machine gets: 22 characters of URL-safe base64.
   * Another machine has another one; see `directoryIdOf`.
   */
  public readonly directoryId: pulumi.Output<string>;
  /** Everything that must be on the disk before the storage is formatted. */
  public readonly staged: pulumi.Resource[];
  /** This node's part in the cluster's `Rollout`, but for what its formatted disk tells. */
  public readonly rolloutNode: Omit<RolloutNode, "directoryId">;

  constructor(name: string, args: KafkaNodeArgs, opts?: pulumi.ComponentResourceOptions) {
    super(KafkaNode.types[args.host.role], name, {}, opts);
    const { lab, host, reachable, archive, provider, password } = args;
    const child = { parent: this };
    this.host = host;
    this.reachable = reachable;

    const hostKey = pulumi.output(reachable.connection.hostKey);
    const seed = new random.RandomBytes(
      `${name}-directory-id`,
      { length: 16, keepers: { hostKey } },
      // The keeper says for which machine the seed itself is the id. Made anew for another one it would be
      // a third id when an edit is taken back, which no disk has.
      { ...child, ignoreChanges: ["keepers"] },
    );
    this.directoryId = pulumi.unsecret(
      pulumi
        .all([seed.base64, seed.keepers, hostKey])
        .apply(([base64, keepers, key]) =>
          directoryIdOf(base64, keepers?.["hostKey"] ?? key, diskIdentity(key, host.disk)),
        ),
    );

    const pi = new PiHost(name, { lab, host, reachable, provider, with: args.with }, child);
    this.pi = pi;

    const version = lab.cluster.kafkaVersion;
    const archivePath = installedArchivePath(version);
    // It does not wait for the preparation: the copy keeps the wire busy while packages install.
    const copied = hostFile(
      `${name}-kafka-archive`,
      {
        host: reachable,
        source: new pulumi.asset.FileAsset(archive.path),
        remotePath: archivePath,
        drifts: pi.drifts("install"),
      },
      { ...child, dependsOn: reachable.readyAfter },
    );
    const installed = hostCommand(
      `${name}-kafka-install`,
      {
        host: reachable,
        run: "bash -s",
        stdin: renderInstallScript({ version, archivePath, sha256: archive.sha256 }),
        drifts: pi.drifts("install"),
      },
      { ...child, dependsOn: [pi.prepared, copied] },
    );

    const agent = lab.cluster.metrics
      ? [agentCommand(name, given(args.agent), reachable, pi, this)]
      : [];
    const stage = hostCommand(
      `${name}-files`,
      {
        host: reachable,
        run: `${kafkaPaths.stage} ${host.name}`,
        stdin:
          password === undefined
            ? renderBundle(nodeFiles(lab, host))
            : password.apply((known) => renderBundle(nodeFiles(lab, host, known))),
        drifts: pi.drifts("stage"),
      },
      { ...child, dependsOn: [installed, ...agent] },
    );
    this.staged = [stage];

    const want = nodeWant(lab, host);
    this.rolloutNode = {
      nodeId: host.nodeId,
      address: `${reachable.address}:${listenerPort(lab, host)}`,
      connection: reachable.connection,
      want:
        password === undefined ? want : { ...want, files: { ...want.files, ...login(password) } },
      staged: stage.stdout.apply((stdout) => parseStaged(host.name, stdout)),
    };
    this.registerOutputs({ nodeId: host.nodeId, directoryId: this.directoryId });
  }
}

/** What a start with the agent finds there. */
function agentCommand(
  name: string,
  { path, sha256 }: KafkaArchive,
  host: ReachableHost,
  pi: PiHost,
  parent: pulumi.Resource,
): pulumi.Resource {
  const drifts = pi.drifts("install");
  const source = new pulumi.asset.FileAsset(path);
  const copied = hostFile(
    `${name}-jmx-agent`,
    { host, source, remotePath: pushedAgentPath, drifts },
    { parent, dependsOn: host.readyAfter },
  );
  return hostCommand(
    `${name}-jmx-agent-install`,
    { host, run: "bash -s", stdin: renderAgentScript(sha256), drifts },
    { parent, dependsOn: [pi.prepared, copied] },
  );
}

function given(agent: KafkaArchive | undefined): KafkaArchive {
  if (agent === undefined) throw new Error("bug: figures without an agent: that is checked before");
  return agent;
}

/** Leaf by leaf, so that what else the node wants stays known in a preview. */
function login(password: pulumi.Output<string>): Record<string, pulumi.Output<string>> {
  return { [kafkaPaths.jaas]: pulumi.unsecret(password.apply(jaasHash)) };
}

/** The port at which the node itself is asked. */
const listenerPort = ({ cluster }: Lab, { role }: KafkaHost): number =>
  role === "broker" ? cluster.clientPort : cluster.controllerPort;
