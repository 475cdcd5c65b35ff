import type { Lab } from "../model/types";
import { kafkaHostsById } from "./server-properties";

/**
 * Kafka's own names file (`jdk.net.hosts.file`): the name of every broker and controller, the own one included. It takes
 * the place of all other name resolution in the JVM, hence the line for localhost. /etc/hosts would
 * not do: Debian maps the own name to 127.0.1.1 and container engines rewrite the file.
 */
export function renderKafkaHosts(lab: Lab): string {
  return [
    "127.0.0.1 localhost",
    ...kafkaHostsById(lab).map(({ name, machine }) => `${machine.address} ${name}`),
    "",
  ].join("\n");
}
