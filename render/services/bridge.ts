import { type Host, type Lab } from "../../model";
import { BRIDGE_TOPICS, bridgeUser } from "../../model/data/mqtt-users";
import { hostPrograms } from "../../model/data/programs";
import { kafkaAccess } from "./kafka-access";
import { mqttAccess } from "./mqtt-access";
import { programService } from "./program-service";
import type { HostService, ServiceSecrets } from "./service";

/** The bridge from MQTT into Kafka, on the hosts that are to run it. */
export function bridgeService(
  lab: Lab,
  host: Host,
  secrets: ServiceSecrets,
): HostService | undefined {
  const { bridge } = lab.data;
  if (bridge === undefined || !hostPrograms(lab, host).includes("bridge")) return undefined;
  return programService({
    lab,
    host,
    program: "bridge",
    description: "Bridge from MQTT into Kafka",
    config: {
      mqtt: mqttAccess(lab, bridgeUser(host.name), secrets),
      kafka: kafkaAccess(lab, "bridge", secrets),
      routes: bridge.routes,
      bridges: bridge.hosts,
      ownTopics: BRIDGE_TOPICS,
      ...(bridge.deadLetters !== undefined && { deadLetters: bridge.deadLetters }),
    },
  });
}
