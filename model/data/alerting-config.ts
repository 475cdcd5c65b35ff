import type { LabConfig } from "../schema";
import { dataDefaults } from "../schema-data";
import type { HostName, TopicName } from "../types";
import type { AlertLevel, AlertRule, AlertSeverity, LevelRule } from "./payload-configs";
import { telemetryRoutes } from "./telemetry-routes";
import type { AlertingGroup } from "./types";

type Alerting = NonNullable<LabConfig["alerting"]>;
type RuleConfig = NonNullable<Alerting["rules"]>[number];

/** Rules' own defaults. */
export const alertDefaults = {
  /** A Pi 4 and 5 slow down from 80 °C on (Raspberry Pi documentation, frequency management). */
  hot: { above: 80, clear: 75, forSeconds: 10 },
  /** Half a second: more than chrony leaves on a LAN, less than what confuses time stamps of one second. */
  clockOffset: { above: 0.5, clear: 0.25 },
  bridgeLag: { above: 10, clear: 5 },
  /** Shorter than that a device's next try to connect may take (payloads/lib/mqtt.ts). */
  silenceSeconds: 10,
  silencePeriods: 5,
} as const;

const CRITICAL: readonly AlertRule["type"][] = ["silence", "broker-down", "under-min-isr"];
const PORTS = { tls: 465, starttls: 587, none: 25 } as const;

/** From checked values alone. */
export function buildAlerting(config: LabConfig): AlertingGroup | undefined {
  const { alerting, mqtt, bridge } = config;
  if (alerting === undefined) return undefined;
  const { host = mqtt?.host, outputs, periodMinutes, lateSeconds } = alerting;
  const { topic, webhook, email } = outputs;
  const rules = alerting.rules ?? defaultRules(config);
  return {
    host: host as HostName,
    topics: [...(alerting.topics ?? telemetryRoutes(bridge))].sort() as TopicName[],
    periodMinutes,
    lateSeconds,
    rules: rules.map((rule) => buildRule(rule, config)),
    outputs: {
      topic: topic as TopicName | undefined,
      webhook,
      email: email && { ...email, port: email.port ?? PORTS[email.security], user: email.user },
    },
  };
}

/** A sensible set for what the lab has. */
export function defaultRules({ alerting, telemetry, bridge }: LabConfig): RuleConfig[] {
  const topics = alerting?.topics ?? telemetryRoutes(bridge);
  const { hot } = alertDefaults;
  const ofTelemetry: RuleConfig[] = [
    { name: "hot", type: "threshold", field: "temperatureC", ...hot },
    { name: "under-voltage", type: "under-voltage" },
    { name: "clock-offset", type: "clock-offset" },
    { name: "silent", type: "silence" },
  ];
  return [
    ...(telemetry !== undefined && topics.length > 0 ? ofTelemetry : []),
    { name: "broker-down", type: "broker-down" },
    { name: "under-min-isr", type: "under-min-isr" },
    ...(bridge === undefined ? [] : [{ name: "bridge-lag", type: "bridge-lag" } as const]),
  ];
}

/** After how long a device of a lab is silent where nothing else is said. */
export function silenceDefault(everySeconds: number): number {
  const { silenceSeconds, silencePeriods } = alertDefaults;
  return Math.max(silenceSeconds, silencePeriods * everySeconds);
}

function buildRule(rule: RuleConfig, config: LabConfig): AlertRule {
  const { name, type, forSeconds = 0, devices } = rule;
  const severity: AlertSeverity =
    rule.severity ?? (CRITICAL.includes(type) ? "critical" : dataDefaults.alertSeverity);
  const base = { name, severity };
  const ofLevel = (of: LevelRule["type"], level: AlertLevel): LevelRule => ({
    ...base,
    type: of,
    level,
    forSeconds,
    ...(devices !== undefined && { devices }),
  });
  switch (type) {
    case "broker-down":
    case "under-min-isr":
      return { ...base, type, forSeconds };
    case "silence": {
      const everySeconds = config.telemetry?.everySeconds ?? dataDefaults.everySeconds;
      return {
        ...base,
        type,
        afterSeconds: rule.afterSeconds ?? silenceDefault(everySeconds),
        devices: [...(devices ?? Object.keys(config.hosts))].sort(),
        together: rule.together ?? dataDefaults.together,
      };
    }
    case "threshold": {
      const { field = "", above, below, clear } = rule;
      const side = above === undefined ? "below" : "above";
      const limit = above ?? below ?? 0;
      return ofLevel(type, { field, side, limit, clear: clear ?? limit });
    }
    case "under-voltage":
      return ofLevel(type, { field: "underVoltage", side: "above", limit: 0.5, clear: 0.5 });
    case "clock-offset":
      return ofLevel(type, {
        ...{ field: "clockOffsetSeconds", side: "magnitude" },
        ...limits(rule, alertDefaults.clockOffset),
      });
    case "bridge-lag":
      return ofLevel(type, {
        ...{ field: "lagSeconds", side: "above" },
        ...limits(rule, alertDefaults.bridgeLag),
      });
    default:
      return type satisfies never;
  }
}

/** Half of the limit is well again, where nothing else is said. */
function limits(
  { above, clear }: RuleConfig,
  standard: { readonly above: number; readonly clear: number },
): { limit: number; clear: number } {
  if (above === undefined) return { limit: standard.above, clear: clear ?? standard.clear };
  return { limit: above, clear: clear ?? above / 2 };
}
