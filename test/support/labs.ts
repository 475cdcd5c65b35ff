import { type Lab, parseLab } from "../../model";

/** Any text of the right form is a key until somebody connects. */
function hostKey(n: number): string {
  const blob = Buffer.concat([
    Buffer.from("0000000b7373682d6564323535313900000020", "hex"),
    Buffer.alloc(32, n),
  ]);
  return `ssh-ed25519 ${blob.toString("base64")}`;
}

const roles = {
  hosts: {
    "broker-1": { role: "broker", machine: "pi-1", port: 1, nodeId: 1 },
    "broker-2": { role: "broker", machine: "pi-2", port: 2, nodeId: 2 },
    "broker-3": { role: "broker", machine: "pi-3", port: 3, nodeId: 3 },
    "client-1": { role: "client", machine: "pi-4", port: 4, topic: "red" },
    "desk-1": { role: "host", machine: "pi-5", port: 5 },
  },
  topics: {
    red: { partitions: 2, config: { "retention.ms": "86400000" } },
    green: { deletionProtection: false },
  },
};

/** Three brokers, a client, another host and a spare machine, in containers. */
export function virtualLab(): Lab {
  return parseLab({
    name: "mock",
    virtual: {},
    switch: { model: "SW-008", subnet: "10.42.7.0/24" },
    ssh: { privateKeyPath: "key" },
    machines: Object.fromEntries(
      [1, 2, 3, 4, 5, 6].map((n) => [`pi-${n}`, { board: "pi-4b-8gb", address: `10.42.7.${n}` }]),
    ),
    ...roles,
  });
}

/** The same roles on Pis that exist. */
export function physicalLab(): Lab {
  return labOf(5, roles);
}

/** A controller on pi-1, brokers that are none on pi-2 and pi-3, and a client, on Pis that exist. */
export function separateLab(): Lab {
  const broker = { role: "broker", processRoles: ["broker"] };
  return labOf(4, {
    hosts: {
      "controller-1": { role: "controller", machine: "pi-1", port: 1, nodeId: 1, heapMib: 512 },
      "broker-2": { ...broker, machine: "pi-2", port: 2, nodeId: 2 },
      "broker-3": { ...broker, machine: "pi-3", port: 3, nodeId: 3 },
      "client-1": { role: "client", machine: "pi-4", port: 4, topic: "red" },
    },
    cluster: { replicationFactor: 2, minInsyncReplicas: 1 },
    topics: { red: {} },
  });
}

function labOf(machines: number, rest: object): Lab {
  return parseLab({
    name: "mock",
    switch: { model: "SW-008", subnet: "10.0.42.0/24" },
    ssh: { user: "pi" },
    machines: Object.fromEntries(
      Array.from({ length: machines }, (_, i) => i + 1).map((n) => [
        `pi-${n}`,
        { board: "pi-4b-8gb", address: `10.0.42.${n}`, hostKey: hostKey(n) },
      ]),
    ),
    ...rest,
  });
}
