import { compareNatural } from "./errors";
import type { LabConfig } from "./schema";
import { dataDefaults } from "./schema-data";
import { filtersOverlap } from "./data/mqtt-filter";
import { telemetryTopic } from "./data/programs";
import type { Bridge, DataPlane, Mqtt, Ring, StatusPage } from "./data/types";
import type { HostName, TopicName } from "./types";

/** From checked values alone. */
export function buildDataPlane(config: LabConfig): DataPlane {
  return {
    ring: buildRing(config),
    mqtt: buildMqtt(config),
    telemetry: config.telemetry,
    bridge: buildBridge(config),
    statusPage: buildStatusPage(config),
  };
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
  const { statusPage, bridge, mqtt, name } = config;
  const host = statusPage?.host ?? mqtt?.host;
  if (statusPage === undefined || host === undefined) return undefined;
  const carried = (bridge?.routes ?? [])
    .filter(({ from }) => filtersOverlap(from, telemetryTopic("+")))
    .map(({ topic }) => topic);
  const topics = (named: readonly string[]) =>
    [...new Set(named)].sort(compareNatural) as TopicName[];
  return {
    host: host as HostName,
    port: statusPage.port,
    title: statusPage.title ?? name,
    telemetryTopics: topics(statusPage.telemetryTopics ?? carried),
    alertTopics: topics(statusPage.alertTopics ?? []),
  };
}
