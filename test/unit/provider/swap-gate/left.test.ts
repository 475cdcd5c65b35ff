import { type Left, leftProperties, parseLeft } from "../../../../provider/left-machines/plan";
import { leftMachines } from "../../../../provider/swap-gate/left";
import type { GateHost } from "../../../../provider/swap-gate/plan";
import { gateBroker, gateLogin } from "../../../support/gate-hosts";

const client = (machine: number, host = "client-1"): GateHost => ({
  ...gateBroker(1, machine),
  login: { ...gateLogin(machine), privateKey: "the private key" },
  ...{ host, kafka: undefined },
});

/** Machines on which the host is, one after the other; what is remembered after the last, through the state. */
function after(...machines: readonly number[]): Left | undefined {
  let last: ReadonlyMap<string, Left> = new Map();
  let before = [client(4)];
  for (const machine of machines) {
    const next = [client(machine)];
    last = parseLeft(leftProperties(leftMachines(last, before, next)));
    before = next;
  }
  return last.get("client-1");
}

const remembered = (left: Left | undefined) =>
  left?.machines.map(({ move, login, tenant }) => [
    move,
    Number(login.host.replace("10.0.42.", "")),
    tenant,
  ]);

test("a host that was never moved has left none; a move leaves one, with address, user and host key", () => {
  expect(after()).toBeUndefined();
  expect(after(4, 4)).toBeUndefined();
  expect(after(9)).toEqual({ moves: 1, machines: [{ move: 1, login: gateLogin(4) }] });
  expect(after(9, 9)).toEqual(after(9));
  expect(
    JSON.stringify(leftProperties(leftMachines(new Map(), [client(4)], [client(9)]))),
  ).not.toMatch(/private/);
});

test("each move is counted, the last first, and a machine that is the host's own again says so", () => {
  expect(remembered(after(9, 8))).toEqual([
    [2, 9, undefined],
    [1, 4, undefined],
  ]);
  expect(remembered(after(9, 4))).toEqual([
    [2, 9, undefined],
    [1, 4, "client-1"],
  ]);
  expect(after(...Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? 9 : 8)))).toMatchObject({
    moves: 20,
    machines: { length: 8 },
  });
});

test("a machine has a tenant as long as a host is on it, or another machine at its address", () => {
  const before = [client(4), client(5, "client-2")];
  const swapped = [client(5), client(4, "client-2")];
  const left = leftMachines(new Map(), before, swapped);
  expect(remembered(left.get("client-1"))).toEqual([[1, 4, "client-2"]]);
  expect(remembered(left.get("client-2"))).toEqual([[1, 5, "client-1"]]);
  // It goes on to another one.
  const later = leftMachines(left, swapped, [client(5), client(6, "client-2")]);
  expect(remembered(later.get("client-1"))).toEqual([[1, 4, undefined]]);
  expect(remembered(later.get("client-2"))).toEqual([
    [2, 4, undefined],
    [1, 5, "client-1"],
  ]);
  // A new card: the same address, another key.
  const card = { ...client(4), login: { ...gateLogin(4), hostKey: "key-new" } };
  expect(remembered(leftMachines(new Map(), [client(4)], [card]).get("client-1"))).toEqual([
    [1, 4, "client-1"],
  ]);
  // Another address alone is no other machine.
  const moved = { ...client(4), login: { ...gateLogin(40), hostKey: "key-4" } };
  expect(leftMachines(new Map(), [client(4)], [moved]).size).toBe(0);
});

test("a machine that is still to be made is another one; so is a broker's, whose disk alone is none", () => {
  const made = { ...client(9), login: undefined, disk: undefined };
  expect(remembered(leftMachines(new Map(), [client(4)], [made]).get("client-1"))).toEqual([
    [1, 4, undefined],
  ]);
  const moved = leftMachines(new Map(), [gateBroker(2)], [gateBroker(2, 7)]);
  expect(remembered(moved.get("broker-2"))).toEqual([[1, 2, undefined]]);
  const raised = { ...gateBroker(2), disk: "key-2 disk 2" };
  expect(leftMachines(new Map(), [gateBroker(2)], [raised]).size).toBe(0);
});
