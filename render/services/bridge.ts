import { bootstrapServers, type Host, type Lab } from "../../model";
import { BRIDGE_TOPICS, bridgeUser } from "../../model/data/mqtt-users";
import { hostPrograms } from "../../model/data/programs";
import { serviceUser } from "../../model/data/service-users";
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
  const kafkaUser = serviceUser("bridge");
  const kafkaPassword = secrets.kafka[kafkaUser];
  if (lab.cluster.authentication !== undefined && kafkaPassword === undefined) {
    throw new Error(`bug: no password was made for ${kafkaUser}`);
  }
  return programService({
    lab,
    host,
    program: "bridge",
    description: "Bridge from MQTT into Kafka",
    config: {
      mqtt: mqttAccess(lab, bridgeUser(host.name), secrets),
      kafka: {
        bootstrapServers: bootstrapServers(lab).split(","),
        ...(kafkaPassword !== undefined && {
          sasl: {
            mechanism: "SCRAM-SHA-512",
            username: kafkaUser,
            password: kafkaPassword,
          },
        }),
      },
      routes: bridge.routes,
      bridges: bridge.hosts,
      ownTopics: BRIDGE_TOPICS,
      ...(bridge.deadLetters !== undefined && { deadLetters: bridge.deadLetters }),
    },
  });
}
