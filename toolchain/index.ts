import { bundlePlugins } from "./bundle";
import { ensureDocker, type Docker } from "./docker";
import { messageOf, ToolchainError } from "./errors";
import { ensureKafka } from "./kafka";
import type { Log } from "./log";
import { ensureNode, nodeArchHere } from "./node-runtime";
import { ensurePiImage } from "./pi-image";
import { ensurePulumi, type Pulumi } from "./pulumi";

export { ensureProgram } from "./apt";
export {
  bundledProgram,
  bundlePlugin,
  bundlePlugins,
  bundlePrograms,
  type BundledPlugin,
  type OwnPlugin,
} from "./bundle";
export { ensureChromium } from "./chromium";
export { ensureDocker, type Docker } from "./docker";
export { ToolchainError } from "./errors";
export { ensureJmxAgent } from "./jmx-agent";
export { ensureJava, ensureKafka } from "./kafka";
export { withLock } from "./lock";
export { formatDuration, step, type Log } from "./log";
export { ensureNode, nodeArchHere } from "./node-runtime";
export { cacheDir } from "./paths";
export { ensurePiImage } from "./pi-image";
export { ensurePulumi, type Pulumi } from "./pulumi";
export { versions, type NodeArch, type PluginName, type Versions } from "./versions";

/** Everything that the virtual lab needs. */
export interface Tools {
  readonly pulumi: Pulumi;
  readonly docker: Docker;
  readonly piImage: string;
  /** The path of the Kafka archive. */
  readonly kafka: string;
  /** The path of the archive with the hosts' Node.js. */
  readonly node: string;
}

/**
 * Finds, downloads or builds all of it. Docker's part and Kafka's go on beside the engine's: they wait
 * for the network and the disk, a build for the processor.
 *
 * @param kafkaVersion default: the one in versions.json
 */
export async function ensureAll(log: Log, kafkaVersion?: string): Promise<Tools> {
  const parts = await Promise.allSettled([
    bundlePlugins(log).then(() => ensurePulumi(log)),
    ensureDocker(log).then(async (docker) => ({ docker, piImage: await ensurePiImage(log) })),
    ensureKafka(log, kafkaVersion),
    Promise.resolve().then(() => ensureNode(log, nodeArchHere())),
  ] as const);
  const [pulumi, machines, kafka, node] = parts;
  // All of them are over: none goes on in the background after an error was shown.
  if (
    pulumi.status === "rejected" ||
    machines.status === "rejected" ||
    kafka.status === "rejected" ||
    node.status === "rejected"
  ) {
    throw combine(parts.flatMap((p) => (p.status === "rejected" ? [p.reason as unknown] : [])));
  }
  return { pulumi: pulumi.value, ...machines.value, kafka: kafka.value, node: node.value };
}

/** Everything that is missing, at once: nobody should mend one thing only to be told of the next. */
function combine(reasons: readonly unknown[]): unknown {
  const bug = reasons.find((reason) => !(reason instanceof ToolchainError));
  if (bug !== undefined || reasons.length === 1) return bug ?? reasons[0];
  const messages = reasons.map(messageOf);
  return new ToolchainError(
    messages.join("\n"),
    "All of this is needed; then run the command again.",
  );
}
