/**
 * The configuration files of the programs that run on the hosts: written by render/services, read and
 * checked by payloads/. JSON, one file a program.
 */

/** What every program's file has. */
export interface PayloadConfig {
  /** The lab's name of the host that the program runs on. */
  readonly host: string;
  /** Where the program tells its health (`/healthz`) and its figures (`/metrics`). */
  readonly endpoint: { readonly address: string; readonly port: number };
}

export interface KafkaAccess {
  /** `address:port` of every broker. */
  readonly bootstrapServers: readonly string[];
  /** Absent where nobody logs in. */
  readonly sasl?: {
    readonly mechanism: "SCRAM-SHA-512";
    readonly username: string;
    readonly password: string;
  };
}

export interface MqttAccess {
  readonly address: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
}

export interface RingConfig extends PayloadConfig {
  readonly kafka: KafkaAccess;
  /** The topic that this client produces on. */
  readonly topic: string;
  /** The topics of the other clients, which it consumes. */
  readonly others: readonly string[];
  /** Every broker's id and `address:port`, to say when one goes up or down. */
  readonly brokers: readonly {
    readonly host: string;
    readonly nodeId: number;
    readonly address: string;
  }[];
  readonly alertsPerMinute: number;
  readonly repeatPerSecond: number;
}

export interface TelemetryConfig extends PayloadConfig {
  readonly mqtt: MqttAccess;
  /** The MQTT topic that is published to. */
  readonly topic: string;
  readonly everySeconds: number;
}

export interface BridgeConfig extends PayloadConfig {
  readonly mqtt: MqttAccess;
  readonly kafka: KafkaAccess;
  readonly routes: readonly {
    readonly from: string;
    readonly topic: string;
    readonly key: string;
  }[];
  /** The hosts of all bridges, this one too, in the same order everywhere: they share the messages. */
  readonly bridges: readonly string[];
  /** What the MQTT topics begin with on which bridges talk to each other. Ends in `/`. */
  readonly ownTopics: string;
  /** The Kafka topic for messages that their own topic refuses for good. Without it they are dropped. */
  readonly deadLetters?: string;
}

/** A lab as its status page draws it. */
export interface DrawnLab {
  readonly switch: { readonly model: string; readonly ports: number };
  readonly hosts: readonly DrawnHost[];
  /** Machines on which no host plays. */
  readonly spares: readonly { readonly machine: string; readonly board: string }[];
  /** Those of the lab's configuration alone. */
  readonly topics: readonly { readonly name: string; readonly minInsyncReplicas: number }[];
}

export interface DrawnHost {
  readonly name: string;
  readonly role: "broker" | "controller" | "client" | "host";
  /** Of the switch, from 1. */
  readonly port: number;
  readonly machine: string;
  readonly board: string;
  /** What runs there, in words: `MQTT broker`, `bridge`, … */
  readonly runs: readonly string[];
  /** Of a client of the ring: the topic that it sends on. */
  readonly topic?: string;
  /** Of a broker or controller. */
  readonly node?: {
    readonly id: number;
    /** `address:port` of the listener that clients use; absent of a controller that is no broker. */
    readonly address?: string;
    readonly votes: boolean;
  };
}

export interface StatusPageConfig extends PayloadConfig {
  readonly kafka: KafkaAccess;
  /** Where the page is served. */
  readonly page: { readonly address: string; readonly port: number };
  readonly title: string;
  readonly lab: DrawnLab;
  readonly telemetryTopics: readonly string[];
  readonly alertTopics: readonly string[];
  /** How often each host publishes; absent where none does. */
  readonly telemetryEverySeconds?: number;
}

export interface StoreAccess {
  readonly address: string;
  readonly port: number;
  readonly database: string;
  readonly username: string;
  readonly password: string;
}

export interface SinkConfig extends PayloadConfig {
  readonly kafka: KafkaAccess;
  readonly store: StoreAccess;
  /** The Kafka topics that are kept. */
  readonly topics: readonly string[];
  readonly retentionDays: number;
}

export interface DashboardsConfig extends PayloadConfig {
  /** The lab's name, for titles. */
  readonly lab: string;
  /** Where Metabase serves, and the account that keeps it. */
  readonly metabase: {
    readonly address: string;
    readonly port: number;
    readonly email: string;
    readonly password: string;
  };
  /** The database that Metabase is to show, and who reads it there. */
  readonly store: StoreAccess;
  readonly everySeconds: number;
}

export interface DatabricksConfig extends PayloadConfig {
  readonly kafka: KafkaAccess;
  /** `https://…` without a path. */
  readonly workspace: string;
  /** `/Volumes/CATALOG/SCHEMA/VOLUME`, and folders below it. */
  readonly volume: string;
  /** With a client id: its OAuth secret. Without: a personal access token. */
  readonly clientId?: string;
  readonly secret: string;
  readonly topics: readonly string[];
  readonly everySeconds: number;
  readonly batchKib: number;
}

export type AlertSeverity = "warning" | "critical";

/** When a number is bad, and when it is good again; between the two nothing changes. */
export interface AlertLevel {
  /** The key of the telemetry's JSON. Truth values count as 1 and 0. */
  readonly field: string;
  /** `magnitude`: above without regard to its sign. */
  readonly side: "above" | "below" | "magnitude";
  /** Bad beyond it. */
  readonly limit: number;
  /** Good again here, and beyond it on the other side. */
  readonly clear: number;
}

interface AlertRuleBase {
  readonly name: string;
  readonly severity: AlertSeverity;
}

/** About numbers that devices tell, or that are read from bridges. */
export interface LevelRule extends AlertRuleBase {
  readonly type: "threshold" | "under-voltage" | "clock-offset" | "bridge-lag";
  readonly level: AlertLevel;
  /** How long it must have been bad. */
  readonly forSeconds: number;
  /** Of whom. Default: of all that tell it. */
  readonly devices?: readonly string[];
}

/** About devices that are heard of no more. */
export interface SilenceRule extends AlertRuleBase {
  readonly type: "silence";
  readonly afterSeconds: number;
  /** Those that are expected to be heard of. */
  readonly devices: readonly string[];
  /** As many that fall silent at once are one alert. */
  readonly together: number;
}

/** About what Kafka's brokers say or do not say. */
export interface ClusterRule extends AlertRuleBase {
  readonly type: "broker-down" | "under-min-isr";
  readonly forSeconds: number;
}

export type AlertRule = LevelRule | SilenceRule | ClusterRule;

/** Hosts that fail together. */
export interface AlertGroup {
  readonly kind: "supply" | "switch";
  readonly name: string;
  readonly hosts: readonly string[];
}

export interface AlertWebhook {
  readonly url: string;
  /** Signs each request. Absent: requests are not signed. */
  readonly secret?: string;
}

export interface AlertEmail {
  readonly server: string;
  readonly port: number;
  /** `starttls`: plain first, and nothing is sent before it is encrypted. `none`: never encrypted. */
  readonly security: "tls" | "starttls" | "none";
  readonly from: string;
  readonly to: readonly string[];
  readonly login?: { readonly username: string; readonly password: string };
}

export interface AlertingConfig extends PayloadConfig {
  readonly kafka: KafkaAccess;
  /** The Kafka topics with telemetry; may be none. */
  readonly telemetryTopics: readonly string[];
  /** Every broker, to say when one is down. */
  readonly brokers: readonly {
    readonly host: string;
    readonly nodeId: number;
    readonly address: string;
  }[];
  /** The topics whose partitions are watched. */
  readonly topics: readonly { readonly name: string; readonly minInsyncReplicas: number }[];
  /** Where the bridges tell their figures. */
  readonly bridges: readonly { readonly host: string; readonly url: string }[];
  readonly groups: readonly AlertGroup[];
  readonly rules: readonly AlertRule[];
  /** The same alert is told again no sooner. */
  readonly periodSeconds: number;
  /** Readings that are older when they arrive are counted and not used. */
  readonly lateSeconds: number;
  /**
   * Random, where outputs hold secrets that somebody chose: the state tells this file's hash, which is to say
   * nothing of them. No use in the program.
   */
  readonly salt?: string;
  readonly outputs: {
    /** Kafka topic. */
    readonly topic?: string;
    readonly webhook?: AlertWebhook;
    readonly email?: AlertEmail;
  };
}

/** The configuration of each program. */
export interface ProgramConfigs {
  readonly ring: RingConfig;
  readonly telemetry: TelemetryConfig;
  readonly bridge: BridgeConfig;
  readonly "status-page": StatusPageConfig;
  readonly sink: SinkConfig;
  readonly dashboards: DashboardsConfig;
  readonly databricks: DatabricksConfig;
  readonly alerting: AlertingConfig;
}
