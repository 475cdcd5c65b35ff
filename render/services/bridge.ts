import { bootstrapServers, type Host, type Lab } from "../../model";
import { BRIDGE_TOPICS, bridgeUser } from "../../model/data/mqtt-users";
import { hostPrograms } from "../../model/data/programs";
import { serviceUser } from "../../model/data/service-users";
import { programService } from "./program-service";
import type { HostService, ServiceSecrets } from "./service";

/** The bridge from MQTT into Kafka, on the hosts that are to run it. */
export function bridgeService(
  lab: Lab,
  host: Host,
  secrets: ServiceSecrets,
): HostService | undefined {
  const { mqtt, bridge } = lab.data;
  if (mqtt === undefined || bridge === undefined) return undefined;
  if (!hostPrograms(lab, host).includes("bridge")) return undefined;
  const broker = lab.hosts.find(({ name }) => name === mqtt.host);
  if (broker === undefined) throw new Error(`bug: ${mqtt.host} passed validation as a host`);
  const username = bridgeUser(host.name);
  const kafkaUser = serviceUser("bridge");
  return programService({
    lab,
    host,
    program: "bridge",
    description: "Bridge from MQTT into Kafka",
    config: {
      mqtt: {
        address: broker.machine.address,
        port: mqtt.port,
        username,
        password: secret(secrets.mqtt, username),
      },
      kafka: {
        bootstrapServers: bootstrapServers(lab).split(","),
        ...(lab.cluster.authentication !== undefined && {
          sasl: {
            mechanism: "SCRAM-SHA-512",
            username: kafkaUser,
            password: secret(secrets.kafka, kafkaUser),
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

function secret(of: Readonly<Record<string, string>>, name: string): string {
  const found = of[name];
  if (found === undefined) throw new Error(`bug: there is no password for ${name}`);
  return found;
}
