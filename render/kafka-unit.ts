import type { KafkaHost } from "../model/types";
import { kafkaPaths } from "./kafka-paths";
import { renderSandbox } from "./sandbox";

/** Kafka flushes its logs and hands its leaderships over within this, else it is killed. */
const STOP_TIMEOUT_SECONDS = 60;

/**
 * `kafka.service`. It restarts for ever, two seconds apart: an exhibit has nobody to reset a unit
 * that gave up. Who waits for a start sees a node that dies in `NRestarts` of this invocation.
 *
 * The class path is relative to the working folder, which systemd resolves at the start: the
 * `current` link may be switched under a running broker, which loads classes until its end.
 *
 * The sandbox leaves out what a JVM cannot bear: MemoryDenyWriteExecute (it compiles at run time)
 * and ProcSubset=pid (it reads /proc/meminfo and cgroup files).
 */
export function renderKafkaUnit({ processRoles }: KafkaHost): string {
  return `# Written by pi-lab.
[Unit]
Description=Apache Kafka ${processRoles.join(" and ")}
Documentation=https://kafka.apache.org/documentation/
Wants=network-online.target
After=network-online.target time-sync.target
RequiresMountsFor=${kafkaPaths.volume}
ConditionPathExists=!${kafkaPaths.hold}
StartLimitIntervalSec=0

[Service]
Type=exec
User=${kafkaPaths.user}
Group=${kafkaPaths.user}
EnvironmentFile=${kafkaPaths.jvmEnv}
WorkingDirectory=${kafkaPaths.current}
RuntimeDirectory=kafka
ExecStartPre=${kafkaPaths.stamp}
ExecStart=/usr/bin/java $KAFKA_HEAP_OPTS $KAFKA_JVM_OPTS -cp libs/* kafka.Kafka ${kafkaPaths.serverProperties}
Restart=always
RestartSec=2
SuccessExitStatus=143
TimeoutStopSec=${STOP_TIMEOUT_SECONDS}
LimitNOFILE=100000
OOMScoreAdjust=-500
SyslogIdentifier=kafka
UMask=0027

${renderSandbox({ writable: [kafkaPaths.volume, kafkaPaths.logs], readsProc: true, compiles: true })}
[Install]
WantedBy=multi-user.target
`;
}
