import { JMX_AGENT_VERSION } from "../model/catalogue";
import { hostScript } from "./host-scripts";
import { kafkaPaths } from "./kafka-paths";

/** Where the agent's jar is pushed to. */
export const pushedAgentPath = `/var/tmp/jmx_prometheus_javaagent-${JMX_AGENT_VERSION}.jar`;

/**
 * The script that puts the pushed agent in its place. For `bash -s` as root; run again it changes nothing.
 * Errors: the jar absent or corrupt.
 *
 * @param sha256 of the jar, lower-case hex
 */
export function renderAgentScript(sha256: string): string {
  return hostScript("jmx-agent", {
    agent_path: kafkaPaths.agent,
    agent_pushed: pushedAgentPath,
    agent_sha256: sha256,
  });
}

export interface InstallArgs {
  /** Kafka version, e.g. `4.1.1`. */
  readonly version: string;
  /** Where the archive was pushed to on the host; it is removed once it is unpacked. */
  readonly archivePath: string;
  /** SHA-256 of the archive, lower-case hex. */
  readonly sha256: string;
}

/**
 * Where a distribution's archive is pushed to: a folder that exists before a host is prepared, which
 * the login user may write, and which a restart of the Pi does not empty.
 */
export function installedArchivePath(version: string): string {
  return `/var/tmp/kafka-${version}.tgz`;
}

/** The folder of jars: without it the install script unpacks the distribution again. */
export function installedLibs(version: string): string {
  return `${kafkaPaths.version(version)}/libs`;
}

/**
 * The script that unpacks a pushed distribution to `/opt/kafka/kafka-VERSION` and puts Kafka's tools
 * on the path. For `bash -s` as root, on a prepared host; run again it changes nothing, and then it
 * does not need the archive. It does not touch what a broker runs: the link to the version in use is
 * staged. Errors: archive absent, corrupt or without Kafka, disk full; the former state stays.
 */
export function renderInstallScript({ version, archivePath, sha256 }: InstallArgs): string {
  return hostScript("install", {
    kafka_version: version,
    kafka_archive: archivePath,
    kafka_sha256: sha256,
  });
}
