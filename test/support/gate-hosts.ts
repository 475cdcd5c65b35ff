import type { GateHost } from "../../provider/swap-gate/plan";

/** How machine N is logged in to. */
export const gateLogin = (n: number) => ({
  host: `10.0.42.${n}`,
  port: 22,
  user: "pi",
  hostKey: `key-${n}`,
  sudo: true,
});

/** The listeners of a combined node on machine N: for clients, for controllers. */
export const gateListeners = (n: number): string[] => [`10.0.42.${n}:9092`, `10.0.42.${n}:9093`];

/** A combined node, as the gate knows its host. */
export const gateBroker = (nodeId: number, machine = nodeId): GateHost => ({
  host: `broker-${nodeId}`,
  machine: `pi-${machine}`,
  login: gateLogin(machine),
  disk: `key-${machine}`,
  made: false,
  kafka: { nodeId, broker: true, listeners: gateListeners(machine) },
});
