import { STORE_OWNER, type Host, type Lab, type StoreAccess } from "../../model";
import { kafkaAccess } from "./kafka-access";
import { programService } from "./program-service";
import type { HostService, ServiceSecrets } from "./service";

/** The sink from Kafka into the store, on the store's host. */
export function sinkService(
  lab: Lab,
  host: Host,
  secrets: ServiceSecrets,
): HostService | undefined {
  const { store } = lab.data;
  if (store?.host !== host.name) return undefined;
  return programService({
    lab,
    host,
    program: "sink",
    description: "Sink from Kafka into PostgreSQL",
    config: {
      kafka: kafkaAccess(lab, "sink", secrets),
      store: storeAccess(lab, STORE_OWNER, secrets),
      topics: store.topics,
      retentionDays: store.retentionDays,
    },
  });
}

/** How a program on any host of the lab reaches the store as this role. */
export function storeAccess(lab: Lab, role: string, { store: known }: ServiceSecrets): StoreAccess {
  const { store } = lab.data;
  const host = lab.hosts.find(({ name }) => name === store?.host);
  const password = known[role];
  if (store === undefined || host === undefined) throw new Error("bug: the lab has no store");
  if (password === undefined) throw new Error(`bug: no password was made for the role ${role}`);
  const { port, database } = store;
  return { address: host.machine.address, port, database, username: role, password };
}
