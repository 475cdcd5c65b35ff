import type { AlertEmail, AlertRule, AlertSeverity } from "./data/payload-configs";
import * as read from "./readers";
import type { Leaf, ListOf, RecordOf } from "./schema-security";

/** What holds where the configuration says nothing. */
export const dataDefaults = {
  alertsPerMinute: 6,
  repeatPerSecond: 5,
  /** IANA's port of MQTT without TLS. */
  mqttPort: 1883,
  maxConnections: 2000,
  maxQueuedMessages: 100_000,
  maxMessageBytes: 65_536,
  everySeconds: 1,
  key: "{topic}",
  /** IANA's alternative to HTTP's own, which needs no privilege. */
  statusPagePort: 8080,
  /** PostgreSQL's own. */
  storePort: 5432,
  database: "pilab",
  retentionDays: 30,
  metabasePort: 3000,
  metabaseEmail: "admin@pi-lab.internal",
  metabaseJava: 21,
  metabaseHeapMib: 1024,
  uploadSeconds: 30,
  uploadKib: 512,
  periodMinutes: 60,
  lateSeconds: 10,
  together: 3,
  alertSeverity: "warning",
  webhookSigned: true,
  mailSecurity: "starttls",
} as const;

export const alertTypes = [
  "threshold",
  "silence",
  "broker-down",
  "under-min-isr",
  "bridge-lag",
  "under-voltage",
  "clock-offset",
] as const satisfies readonly AlertRule["type"][];
const severities: readonly AlertSeverity[] = ["warning", "critical"];
const mailSecurities: readonly AlertEmail["security"][] = ["tls", "starttls", "none"];
/** A guard against a slip of the pen. */
const DAY_SECONDS = 86_400;

/** The shapes of what the lab does with its data. */
export function dataShapes(leaf: Leaf, list: ListOf, _record: RecordOf) {
  const int = (what: string, example: number, min: number, max: number, unit?: string) =>
    leaf(read.int({ what, example: String(example) }, min, max, unit));
  const texts = (what: string, example: string) => list(leaf(read.text({ what, example })));
  const text = (what: string, example: string) => leaf(read.text({ what, example }));
  const number = (what: string, example: number) =>
    leaf(read.number({ what, example: String(example) }, -1e12, 1e12)).optional();
  const duration = (what: string, example: number, min: number) =>
    leaf(read.number({ what, example: String(example) }, min, DAY_SECONDS, "seconds")).optional();
  return {
    alerting: {
      host: text("the host that alerting runs on", "data-1").optional(),
      topics: texts("a Kafka topic with telemetry", "telemetry").optional(),
      periodMinutes: int("the minutes between two of the same alert", 60, 1, 10_080).default(
        dataDefaults.periodMinutes,
      ),
      lateSeconds: int("the seconds that a reading may be late", 10, 1, 300).default(
        dataDefaults.lateSeconds,
      ),
    },
    alertRule: {
      name: text("the rule's name", "hot"),
      type: leaf(
        read.word(
          { what: "what the rule is about", example: "threshold" },
          alertTypes,
          "is not a type of rules",
        ),
      ),
      severity: leaf(
        read.word(
          { what: "how bad it is", example: "critical" },
          severities,
          "is not a severity",
          false,
        ),
      ).optional(),
      field: text("the key of the telemetry's JSON", "temperatureC").optional(),
      above: number("what is too much", 80),
      below: number("what is too little", 5),
      clear: number("where it is well again", 75),
      forSeconds: duration("how long it must last", 10, 0),
      afterSeconds: duration("after how long somebody is silent", 10, 1),
      together: int("how many silent ones are one alert", 3, 2, 1000).optional(),
      devices: texts("a host or a device", "client-1").optional(),
    },
    alertOutputs: {
      topic: text("the Kafka topic for alerts", "alerts").optional(),
    },
    alertWebhook: {
      url: text("the address that alerts are posted to", "https://example.org/hook"),
      signed: leaf(read.flag({ what: "whether requests are signed", example: "true" })).default(
        dataDefaults.webhookSigned,
      ),
    },
    alertEmail: {
      server: text("the mail server", "smtp.example.org"),
      port: int("the mail server's port", 587, 1, 65_535).optional(),
      security: leaf(
        read.word(
          { what: "how the connection is encrypted", example: "starttls" },
          mailSecurities,
          "is not a way to encrypt mail",
          false,
        ),
      ).default(dataDefaults.mailSecurity),
      from: text("who sends", "lab@example.org"),
      to: texts("who gets it", "you@example.org"),
      user: text("who logs in at the mail server", "lab").optional(),
    },
    ring: {
      alertsPerMinute: int("the alerts that a client sends a minute", 6, 0, 6000).default(
        dataDefaults.alertsPerMinute,
      ),
      repeatPerSecond: int("the alerts a second of a held button", 5, 1, 100).default(
        dataDefaults.repeatPerSecond,
      ),
    },
    mqtt: {
      host: leaf(read.text({ what: "the host of the MQTT broker", example: "data-1" })),
      port: int("the MQTT broker's port", 1883, 1024, 65_535).default(dataDefaults.mqttPort),
      maxConnections: int("the clients at once", 2000, 1, 100_000).default(
        dataDefaults.maxConnections,
      ),
      maxQueuedMessages: int(
        "the messages that wait for a client",
        100_000,
        1,
        100_000_000,
      ).default(dataDefaults.maxQueuedMessages),
      maxMessageBytes: int("the bytes of a message", 65_536, 256, 268_435_455, "bytes").default(
        dataDefaults.maxMessageBytes,
      ),
    },
    device: {
      publishes: texts("an MQTT topic filter", "devices/esp32-1/#").optional(),
      subscribes: texts("an MQTT topic filter", "devices/esp32-1/commands").optional(),
    },
    telemetry: {
      everySeconds: int("the seconds between two messages", 1, 1, 3600, "seconds").default(
        dataDefaults.everySeconds,
      ),
    },
    bridge: {
      hosts: texts("a host that the bridge runs on", "data-1").optional(),
      deadLetters: leaf(
        read.text({ what: "the Kafka topic for what is refused", example: "dead-letters" }),
      ).optional(),
    },
    dashboards: {
      host: leaf(read.text({ what: "the host of Metabase", example: "data-1" })).optional(),
      metabaseJar: leaf(
        read.text({ what: "the file of Metabase's jar", example: "downloads/metabase.jar" }),
      ),
      port: int("Metabase's port", 3000, 1024, 65_535).default(dataDefaults.metabasePort),
      email: leaf(
        read.text({ what: "the administrator's e-mail address", example: "you@example.com" }),
      ).default(dataDefaults.metabaseEmail),
      java: int("the version of Java for Metabase", 21, 17, 99).default(dataDefaults.metabaseJava),
      heapMib: int("the heap of Metabase's JVM", 1024, 512, 65_536, "MiB").default(
        dataDefaults.metabaseHeapMib,
      ),
    },
    databricks: {
      host: leaf(read.text({ what: "the host that uploads", example: "data-1" })).optional(),
      workspace: leaf(
        read.text({
          what: "the workspace's URL",
          example: "https://dbc-a1b2345c-d6e7.cloud.databricks.com",
        }),
      ),
      volume: leaf(
        read.text({ what: "the volume's folder", example: "/Volumes/main/default/pi-lab" }),
      ),
      clientId: leaf(
        read.text({
          what: "the service principal's client id",
          example: "8f7a2b3c-0d1e-4f5a-9b8c-7d6e5f4a3b2c",
        }),
      ).optional(),
      topics: texts("a Kafka topic", "telemetry"),
      everySeconds: int("the seconds between two uploads", 30, 1, 300, "seconds").default(
        dataDefaults.uploadSeconds,
      ),
      batchKib: int("what is uploaded at once", 512, 1, 1024, "KiB").default(
        dataDefaults.uploadKib,
      ),
    },
    route: {
      from: leaf(read.text({ what: "an MQTT topic filter", example: "hosts/+/telemetry" })),
      topic: leaf(read.text({ what: "a Kafka topic", example: "telemetry" })),
      key: leaf(read.text({ what: "the record's key", example: "{1}" })).default(dataDefaults.key),
    },
    statusPage: {
      host: leaf(
        read.text({ what: "the host that serves the status page", example: "data-1" }),
      ).optional(),
      port: int("the status page's port", 8080, 1024, 65_535).default(dataDefaults.statusPagePort),
      title: leaf(read.text({ what: "the status page's title", example: "Kafka lab" })).optional(),
      telemetryTopics: texts("a topic with hosts' telemetry", "telemetry").optional(),
      alertTopics: texts("a topic with alerts", "alerts").optional(),
    },
    store: {
      host: leaf(read.text({ what: "the host of the store", example: "data-1" })).optional(),
      port: int("PostgreSQL's port", 5432, 1024, 65_535).default(dataDefaults.storePort),
      database: leaf(read.text({ what: "the database's name", example: "pilab" })).default(
        dataDefaults.database,
      ),
      topics: texts("a Kafka topic", "telemetry").optional(),
      retentionDays: int("the days that records are kept", 30, 1, 3650, "days").default(
        dataDefaults.retentionDays,
      ),
      readers: texts("a role that may read", "grafana").optional(),
    },
  };
}
