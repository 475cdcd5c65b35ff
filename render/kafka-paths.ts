import { JMX_AGENT_VERSION } from "../model/catalogue";

/**
 * Where things lie on a Pi. The host scripts under ./scripts name the same paths; a test holds the
 * two together.
 */
export const kafkaPaths = {
  /** Helper scripts, root-owned, put there by the prepare script. */
  helpers: "/usr/local/lib/pi-lab",
  /** Reads a bundle on stdin as root. */
  stage: "/usr/local/lib/pi-lab/stage",
  /** Run by the unit before each start: records what the process is started with. */
  stamp: "/usr/local/lib/pi-lab/stamp",
  /** Distributions: `kafka-VERSION/` each, and `current`, a link to the staged one. */
  root: "/opt/kafka",
  /** The staged distribution: what the next start runs. */
  current: "/opt/kafka/current",
  /** A distribution's folder; `libs/` lies in it. */
  version: (version: string): string => `/opt/kafka/kafka-${version}`,
  serverProperties: "/etc/kafka/server.properties",
  log4j2: "/etc/kafka/log4j2.properties",
  jvmEnv: "/etc/kafka/kafka.env",
  /** Prometheus' agent, and what it tells, where the lab asks for figures. */
  agent: `/opt/kafka/agents/jmx_prometheus_javaagent-${JMX_AGENT_VERSION}.jar`,
  metrics: "/etc/kafka/metrics.yaml",
  /** How the nodes log in, with the super user's password. On clusters that authenticate. */
  jaas: "/etc/kafka/jaas.conf",
  /** The same for Kafka's command-line tools (`--command-config`). */
  adminProperties: "/etc/kafka/admin.properties",
  /** Kafka's names file (`jdk.net.hosts.file`); read at each look-up, so that it may change live. */
  hosts: "/etc/kafka/hosts",
  /** A line `SHA256  PATH` for each staged file, then `bundle SHA256`. */
  manifest: "/etc/kafka/manifest",
  /** While it is there Kafka does not start: the node lives elsewhere, or is about to come here. */
  hold: "/etc/kafka/hold",
  /** The data volume's mount point. */
  volume: "/var/lib/kafka",
  /** Kafka's `log.dirs`. */
  data: "/var/lib/kafka/data",
  logs: "/var/log/kafka",
  /** What the running process was started with: server.properties, manifest, version. Gone while it is down. */
  started: "/run/kafka/started",
  unit: "/etc/systemd/system/kafka.service",
  service: "kafka",
  user: "kafka",
} as const;
