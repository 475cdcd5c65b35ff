import type { Lab } from "../model/types";
import { nodeName } from "./node-name";
import { kafkaHostsById } from "./server-properties";

/**
 * Kafka's own names file (`jdk.net.hosts.file`): the node name of every broker and controller, the own one included. It takes
 * the place of all other name resolution in the JVM, hence the line for localhost. /etc/hosts would
 * not do: Debian maps the own name to 127.0.1.1 and container engines rewrite the file.
 *
 * The hosts' names stand beside them, for Kafka's tools, and for clusters that were born when voters were
 * known by them; former ones as well, since it is by those that such a quorum knows a renamed host.
 */
export function renderKafkaHosts(lab: Lab): string {
  return [
    "127.0.0.1 localhost",
    ...kafkaHostsById(lab).map(({ nodeId, name, formerNames, machine }) =>
      [machine.address, nodeName(nodeId), name, ...formerNames].join(" "),
    ),
    "",
  ].join("\n");
}
