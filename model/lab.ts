import type { BrokerHost, ClientHost, Host, Lab, Machine } from "./types";

function isBroker(host: Host): host is BrokerHost {
  return host.role === "broker";
}

/** The brokers, by name. Each is a controller too. */
export function brokers(lab: Lab): BrokerHost[] {
  return lab.hosts.filter(isBroker);
}

export function clients(lab: Lab): ClientHost[] {
  return lab.hosts.filter((host) => host.role === "client");
}

/** Machines on which no host plays. */
export function spares(lab: Lab): Machine[] {
  const used = new Set(lab.hosts.map(({ machine }) => machine.name));
  return lab.machines.filter(({ name }) => !used.has(name));
}

/** Where clients find the cluster: `address:port` of every broker, with commas between. */
export function bootstrapServers(lab: Lab): string {
  return brokers(lab)
    .map(({ machine }) => `${machine.address}:${lab.cluster.clientPort}`)
    .join(",");
}
