import type { ConfigProblem } from "../errors";
import type { LabDraft } from "../schema";

/** Rules about the MQTT broker, its devices and the telemetry. */
export function mqttProblems(_draft: LabDraft): ConfigProblem[] {
  return [];
}
