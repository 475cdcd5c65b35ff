/** A gauge or counter of Kafka's, by the name that Prometheus knows it by. */
interface Rule {
  /** MBean and attribute as the agent writes them, a regular expression. */
  readonly pattern: string;
  readonly name: string;
  readonly type: "GAUGE" | "COUNTER";
  readonly help: string;
  readonly labels?: Readonly<Record<string, string>>;
}

const topic = { topic: "$1" };

const count = (mbean: string, name: string, help: string): Rule[] => [
  {
    ...{ pattern: `kafka.server<type=BrokerTopicMetrics, name=${mbean}, topic=(.+)><>Count` },
    ...{
      name: `kafka_topic_${name}_total`,
      type: "COUNTER",
      help: `${help}, by topic`,
      labels: topic,
    },
  },
  {
    ...{ pattern: `kafka.server<type=BrokerTopicMetrics, name=${mbean}><>Count` },
    ...{ name: `kafka_${name}_total`, type: "COUNTER", help },
  },
];

const gauge = (mbean: string, name: string, help: string): Rule => ({
  ...{ pattern: `${mbean}><>Value`, name: `kafka_${name}`, type: "GAUGE", help },
});

const replicas = (name: string): string => `kafka.server<type=ReplicaManager, name=${name}`;
const controller = (name: string): string => `kafka.controller<type=KafkaController, name=${name}`;

/** What a lab watches. All else that a broker counts (some thousand figures) is left out: it would cost each scrape. */
const RULES: readonly Rule[] = [
  gauge(
    replicas("UnderReplicatedPartitions"),
    "under_replicated_partitions",
    "Partitions led here that lack replicas in sync",
  ),
  gauge(
    replicas("UnderMinIsrPartitionCount"),
    "under_min_isr_partitions",
    "Partitions led here that take no writes with acks=all",
  ),
  gauge(
    replicas("AtMinIsrPartitionCount"),
    "at_min_isr_partitions",
    "Partitions led here that bear no further loss",
  ),
  gauge(replicas("PartitionCount"), "partitions", "Replicas on this broker"),
  gauge(replicas("LeaderCount"), "leaders", "Partitions that this broker leads"),
  gauge(
    controller("ActiveControllerCount"),
    "active_controller",
    "1 on the controller that leads the quorum",
  ),
  gauge(
    controller("OfflinePartitionsCount"),
    "offline_partitions",
    "Partitions without a leader, by the active controller",
  ),
  gauge(
    controller("FencedBrokerCount"),
    "fenced_brokers",
    "Brokers that are known and not in service, by the active controller",
  ),
  ...count("MessagesInPerSec", "messages_in", "Records written"),
  ...count("BytesInPerSec", "bytes_in", "Bytes written"),
  ...count("BytesOutPerSec", "bytes_out", "Bytes read"),
  {
    ...{
      pattern:
        "kafka.network<type=RequestMetrics, name=TotalTimeMs, request=(\\w+)><>(50|95|99|999)thPercentile",
    },
    ...{ name: "kafka_request_milliseconds", type: "GAUGE" },
    help: "How long requests took in all, by percentile",
    labels: { request: "$1", percentile: "$2" },
  },
  {
    ...{ pattern: "kafka.network<type=RequestMetrics, name=TotalTimeMs, request=(\\w+)><>Count" },
    ...{ name: "kafka_requests_total", type: "COUNTER", help: "Requests answered" },
    labels: { request: "$1" },
  },
  {
    ...{ pattern: "kafka.log<type=Log, name=Size, topic=(.+), partition=(\\d+)><>Value" },
    ...{ name: "kafka_log_bytes", type: "GAUGE", help: "Bytes of a replica on this disk" },
    labels: { topic: "$1", partition: "$2" },
  },
];

/** Requests that the percentiles are worth their while of. */
const REQUESTS = ["Produce", "FetchConsumer", "FetchFollower", "Metadata"];

/** MBeans that are read at all. */
const READ: readonly string[] = [
  "kafka.server:type=ReplicaManager,name=*",
  "kafka.controller:type=KafkaController,name=*",
  ...["MessagesInPerSec", "BytesInPerSec", "BytesOutPerSec"].map(
    (name) => `kafka.server:type=BrokerTopicMetrics,name=${name},*`,
  ),
  ...REQUESTS.map(
    (request) => `kafka.network:type=RequestMetrics,name=TotalTimeMs,request=${request}`,
  ),
  "kafka.log:type=Log,name=Size,*",
];

/** `metrics.yaml` of Prometheus' JMX agent. */
export function renderMetricsRules(): string {
  const text = (value: string): string => JSON.stringify(value);
  const rules = RULES.map(({ pattern, name, type, help, labels = {} }) =>
    [
      `  - pattern: ${text(pattern)}`,
      `    name: ${name}`,
      `    type: ${type}`,
      `    help: ${text(help)}`,
      ...(Object.keys(labels).length === 0 ? [] : ["    labels:"]),
      ...Object.entries(labels).map(([label, value]) => `      ${label}: ${text(value)}`),
    ].join("\n"),
  );
  return [
    "# Written by pi-lab.",
    "includeObjectNames:",
    ...READ.map((name) => `  - ${text(name)}`),
    "rules:",
    ...rules,
    "",
  ].join("\n");
}
