import type { Former } from "../../../../provider/rollout/former";
import {
  formerMachines,
  formerProperties,
  parseFormers,
} from "../../../../provider/swap-gate/former";
import type { GateHost } from "../../../../provider/swap-gate/plan";
import { gateBroker, gateListeners, gateLogin } from "../../../support/gate-hosts";

const broker = (nodeId: number, machine = nodeId): GateHost => ({
  ...gateBroker(nodeId, machine),
  login: { ...gateLogin(machine), privateKey: "the private key" },
});

/** Machines on which node 2 is, one after the other; what is remembered after the last. */
function after(...machines: readonly number[]): Former | undefined {
  let last: ReadonlyMap<string, Former> = new Map();
  let before = [broker(1), broker(2)];
  for (const machine of machines) {
    const next = [broker(1), broker(2, machine)];
    // Through the state, as the gate keeps it.
    last = parseFormers(formerProperties(formerMachines(last, before, next)));
    before = next;
  }
  expect([...last.keys()].filter((host) => host !== "broker-2")).toEqual([]);
  return last.get("broker-2");
}

const remembered = (former: Former | undefined) => ({
  swaps: former?.swaps,
  machines: former?.machines.map((one) => one.login.host.replace("10.0.42.", "")),
});

test("a node that was never swapped has left nothing behind", () => {
  expect(after()).toBeUndefined();
  expect(after(2, 2)).toBeUndefined();
});

test("the last machines first, each once, without the present one, and no more than three", () => {
  expect(remembered(after(4))).toEqual({ swaps: 1, machines: ["2"] });
  expect(remembered(after(4, 4))).toEqual({ swaps: 1, machines: ["2"] });
  // Taken back, and once more: the count tells it from the first time.
  expect(remembered(after(4, 2))).toEqual({ swaps: 2, machines: ["4"] });
  expect(remembered(after(4, 2, 4))).toEqual({ swaps: 3, machines: ["2"] });
  expect(remembered(after(4, 5))).toEqual({ swaps: 2, machines: ["4", "2"] });
  expect(remembered(after(4, 5, 6, 7))).toEqual({ swaps: 4, machines: ["6", "5", "4"] });
});

test("a machine is kept with its address, user and key, and without the private one", () => {
  expect(after(4)?.machines).toEqual([{ login: gateLogin(2), listeners: gateListeners(2) }]);
  const kept = formerProperties(formerMachines(new Map(), [broker(2)], [broker(2, 4)]));
  expect(JSON.stringify(kept)).not.toMatch(/private/);
});

test("another disk in the same machine counts, and leaves no other machine behind", () => {
  const raised = { ...broker(2), disk: "key-2 disk 2" };
  expect(formerMachines(new Map(), [broker(2)], [raised]).get("broker-2")).toEqual({
    swaps: 1,
    machines: [],
  });
});

test("a machine that runs another node by now is left out; one that a client has is not", () => {
  const before = [broker(1), broker(2), broker(3)];
  const rotated = formerMachines(new Map(), before, [broker(1), broker(2, 3), broker(3, 6)]);
  expect(remembered(rotated.get("broker-2"))).toEqual({ swaps: 1, machines: ["2"] });
  expect(remembered(rotated.get("broker-3"))).toEqual({ swaps: 1, machines: [] });
  const client = { ...broker(9, 2), host: "client-1", kafka: undefined };
  const given = formerMachines(new Map(), before, [broker(2, 4), client]);
  expect(remembered(given.get("broker-2"))).toEqual({ swaps: 1, machines: ["2"] });
});

test("a node keeps what it has left when its host is called otherwise", () => {
  const last = formerMachines(new Map(), [broker(2)], [broker(2, 4)]);
  const renamed = { ...broker(2, 4), host: "left-broker" };
  expect(remembered(formerMachines(last, [broker(2, 4)], [renamed]).get("left-broker"))).toEqual({
    swaps: 1,
    machines: ["2"],
  });
});

test("a machine that is still to be made is another one", () => {
  const made = { ...broker(2, 4), login: undefined, disk: undefined };
  expect(remembered(formerMachines(new Map(), [broker(2)], [made]).get("broker-2"))).toEqual({
    swaps: 1,
    machines: ["2"],
  });
});
