import { hostPrograms, telemetryTopic, type Host, type Lab } from "../../model";
import { mqttAccess } from "./mqtt-access";
import { programService } from "./program-service";
import type { HostService, ServiceSecrets } from "./service";

/** What a host publishes about itself; undefined where the lab wants none. */
export function telemetryService(
  lab: Lab,
  host: Host,
  secrets: ServiceSecrets,
): HostService | undefined {
  const { mqtt, telemetry } = lab.data;
  if (mqtt === undefined || telemetry === undefined) return undefined;
  if (!hostPrograms(lab, host).includes("telemetry")) return undefined;
  return programService({
    lab,
    host,
    program: "telemetry",
    description: "Telemetry of this host",
    config: {
      mqtt: mqttAccess(lab, host.name, secrets),
      topic: telemetryTopic(host.name),
      everySeconds: telemetry.everySeconds,
    },
  });
}
