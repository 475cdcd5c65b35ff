import type { BrokerHost, ClientHost, Host, KafkaHost, Lab, Machine, ProcessRole } from "./types";

/** Whether Kafka runs on a host, as a broker, a controller or both. */
export function isKafkaHost(host: Host): host is KafkaHost {
  return host.role === "broker" || host.role === "controller";
}

/** Whether a node votes in the quorum. */
export function isController({ processRoles }: KafkaHost): boolean {
  const roles: readonly ProcessRole[] = processRoles;
  return roles.includes("controller");
}

/** The hosts on which Kafka runs, by name. */
export function kafkaHosts(lab: Lab): KafkaHost[] {
  return lab.hosts.filter(isKafkaHost);
}

/** The brokers, by name, whether or not they are controllers too. */
export function brokers(lab: Lab): BrokerHost[] {
  return lab.hosts.filter((host) => host.role === "broker");
}

/** The voters of the quorum, by name, whether or not they are brokers too. */
export function controllers(lab: Lab): KafkaHost[] {
  return kafkaHosts(lab).filter(isController);
}

/** Where the quorum is asked: `address:port` of every controller's own listener. */
export function controllerServers(lab: Lab): string[] {
  return controllers(lab).map(({ machine }) => `${machine.address}:${lab.cluster.controllerPort}`);
}

export function clients(lab: Lab): ClientHost[] {
  return lab.hosts.filter((host) => host.role === "client");
}

/** Machines on which no host plays. */
export function spares(lab: Lab): Machine[] {
  const used = new Set(lab.hosts.map(({ machine }) => machine.name));
  return lab.machines.filter(({ name }) => !used.has(name));
}

/** The former names of those hosts that have some, by present name. */
export function formerNames(lab: Lab): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    lab.hosts.flatMap((host) =>
      host.formerNames.length > 0 ? [[host.name, host.formerNames]] : [],
    ),
  );
}

/** Where clients find the cluster: `address:port` of every broker, with commas between. */
export function bootstrapServers(lab: Lab): string {
  return brokers(lab)
    .map(({ machine }) => `${machine.address}:${lab.cluster.clientPort}`)
    .join(",");
}
