import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { boards, brokers, type BrokerHost, type Lab } from "../model";
import {
  nodeFiles,
  bundleHash,
  containerHostFiles,
  fileHash,
  kafkaPaths,
  type StagedEntry,
  type StagedFile,
} from "../render";
import { quote } from "../shared/shell";

/** What ./baseline.sh takes from this machine. */
export interface BaselineInputs {
  /** OpenSSH private key; the public half lies beside it with `.pub`. */
  readonly privateKeyFile: string;
  readonly image: string;
  readonly archive: string;
  /** SHA-256 of the archive, hexadecimal. */
  readonly archiveSha256: string;
}

/** Writes the folder that ./baseline.sh works on: the lab in the shell's words, and each host's files. */
export function writeBaselineFolder(folder: string, lab: Lab, inputs: BaselineInputs): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, "lab.env"), renderLabEnv(lab, inputs));
  for (const broker of brokers(lab)) {
    for (const entry of hostEntries(lab, broker)) writeEntry(join(folder, broker.name), entry);
  }
}

/** `lab.env`: what the script is to make, as assignments of bash. */
export function renderLabEnv(lab: Lab, inputs: BaselineInputs): string {
  const hosts = brokers(lab);
  const byHost = (name: string, value: (host: BrokerHost) => string | number): string =>
    `declare -A ${name}=(${hosts.map((host) => `[${host.name}]=${quote(String(value(host)))}`).join(" ")})`;
  const topicArgs = lab.topics.map(({ name, partitions, replicationFactor, config }) => {
    const settings = Object.entries(config).map(([key, value]) => `--config ${key}=${value}`);
    const sizes = [`--partitions ${partitions}`, `--replication-factor ${replicationFactor}`];
    return `[${name}]=${quote([...sizes, ...settings].join(" "))}`;
  });
  return [
    `lab=${quote(lab.name)}`,
    `network=${quote(lab.name)}`,
    `image=${quote(inputs.image)}`,
    `subnet=${quote(lab.switch.subnet)}`,
    `gateway=${quote(lab.switch.gateway)}`,
    `ssh_user=${quote(lab.ssh.user)}`,
    `ssh_key=${quote(inputs.privateKeyFile)}`,
    `archive=${quote(inputs.archive)}`,
    `archive_sha256=${quote(inputs.archiveSha256)}`,
    `client_port=${lab.cluster.clientPort}`,
    `controller_port=${lab.cluster.controllerPort}`,
    `timezone=${quote(lab.timezone)}`,
    `hosts=(${hosts.map(({ name }) => quote(name)).join(" ")})`,
    byHost("address", (host) => host.machine.address),
    byHost("memory", (host) => boards[host.machine.board].memoryMib),
    byHost("node_id", (host) => host.nodeId),
    `topics=(${lab.topics.map(({ name }) => quote(name)).join(" ")})`,
    `declare -A topic_args=(${topicArgs.join(" ")})`,
    "",
  ].join("\n");
}

/** All that the stack would put on a broker's disk, but for the distribution. */
export function hostEntries(lab: Lab, broker: BrokerHost): readonly StagedEntry[] {
  const staged = nodeFiles(lab, broker);
  return [...containerHostFiles(lab, broker), ...staged, manifest(staged)];
}

/** The unit's start needs it: see render/scripts/stamp.sh. */
function manifest(staged: readonly StagedEntry[]): StagedFile {
  const files = staged.filter((entry) => entry.kind === "file");
  const lines = files.map((file) => `${fileHash(file)}  ${file.path}`);
  return {
    kind: "file",
    path: kafkaPaths.manifest,
    mode: "0644",
    owner: "root:kafka",
    content: [...lines, `bundle ${bundleHash(staged)}`, ""].join("\n"),
  };
}

function writeEntry(root: string, entry: StagedEntry): void {
  const path = join(root, entry.path);
  mkdirSync(dirname(path), { recursive: true });
  switch (entry.kind) {
    case "file":
      writeFileSync(path, entry.content);
      // By itself: the mode of a new file is cut by the process's umask.
      chmodSync(path, Number.parseInt(entry.mode, 8));
      break;
    case "link":
      symlinkSync(entry.target, path);
      break;
    default:
      entry satisfies never;
  }
}
