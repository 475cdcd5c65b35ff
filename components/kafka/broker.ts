import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { BrokerHost, Lab } from "../../model";
import type { PilabProvider, RolloutNode } from "../../provider/resources";
import {
  brokerFiles,
  brokerWant,
  installedArchivePath,
  kafkaBase64Id,
  kafkaPaths,
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

export interface KafkaBrokerArgs {
  readonly lab: Lab;
  readonly host: BrokerHost;
  readonly reachable: ReachableHost;
  readonly archive: KafkaArchive;
  readonly provider: PilabProvider;
}

/**
 * A Pi with everything on its disk that a Kafka broker needs, and nothing started: the distribution,
 * the settings and the systemd unit are staged; `KafkaCluster` formats the storage and starts it.
 */
export class KafkaBroker extends pulumi.ComponentResource {
  public readonly host: BrokerHost;
  public readonly reachable: ReachableHost;
  /**
   * KRaft directory id of this node's disk: 22 characters of URL-safe base64. Its keeper is the host key
   * of the machine that it was made for.
   */
  public readonly directoryId: pulumi.Output<string>;
  /** Everything that must be on the disk before the storage is formatted. */
  public readonly staged: pulumi.Resource[];
  /** This node's part in the cluster's `Rollout`. */
  public readonly rolloutNode: RolloutNode;

  constructor(name: string, args: KafkaBrokerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pilab:kafka:Broker", name, {}, opts);
    const { lab, host, reachable, archive, provider } = args;
    const child = { parent: this };
    this.host = host;
    this.reachable = reachable;

    const directory = new random.RandomBytes(
      `${name}-directory-id`,
      { length: 16, keepers: { hostKey: reachable.connection.hostKey } },
      // A formatted disk keeps the id it was given. Were it made anew before `NodeStorage` refuses the
      // other machine, the stack would want an id that no disk has, even after the edit is taken back.
      { ...child, ignoreChanges: ["keepers"] },
    );
    this.directoryId = pulumi.unsecret(directory.base64.apply(kafkaBase64Id));

    const pi = new PiHost(name, { lab, host, reachable, provider }, child);

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

    const stage = hostCommand(
      `${name}-files`,
      {
        host: reachable,
        run: `${kafkaPaths.stage} ${host.name}`,
        stdin: renderBundle(brokerFiles(lab, host)),
        drifts: pi.drifts("stage"),
      },
      { ...child, dependsOn: [installed] },
    );
    this.staged = [stage];

    this.rolloutNode = {
      nodeId: host.nodeId,
      address: `${reachable.address}:${lab.cluster.clientPort}`,
      connection: reachable.connection,
      want: brokerWant(lab, host),
      staged: stage.stdout.apply((stdout) => parseStaged(host.name, stdout)),
    };
    this.registerOutputs({ nodeId: host.nodeId, directoryId: this.directoryId });
  }
}
