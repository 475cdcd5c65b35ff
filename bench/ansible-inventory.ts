import { randomBytes } from "node:crypto";
import { posix } from "node:path";
import { brokers, type BrokerHost, type Lab } from "../model";
import { birthVoters, kafkaBase64Id } from "../render";
import { hostEntries } from "./baseline-folder";

export interface InventoryInputs {
  /** The folder that ./baseline-folder wrote: each host's files, and ssh_config once its machines are made. */
  readonly folder: string;
  readonly archive: string;
}

/** The inventory of ./ansible/site.yml as JSON, which YAML reads too. Cluster and directory ids are new ones. */
export function renderInventory(lab: Lab, { folder, archive }: InventoryInputs): string {
  const hosts = brokers(lab);
  const directoryIds = Object.fromEntries(hosts.map(({ name }) => [name, newId()]));
  const vars = {
    timezone: lab.timezone,
    archive,
    kafka_version: lab.cluster.kafkaVersion,
    client_port: lab.cluster.clientPort,
    cluster_id: newId(),
    voters: birthVoters(lab, directoryIds),
  };
  const byHost = hosts.map((host, index) => [
    host.name,
    {
      address: host.machine.address,
      tree: posix.join(folder, host.name),
      folders: foldersOf(lab, host),
      files: filesOf(lab, host),
      topics: lab.topics
        .filter((_topic, n) => n % hosts.length === index)
        .map(({ name, partitions, replicationFactor, config }) => ({
          name,
          arguments: [
            ...["--partitions", String(partitions)],
            ...["--replication-factor", String(replicationFactor)],
            ...Object.entries(config).flatMap(([key, value]) => ["--config", `${key}=${value}`]),
          ],
        })),
    },
  ]);
  const inventory = { brokers: { hosts: Object.fromEntries(byHost) as unknown, vars } };
  return `${JSON.stringify(inventory, undefined, 2)}\n`;
}

interface Owned {
  readonly path: string;
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
}

function filesOf(lab: Lab, host: BrokerHost): Owned[] {
  return hostEntries(lab, host).flatMap((entry) =>
    entry.kind === "file" ? [owned(entry.path, entry.mode, entry.owner)] : [],
  );
}

/** Debian brings it. */
const UNITS = "/etc/systemd/system";

function foldersOf(lab: Lab, host: BrokerHost): Owned[] {
  const ofFiles = new Set(filesOf(lab, host).map(({ path }) => posix.dirname(path)));
  return [
    ...[...ofFiles]
      .filter((path) => path !== UNITS)
      .map((path) => owned(path, "0755", path === "/etc/kafka" ? "root:kafka" : "root:root")),
    owned("/opt/kafka", "0755", "root:root"),
    owned("/var/lib/kafka", "0750", "kafka:kafka"),
    owned("/var/lib/kafka/data", "0750", "kafka:kafka"),
    owned("/var/log/kafka", "0755", "kafka:kafka"),
  ];
}

function owned(path: string, mode: string, ownerAndGroup: string): Owned {
  const [owner = "", group = ""] = ownerAndGroup.split(":");
  return { path, mode, owner, group };
}

function newId(): string {
  return kafkaBase64Id(randomBytes(16).toString("base64"));
}
