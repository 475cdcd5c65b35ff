import type { Host, Lab } from "../../model";
import { brokers, clients } from "../../model/lab";
import { kafkaAccess } from "./kafka-access";
import { programService } from "./program-service";
import type { HostService, ServiceSecrets } from "./service";

/** The ring's client on a host; undefined on a host that is none. */
export function ringService(
  lab: Lab,
  host: Host,
  secrets: ServiceSecrets,
): HostService | undefined {
  const { ring } = lab.data;
  if (ring === undefined || host.role !== "client") return undefined;
  const watched = brokers(lab).map(({ name, nodeId, machine }) => ({
    host: name,
    nodeId,
    address: `${machine.address}:${lab.cluster.clientPort}`,
  }));
  const others = clients(lab).filter(({ name }) => name !== host.name);
  return programService({
    lab,
    host,
    program: "ring",
    description: `Client of the ring, sends on ${host.topic}`,
    config: {
      kafka: kafkaAccess(lab, "ring", secrets),
      topic: host.topic,
      others: [...new Set(others.map(({ topic }) => topic))],
      brokers: watched,
      ...ring,
    },
  });
}
