import type {
  CheckFailure,
  DetailedDiff,
  PropertyMap,
  PropertyValue,
} from "../../plugins/common/rpc";
import { isMap, mapOf, propertyPath, reveal, sameValue, Unknown } from "../../plugins/common/rpc";

/**
 * What a look is good for: this machine, for this role, as this board. Its address may change, and its
 * heap within what the board bears, without another one.
 */
const BOUND_TO = ["identity", "role", "board"] as const;

/** The hosts whose machine was not looked at as what it is now, with the paths that differ. */
export function planPreflight(
  hosts: PropertyValue | undefined,
  checked: PropertyValue | undefined,
): Map<string, DetailedDiff> {
  const due = new Map<string, DetailedDiff>();
  const known = mapOf(checked);
  for (const [host, machine] of Object.entries(mapOf(hosts))) {
    const before = known[host];
    if (before === undefined) {
      due.set(host, { [propertyPath(["hosts", host])]: { kind: "add", inputDiff: true } });
      continue;
    }
    const [was, is] = [mapOf(before), mapOf(machine)];
    const differing = BOUND_TO.filter((key) => !sameValue(was[key], is[key]));
    if (differing.length === 0) continue;
    due.set(
      host,
      Object.fromEntries(
        differing.map((key) => [
          propertyPath(["hosts", host, key]),
          { kind: "update", inputDiff: true },
        ]),
      ),
    );
  }
  return due;
}

/** What is kept of a machine that was found fit. */
export function checkedMachine(
  machine: PropertyValue | undefined,
  warnings: string[],
): PropertyMap {
  const is = mapOf(machine);
  return { ...Object.fromEntries(BOUND_TO.map((key) => [key, is[key]])), warnings };
}

/** The former looks at hosts that are still there. */
export function formerLooks(
  hosts: PropertyValue | undefined,
  checked: PropertyValue | undefined,
): PropertyMap {
  const present = mapOf(hosts);
  return Object.fromEntries(Object.entries(mapOf(checked)).filter(([host]) => host in present));
}

export function checkPreflight(news: PropertyMap): CheckFailure[] {
  const hosts = reveal(news["hosts"]);
  if (hosts instanceof Unknown) return [];
  if (!isMap(hosts) || Object.keys(hosts).length === 0) {
    return [{ property: "hosts", reason: "must have hosts" }];
  }
  return Object.entries(hosts).flatMap(([host, machine]): CheckFailure[] =>
    isMap(machine) || machine instanceof Unknown
      ? []
      : [{ property: propertyPath(["hosts", host]), reason: "must be a map" }],
  );
}
