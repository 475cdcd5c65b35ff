import type { HostName, TopicName } from "../types";
import type { AlertRule } from "./payload-configs";

/** What the lab does with its data: which programs run on which hosts, and with what. */

/** The client ring's pace. On wherever the lab has clients. */
export interface Ring {
  /** Alerts that each client sends by itself. Default 6; 0: on its button alone. */
  readonly alertsPerMinute: number;
  /** Alerts a second while a client's button is held. Default 5. */
  readonly repeatPerSecond: number;
}

/** The MQTT broker (Mosquitto) and who may use it. */
export interface Mqtt {
  /** The host that it runs on. */
  readonly host: HostName;
  /** TCP port. Default 1883. */
  readonly port: number;
  /** Clients that may be connected at once. Default 2000. */
  readonly maxConnections: number;
  /** Messages that wait for one client that is away. Default 100,000. */
  readonly maxQueuedMessages: number;
  /** Bytes of one message, its topic and header included. Default 64 KiB. */
  readonly maxMessageBytes: number;
  readonly devices: readonly MqttDevice[];
}

/** A device that is no host of the lab, an ESP32 say: it logs in with its name and a password of its own. */
export interface MqttDevice {
  /** Also its MQTT user name and client id. */
  readonly name: string;
  /** Topic filters that it may publish to. Default: all below `devices/NAME/`. */
  readonly publishes: readonly string[];
  /** Topic filters that it may subscribe to. Default: none. */
  readonly subscribes: readonly string[];
}

/** What each host publishes about itself, on the MQTT topic `hosts/NAME/telemetry`. */
export interface Telemetry {
  /** Default 1. */
  readonly everySeconds: number;
}

/** Carries MQTT messages into Kafka. */
export interface Bridge {
  /** Where it runs; several share the load. Default: the MQTT broker's host. */
  readonly hosts: readonly HostName[];
  readonly routes: readonly BridgeRoute[];
  /** Takes the messages that a route's topic refuses for good. Without one they are dropped and told. */
  readonly deadLetters: TopicName | undefined;
}

export interface BridgeRoute {
  /** MQTT topic filter, `+` and `#` as MQTT has them. */
  readonly from: string;
  /** The Kafka topic, one of the lab's. */
  readonly topic: TopicName;
  /** The record's key: text in which `{1}` is what the first `+` stood for; `{topic}` the whole MQTT topic. Default `{topic}`. */
  readonly key: string;
}

/** A page in the browser that shows the lab as it is cabled and as it fares. */
export interface StatusPage {
  /** The host that serves it. Default: the MQTT broker's host. */
  readonly host: HostName;
  /** TCP port. Default 8080. */
  readonly port: number;
  /** What stands above it. Default: the lab's name. */
  readonly title: string;
  /** The topics with hosts' telemetry. Default: those of the bridge's routes that carry it. */
  readonly telemetryTopics: readonly TopicName[];
  /** The topics with alerts. Default: the one that alerting sends them to. */
  readonly alertTopics: readonly TopicName[];
}

/** PostgreSQL on a host of the lab, with what topics hold, and who reads it. */
export interface Store {
  /** The host that PostgreSQL and the sink run on. Default: the MQTT broker's. */
  readonly host: HostName;
  /** TCP port of PostgreSQL. Default 5432. */
  readonly port: number;
  /** The database's name. Default `pilab`. */
  readonly database: string;
  /** Kafka topics that are kept. Default: those that the bridge's routes carry telemetry to. */
  readonly topics: readonly TopicName[];
  /** Days for which records are kept, by Kafka's time stamps. Default 30. */
  readonly retentionDays: number;
  /** Roles that may read, besides `dashboards`. Default: none. */
  readonly readers: readonly string[];
}

/** Metabase on a host of the lab, which shows what the store holds. */
export interface Dashboards {
  /** The host that Metabase runs on. Default: the MQTT broker's. */
  readonly host: HostName;
  /** Metabase's jar on the controlling machine; relative to the stack's folder. */
  readonly metabaseJar: string;
  /** TCP port of Metabase. Default 3000. */
  readonly port: number;
  /** The administrator's account, which the lab makes. Default `admin@pi-lab.internal`. */
  readonly email: string;
  /** The Java that Metabase runs on, as a Debian package. Default 21. */
  readonly java: number;
  /** Metabase's JVM heap. Default 1024. */
  readonly heapMib: number;
}

/** Uploads topics as files into a volume of a Databricks workspace. */
export interface Databricks {
  /** Where it runs. Default: the MQTT broker's host. */
  readonly host: HostName;
  /** The workspace's URL, `https://…` without a path. */
  readonly workspace: string;
  /** The folder that files go to: `/Volumes/CATALOG/SCHEMA/VOLUME`, and maybe folders below it. */
  readonly volume: string;
  /** Of the service principal that logs in. Without one the secret is a personal access token. */
  readonly clientId: string | undefined;
  readonly topics: readonly TopicName[];
  /** How long a partition's records are gathered at most. Default 30. */
  readonly everySeconds: number;
  /** So many KiB of records are uploaded at once. Default 512. */
  readonly batchKib: number;
}

/** Tells when something is wrong. */
export interface AlertingGroup {
  /** Where it runs. Default: the MQTT broker's host. */
  readonly host: HostName;
  /** The Kafka topics with telemetry. Default: those that the bridge carries the hosts' to. */
  readonly topics: readonly TopicName[];
  /** The same alert is told again no sooner. Default 60. */
  readonly periodMinutes: number;
  /** Readings that come later than that are not used. Default 10. */
  readonly lateSeconds: number;
  readonly rules: readonly AlertRule[];
  readonly outputs: {
    readonly topic: TopicName | undefined;
    readonly webhook: { readonly url: string; readonly signed: boolean } | undefined;
    readonly email: AlertMail | undefined;
  };
}

export interface AlertMail {
  readonly server: string;
  readonly port: number;
  readonly security: "tls" | "starttls" | "none";
  readonly from: string;
  readonly to: readonly string[];
  /** Undefined: nobody logs in. */
  readonly user: string | undefined;
}

export interface DataPlane {
  readonly alerting: AlertingGroup | undefined;
  /** Power supplies and the hosts on each, by name. */
  readonly supplies: Readonly<Record<string, readonly HostName[]>>;
  /** Undefined where the lab has no client. */
  readonly ring: Ring | undefined;
  readonly mqtt: Mqtt | undefined;
  readonly telemetry: Telemetry | undefined;
  readonly bridge: Bridge | undefined;
  readonly statusPage: StatusPage | undefined;
  readonly store: Store | undefined;
  readonly dashboards?: Dashboards | undefined;
  readonly databricks?: Databricks | undefined;
}
