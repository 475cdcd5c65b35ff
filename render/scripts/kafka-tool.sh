#!/bin/sh
# Kafka's command-line tools under their usual names; each name in /usr/local/bin is a link to this file.
# Where the distribution brings a script of that name, that one runs. `kafka-tool --list` prints the names.
set -eu
home=${KAFKA_HOME:-/opt/kafka/current}

# moved VERSION BEFORE AFTER: in which package a class is, that moved with a version of Kafka
moved() {
  version=$(readlink -f "$home")
  oldest=$(printf '%s\n%s\n' "$1" "${version##*kafka-}" | sort -V | head -n 1)
  if [ "$oldest" = "$1" ]; then echo "$3"; else echo "$2"; fi
}

main_class() {
  case $1 in
    kafka-acls.sh) echo org.apache.kafka.tools.AclCommand ;;
    kafka-broker-api-versions.sh) echo org.apache.kafka.tools.BrokerApiVersionsCommand ;;
    kafka-client-metrics.sh) echo org.apache.kafka.tools.ClientMetricsCommand ;;
    kafka-cluster.sh) echo org.apache.kafka.tools.ClusterTool ;;
    kafka-configs.sh) echo "$(moved 4.4.0 kafka.admin org.apache.kafka.tools).ConfigCommand" ;;
    kafka-console-consumer.sh) echo org.apache.kafka.tools.consumer.ConsoleConsumer ;;
    kafka-console-producer.sh) echo org.apache.kafka.tools.ConsoleProducer ;;
    kafka-consumer-groups.sh) echo org.apache.kafka.tools.consumer.group.ConsumerGroupCommand ;;
    kafka-delete-records.sh) echo org.apache.kafka.tools.DeleteRecordsCommand ;;
    kafka-dump-log.sh) echo "$(moved 4.3.0 kafka.tools org.apache.kafka.tools).DumpLogSegments" ;;
    kafka-features.sh) echo org.apache.kafka.tools.FeatureCommand ;;
    kafka-get-offsets.sh) echo org.apache.kafka.tools.GetOffsetShell ;;
    kafka-groups.sh) echo org.apache.kafka.tools.GroupsCommand ;;
    kafka-leader-election.sh) echo org.apache.kafka.tools.LeaderElectionCommand ;;
    kafka-log-dirs.sh) echo org.apache.kafka.tools.LogDirsCommand ;;
    kafka-metadata-quorum.sh) echo org.apache.kafka.tools.MetadataQuorumCommand ;;
    kafka-metadata-shell.sh) echo org.apache.kafka.shell.MetadataShell ;;
    kafka-producer-perf-test.sh) echo org.apache.kafka.tools.ProducerPerformance ;;
    kafka-consumer-perf-test.sh) echo org.apache.kafka.tools.ConsumerPerformance ;;
    kafka-reassign-partitions.sh) echo org.apache.kafka.tools.reassign.ReassignPartitionsCommand ;;
    kafka-replica-verification.sh) echo org.apache.kafka.tools.ReplicaVerificationTool ;;
    kafka-storage.sh) echo kafka.tools.StorageTool ;;
    kafka-topics.sh) echo org.apache.kafka.tools.TopicCommand ;;
    kafka-transactions.sh) echo org.apache.kafka.tools.TransactionsCommand ;;
    *) return 1 ;;
  esac
}

name=${0##*/}
if [ "${1-}" = --list ] && [ "$name" = kafka-tool ]; then
  sed -n 's/^    \(kafka-[a-z-]*\.sh\)) echo .*/\1/p' "$0"
  exit
fi
if ! [ -d "$home/libs" ]; then
  echo "$name: no Kafka distribution at $home. Run \`up\` to have it installed." >&2
  exit 1
fi

# The lab's host names are known to Kafka's own names file alone; KAFKA_OPTS, even empty, takes its place.
KAFKA_OPTS=${KAFKA_OPTS--Djdk.net.hosts.file=/etc/kafka/hosts}
if [ -x "$home/bin/$name" ]; then
  export KAFKA_OPTS LOG_DIR="${LOG_DIR:-/tmp}"
  exec "$home/bin/$name" "$@"
fi
class=$(main_class "$name") || {
  echo "$name: not a tool that is known here" >&2
  exit 1
}
# One compiler and one collector: a tool lives for a second.
# shellcheck disable=SC2086
exec java ${KAFKA_HEAP_OPTS--Xmx256m} -XX:TieredStopAtLevel=1 -XX:+UseSerialGC \
  -Dlog4j2.configurationFile=/usr/local/lib/pi-lab/tools-log4j2.properties $KAFKA_OPTS \
  -cp "$home/libs/*" "$class" "$@"
