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

/** The configuration of each program. */
export interface ProgramConfigs {
  readonly ring: RingConfig;
  readonly telemetry: TelemetryConfig;
  readonly bridge: BridgeConfig;
  readonly "status-page": StatusPageConfig;
  readonly sink: SinkConfig;
  readonly dashboards: DashboardsConfig;
  readonly databricks: DatabricksConfig;
}
