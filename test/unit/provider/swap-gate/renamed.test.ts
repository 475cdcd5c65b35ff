import type { GateHost } from "../../../../provider/swap-gate/plan";
import { renamedHosts, renamedMachines } from "../../../../provider/swap-gate/renamed";

const host = (name: string, nodeId?: number): GateHost => ({
  host: name,
  machine: "pi-3",
  login: undefined,
  disk: "key",
  made: false,
  kafka: nodeId === undefined ? undefined : { nodeId, broker: true, listeners: [] },
});

test("a node under a name that the gate does not know is asked whether it was renamed", () => {
  const before = [host("broker-1", 1), host("broker-3", 3), host("client-1")];
  expect(renamedHosts(before, [host("broker-1", 1), host("kafka-3", 3), host("ring-1")])).toEqual([
    "kafka-3: it is new, and has node id 3, which was broker-3's. If broker-3 was renamed, write " +
      "`formerNames: [broker-3]` below hosts.kafka-3, and it keeps its data; else choose another node id.",
  ]);
  expect(renamedHosts(before, [...before, host("broker-4", 4)])).toEqual([]);
  expect(renamedHosts(before, before)).toEqual([]);
  expect(renamedHosts([], before)).toEqual([]);
});

test("a virtual machine that takes another one's address is refused; a new one elsewhere is not", () => {
  const olds = { machines: { "pi-3": "10.0.42.3", "pi-7": "10.0.42.7" } };
  const told = renamedMachines(olds, { machines: { "pi-3": "10.0.42.3", spare: "10.0.42.7" } });
  expect(told).toEqual([
    expect.stringMatching(
      /^spare: 10\.0\.42\.7 is the address of the virtual machine pi-7, .* call it pi-7 again/,
    ),
  ]);
  const more = { machines: { ...olds.machines, "pi-8": "10.0.42.8" } };
  expect(renamedMachines(olds, more)).toEqual([]);
  expect(renamedMachines(olds, olds)).toEqual([]);
  // Real machines are made by nobody, and a state of a former version has no list.
  expect(renamedMachines(olds, {})).toEqual([]);
  expect(renamedMachines({}, more)).toEqual([]);
});
