import { METRICS_PORT } from "../model/catalogue";
import type { KafkaHost, Lab } from "../model/types";
import { kafkaPaths } from "./kafka-paths";

/**
 * `kafka.env`: the JVM's settings, read by the unit (systemd's EnvironmentFile; each variable is
 * split at blanks). GC logs stay off: cards wear.
 */
export function renderKafkaEnv({ cluster }: Lab, node: KafkaHost): string {
  const heap = `${node.heapMib}m`;
  const login =
    cluster.authentication === undefined
      ? []
      : [`-Djava.security.auth.login.config=${kafkaPaths.jaas}`];
  const { agent, metrics } = kafkaPaths;
  const figures = cluster.metrics
    ? [`-javaagent:${agent}=${node.machine.address}:${METRICS_PORT}:${metrics}`]
    : [];
  return [
    `KAFKA_HEAP_OPTS=-Xms${heap} -Xmx${heap}`,
    `KAFKA_JVM_OPTS=${[...JVM_OPTIONS, ...login, ...figures].join(" ")}`,
    "",
  ].join("\n");
}

const JVM_OPTIONS: readonly string[] = [
  // G1 with the pause goals that Kafka's own start script sets.
  "-XX:+UseG1GC",
  "-XX:MaxGCPauseMillis=20",
  "-XX:InitiatingHeapOccupancyPercent=35",
  "-XX:+ExplicitGCInvokesConcurrent",
  // A JVM out of memory is half dead: it ends, and systemd starts it again.
  "-XX:+ExitOnOutOfMemoryError",
  // The JVM's statistics file is written by mmap, and a slow card then stalls the collector.
  "-XX:+PerfDisableSharedMem",
  `-XX:ErrorFile=${kafkaPaths.logs}/hs_err_pid%p.log`,
  "-Djava.awt.headless=true",
  `-Djdk.net.hosts.file=${kafkaPaths.hosts}`,
  // A moved name is followed within this many seconds; the JVM's default is 30.
  "-Dsun.net.inetaddr.ttl=5",
  `-Dlog4j2.configurationFile=${kafkaPaths.log4j2}`,
  `-Dkafka.logs.dir=${kafkaPaths.logs}`,
];
