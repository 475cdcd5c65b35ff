import { bootstrapServers, type KafkaAccess, type Lab, type ProgramName } from "../../model";
import { serviceUser } from "../../model/data/service-users";
import type { ServiceSecrets } from "./service";

/** How a program reaches Kafka: with a login of its own where the cluster asks for one. */
export function kafkaAccess(
  lab: Lab,
  program: ProgramName,
  { kafka }: ServiceSecrets,
): KafkaAccess {
  const servers = bootstrapServers(lab).split(",");
  const username = serviceUser(program);
  const password = kafka[username];
  if (password !== undefined) {
    return {
      bootstrapServers: servers,
      sasl: { mechanism: "SCRAM-SHA-512", username, password },
    };
  }
  if (lab.cluster.authentication === undefined) return { bootstrapServers: servers };
  throw new Error(`bug: no password was made for ${username}`);
}
