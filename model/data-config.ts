import { compareNatural } from "./errors";
import type { LabConfig } from "./schema";
import { dataDefaults } from "./schema-data";
import { buildAlerting } from "./data/alerting-config";
import { telemetryRoutes } from "./data/telemetry-routes";
import type {
  Bridge,
  Dashboards,
  Databricks,
  DataPlane,
  Mqtt,
  Ring,
  StatusPage,
  Store,
} from "./data/types";
import type { HostName, TopicName } from "./types";

/** From checked values alone. */
export function buildDataPlane(config: LabConfig): DataPlane {
  return {
    ring: buildRing(config),
    mqtt: buildMqtt(config),
    telemetry: config.telemetry,
    bridge: buildBridge(config),
    statusPage: buildStatusPage(config),
    store: buildStore(config),
    dashboards: buildDashboards(config),
    databricks: buildDatabricks(config),
    alerting: buildAlerting(config),
    supplies: buildSupplies(config),
  };
}

function buildSupplies({ supplies = {} }: LabConfig): DataPlane["supplies"] {
  return Object.fromEntries(
    Object.entries(supplies)
      .sort(([a], [b]) => compareNatural(a, b))
      .map(([name, hosts]) => [name, [...hosts].sort(compareNatural) as HostName[]]),
  );
}

function buildRing({ hosts, ring }: LabConfig): Ring | undefined {
  if (!Object.values(hosts).some(({ role }) => role === "client")) return undefined;
  const { alertsPerMinute, repeatPerSecond } = dataDefaults;
  return { alertsPerMinute, repeatPerSecond, ...ring };
}

function buildMqtt({ mqtt }: LabConfig): Mqtt | undefined {
  if (mqtt === undefined) return undefined;
  const { devices = {}, host, ...limits } = mqtt;
  return {
    ...limits,
    host: host as HostName,
    devices: Object.entries(devices)
      .sort(([a], [b]) => compareNatural(a, b))
      .map(([name, { publishes, subscribes }]) => ({
        name,
        publishes: publishes ?? [`devices/${name}/#`],
        subscribes: subscribes ?? [],
      })),
  };
}

function buildBridge({ bridge, mqtt }: LabConfig): Bridge | undefined {
  if (bridge === undefined || mqtt === undefined) return undefined;
  const hosts = (bridge.hosts ?? [mqtt.host]) as HostName[];
  return {
    hosts: [...new Set(hosts)].sort(compareNatural),
    deadLetters: bridge.deadLetters as TopicName | undefined,
    routes: bridge.routes.map((route) => ({ ...route, topic: route.topic as TopicName })),
  };
}

function buildStatusPage(config: LabConfig): StatusPage | undefined {
  const { statusPage, bridge, mqtt, name, alerting } = config;
  const host = statusPage?.host ?? mqtt?.host;
  if (statusPage === undefined || host === undefined) return undefined;
  const alerts = alerting?.outputs?.topic;
  const topics = (named: readonly string[]) =>
    [...new Set(named)].sort(compareNatural) as TopicName[];
  return {
    host: host as HostName,
    port: statusPage.port,
    title: statusPage.title ?? name,
    telemetryTopics: topics(statusPage.telemetryTopics ?? telemetryRoutes(bridge)),
    alertTopics: topics(statusPage.alertTopics ?? (alerts === undefined ? [] : [alerts])),
  };
}

function buildStore({ store, mqtt, bridge }: LabConfig): Store | undefined {
  if (store === undefined) return undefined;
  const { host = mqtt?.host, topics = telemetryRoutes(bridge), readers = [], ...rest } = store;
  if (host === undefined) throw new Error("bug: a store passed validation without a host");
  return {
    ...rest,
    host: host as HostName,
    topics: [...new Set(topics)].sort(compareNatural) as TopicName[],
    readers: [...new Set(readers)].sort(),
  };
}

function buildDashboards({ dashboards, mqtt }: LabConfig): Dashboards | undefined {
  if (dashboards === undefined) return undefined;
  const host = dashboards.host ?? mqtt?.host;
  if (host === undefined) throw new Error("bug: dashboards passed validation without a host");
  return { ...dashboards, host: host as HostName };
}

function buildDatabricks({ databricks, mqtt }: LabConfig): Databricks | undefined {
  if (databricks === undefined) return undefined;
  const host = databricks.host ?? mqtt?.host;
  if (host === undefined) throw new Error("bug: databricks passed validation without a host");
  return {
    ...databricks,
    host: host as HostName,
    clientId: databricks.clientId,
    topics: [...new Set(databricks.topics as TopicName[])].sort(compareNatural),
  };
}
