import type { Lab } from "../types";
import { hostPrograms, telemetryTopic } from "./programs";

/** Who logs in at the MQTT broker, and where it may publish and subscribe: topic filters. */
export interface MqttUser {
  readonly name: string;
  readonly publishes: readonly string[];
  readonly subscribes: readonly string[];
}

/** The load generator's user, and the topics below which it publishes. */
export const LOAD_USER = "load";
export const LOAD_TOPICS = `${LOAD_USER}/#`;

/** What the topics begin with on which the bridges tell each other what they serve. */
export const BRIDGE_TOPICS = "pi-lab/bridge/";

/** A bridge's user, by its host. */
export const bridgeUser = (host: string): string => `bridge-${host}`;

/**
 * Everybody who logs in at the lab's MQTT broker; nobody where it has none. Each has a password of its own.
 * The hosts' telemetry first, then the bridges, the load generator, and the devices.
 */
export function mqttUsers(lab: Lab): readonly MqttUser[] {
  const { mqtt, bridge } = lab.data;
  if (mqtt === undefined) return [];
  const publishing = lab.hosts.filter((host) => hostPrograms(lab, host).includes("telemetry"));
  const routes = [...new Set(bridge?.routes.map(({ from }) => from))];
  return [
    ...publishing.map(({ name }): MqttUser => ({
      name,
      publishes: [telemetryTopic(name)],
      subscribes: [],
    })),
    ...(bridge?.hosts ?? []).map((host): MqttUser => ({
      name: bridgeUser(host),
      publishes: [`${BRIDGE_TOPICS}#`],
      subscribes: [...routes, `${BRIDGE_TOPICS}#`],
    })),
    { name: LOAD_USER, publishes: [LOAD_TOPICS], subscribes: [] },
    ...mqtt.devices,
  ];
}
