import type { AlertRule, LevelRule, SilenceRule } from "../../../../model";
import { Alerting, type CoreSettings } from "../../../../payloads/alerting/core/alerting";
import type { Reading } from "../../../../payloads/alerting/core/reading";

export const hot: LevelRule = {
  ...{ name: "hot", type: "threshold", severity: "warning", forSeconds: 3 },
  level: { field: "temperatureC", side: "above", limit: 80, clear: 75 },
};
export const quick: LevelRule = { ...hot, name: "quick", forSeconds: 0 };
export const silent: SilenceRule = {
  ...{ name: "silent", type: "silence", severity: "critical", afterSeconds: 5, together: 3 },
  devices: ["a", "b", "c", "d", "e", "f"],
};
export const down: AlertRule = {
  ...{ name: "down", type: "broker-down", severity: "critical", forSeconds: 0 },
};
export const weak: AlertRule = {
  ...{ name: "weak", type: "under-min-isr", severity: "critical", forSeconds: 0 },
};
export const lagging: LevelRule = {
  ...{ name: "lagging", type: "bridge-lag", severity: "warning", forSeconds: 0 },
  level: { field: "lagSeconds", side: "above", limit: 10, clear: 5 },
};

export const T0 = Date.parse("2026-11-28T20:00:00Z");

export const settings: CoreSettings = {
  host: "a",
  rules: [hot, quick, silent, down, weak, lagging],
  groups: [
    { kind: "supply", name: "psu-1", hosts: ["b", "c"] },
    { kind: "supply", name: "psu-2", hosts: ["d", "e", "f"] },
    { kind: "switch", name: "SW-008", hosts: ["a", "b", "c", "d", "e", "f"] },
  ],
  periodSeconds: 60,
  lateSeconds: 10,
};

export const core = (over: Partial<CoreSettings> = {}): Alerting =>
  new Alerting({ ...settings, ...over });

/** A reading `seconds` after T0 that came at once. */
export function at(seconds: number, temperatureC: number, device = "a"): Reading {
  const timeMs = T0 + seconds * 1000;
  return { device, timeMs, arrivedMs: timeMs, values: { temperatureC } };
}
