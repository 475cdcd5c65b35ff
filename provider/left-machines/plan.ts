/** The machines that hosts have left, on the wire and in plain values, and which of them are to be made quiet. */
import type { DetailedDiff, PropertyMap, PropertyValue } from "../../plugins/common/rpc";
import { isMap, mapOf, propertyPath } from "../../plugins/common/rpc";
import type { Login } from "../ssh/port";
import { parseLogin } from "../ssh/port";

/** A machine that a host was on, or was about to be on. */
export interface LeftMachine {
  /** Which of the host's moves left it; the first is 1. */
  readonly move: number;
  readonly login: Login;
  /** The host that is on it by now, or at its address on another machine; its own pushes see to what runs there. */
  readonly tenant?: string | undefined;
}

export interface Left {
  /**
   * How often the host was given another machine. Another count than the state's tells that a move was edited in
   * and perhaps begun, even if the edit was taken back since.
   */
  readonly moves: number;
  /** The last first. */
  readonly machines: readonly LeftMachine[];
}

/** Without the private key: whoever dials such a machine does so with the key that the lab has now. */
export function leftProperties(all: ReadonlyMap<string, Left>): PropertyMap {
  const machine = ({ move, login, tenant }: LeftMachine): PropertyMap => {
    const { host, port, user, hostKey, sudo } = login;
    const kept = { move, host, port, user, hostKey, sudo };
    return tenant === undefined ? kept : { ...kept, tenant };
  };
  return Object.fromEntries(
    [...all].map(([host, { moves, machines }]) => [
      host,
      { moves, machines: machines.map(machine) },
    ]),
  );
}

/** @param privateKey the key that the lab has now; none: the agent's */
export function parseLeft(
  value: PropertyValue | undefined,
  privateKey?: string,
): Map<string, Left> {
  return new Map(
    Object.entries(mapOf(value)).map(([host, one]) => {
      const { machines } = mapOf(one);
      const list = Array.isArray(machines) ? machines : [];
      return [
        host,
        {
          moves: numberOf(one, "moves"),
          machines: list.filter(isMap).map((machine) => parseMachine(machine, privateKey)),
        },
      ];
    }),
  );
}

function parseMachine(map: PropertyMap, privateKey: string | undefined): LeftMachine {
  const { tenant } = map;
  const login = parseLogin(map);
  return {
    move: numberOf(map, "move"),
    login: privateKey === undefined ? login : { ...login, privateKey },
    ...(typeof tenant === "string" ? { tenant } : {}),
  };
}

function numberOf(value: PropertyValue | undefined, key: string): number {
  const number = mapOf(value)[key];
  return typeof number === "number" ? number : 0;
}

/** A machine that is to be made quiet, and the hosts that have left it. */
export interface Due {
  readonly login: Login;
  readonly hosts: readonly string[];
}

/**
 * The machine that each host was on when all was last seen to: services are started on a host's machine after that alone,
 * so they run there and on none that an edit aimed at since. A machine that several hosts have left comes once.
 *
 * @param before what was seen to, by host
 */
export function dueMachines(
  before: ReadonlyMap<string, Left>,
  after: ReadonlyMap<string, Left>,
): Due[] {
  const due = new Map<string, Due>();
  for (const [host, { moves, machines }] of after) {
    const seen = before.get(host)?.moves ?? 0;
    // More than there were: they were counted of another host of that name.
    const next = (seen > moves ? 0 : seen) + 1;
    for (const { move, login, tenant } of machines) {
      if (move !== next || tenant !== undefined) continue;
      const key = login.hostKey ?? "";
      due.set(key, { login, hosts: [...(due.get(key)?.hosts ?? []), host] });
    }
  }
  return [...due.values()];
}

/** The hosts that were moved since, and those that are no more: another one of that name is counted anew. */
export function diffLeft(
  before: ReadonlyMap<string, Left>,
  after: ReadonlyMap<string, Left>,
): DetailedDiff {
  const detailedDiff: DetailedDiff = {};
  for (const [host, { moves }] of after) {
    if (moves === (before.get(host)?.moves ?? 0)) continue;
    const [path, kind] = before.has(host)
      ? ([["hosts", host, "moves"], "update"] as const)
      : ([["hosts", host], "add"] as const);
    detailedDiff[propertyPath(path)] = { kind, inputDiff: true };
  }
  for (const host of before.keys()) {
    if (after.has(host)) continue;
    detailedDiff[propertyPath(["hosts", host])] = { kind: "delete", inputDiff: true };
  }
  return detailedDiff;
}
