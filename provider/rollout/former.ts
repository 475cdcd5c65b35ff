/** The machines that a node has left, on the wire and in plain values. */
import type { PropertyMap, PropertyValue } from "../../plugins/common/rpc";
import { isMap, mapOf } from "../../plugins/common/rpc";
import type { Login } from "../ssh/port";

/** A machine that a node ran on, or was about to run on. */
export interface FormerMachine {
  readonly login: Login;
  /** Where its Kafka answered, or would have, `host:port`. */
  readonly listeners: readonly string[];
}

export interface Former {
  /**
   * How often the node was given another machine or disk. Another count than the state's tells that one
   * was edited in and perhaps begun, even if the edit was taken back since.
   */
  readonly swaps: number;
  /** The last first, without the node's present one. */
  readonly machines: readonly FormerMachine[];
}

/**
 * Without the private key: a second copy of it has no place in a state. Whoever dials such a machine does so
 * with the key that the lab has now.
 */
export function formerMachine({ login, listeners }: FormerMachine): PropertyMap {
  const { host, port, user, hostKey, sudo } = login;
  return { host, port, user, hostKey, sudo, listeners: [...listeners] };
}

/** @param privateKey the key that the lab has now; none: the agent's */
export function parseFormer(value: PropertyValue | undefined, privateKey?: string): Former {
  const { swaps, machines } = mapOf(value);
  const parse = (one: PropertyValue): FormerMachine[] => {
    if (!isMap(one)) return [];
    const login = {
      host: one["host"] as string,
      port: one["port"] as number,
      user: one["user"] as string,
      hostKey: one["hostKey"] as string,
      sudo: one["sudo"] as boolean,
    };
    return [
      {
        login: privateKey === undefined ? login : { ...login, privateKey },
        listeners: one["listeners"] as string[],
      },
    ];
  };
  return {
    swaps: typeof swaps === "number" ? swaps : 0,
    machines: Array.isArray(machines) ? machines.flatMap(parse) : [],
  };
}
