/** The way of wants and findings from and to the wire. */
import type { DetailedDiff, PropertyMap, PropertyValue } from "../../plugins/common/rpc";
import { isMap, propertyPath, reveal } from "../../plugins/common/rpc";
import { type HostWants, type Push, pushes } from "../../model/host-wants";
import { type Finding, pathOf } from "./plan";

/** How often drift was found that a push mends, by push: a trigger of that push. */
export type Generations = Readonly<Record<Push, number>>;

/** What each kind of want must look like. */
const KINDS: Readonly<Record<string, (value: PropertyValue) => boolean>> = {
  files: (value) => hasTexts(value, ["sha256", "mode", "owner"]),
  links: isText,
  present: isText,
  packages: isText,
  units: (value) => hasTexts(value, ["unitFileState"]),
};

/**
 * Reads what is wanted of a host.
 * @throws Error naming the path of what is not as it should be
 */
export function parseWants(value: PropertyValue | undefined): HostWants {
  const all = reveal(value);
  if (!isMap(all)) throw new Error("pushes: must be a map");
  for (const [push, want] of Object.entries(all)) {
    if (!(pushes as readonly string[]).includes(push)) {
      throw new Error(`${propertyPath(["pushes", push])}: must be one of ${pushes.join(", ")}`);
    }
    for (const [kind, items] of Object.entries(isMap(want) ? want : {})) {
      const isGood = KINDS[kind];
      const bad = Object.entries(isMap(items) ? items : {}).find(
        ([, item]) => item === undefined || isGood?.(item) !== true,
      );
      if (isGood !== undefined && isMap(items) && bad === undefined) continue;
      const path = propertyPath(["pushes", push, kind, ...(bad === undefined ? [] : [bad[0]])]);
      throw new Error(`${path}: is nothing that can be looked for on a host`);
    }
  }
  return all;
}

function isText(value: PropertyValue | undefined): boolean {
  return typeof value === "string";
}

function hasTexts(value: PropertyValue, keys: readonly string[]): boolean {
  return isMap(value) && keys.every((key) => isText(value[key]));
}

/** What differs, at the paths at which it is wanted: so the diff reads "seen => wanted". */
export function driftedPushes(findings: readonly Finding[]): PropertyMap {
  const drifted: PropertyMap = {};
  for (const finding of findings) {
    if (finding.push === undefined) continue;
    const path = [finding.push, ...pathOf(finding)];
    const last = path.pop() as string;
    let map = drifted;
    for (const step of path) map = (map[step] ??= {}) as PropertyMap;
    map[last] = finding.seen;
  }
  return drifted;
}

/** Every text that stands in the state as drifted and is wanted still: its path, and its push. */
export function diffDrift(
  drifted: PropertyValue | undefined,
  wanted: PropertyValue | undefined,
): { readonly detailedDiff: DetailedDiff; readonly touched: ReadonlySet<Push> } {
  const detailedDiff: DetailedDiff = {};
  const touched = new Set<Push>();
  const walk = (steps: readonly string[], seen: PropertyValue, want: PropertyValue): void => {
    if (typeof seen === "string" && typeof want === "string") {
      detailedDiff[propertyPath(["pushes", ...steps])] = { kind: "update" };
      touched.add(steps[0] as Push);
    } else if (isMap(seen) && isMap(want)) {
      for (const [key, value] of Object.entries(seen)) {
        walk([...steps, key], value ?? null, want[key] ?? null);
      }
    }
  };
  walk([], reveal(drifted) ?? null, reveal(wanted) ?? null);
  return { detailedDiff, touched };
}

/** What the state has counted; a push that is not counted yet has met no drift. */
export function parseGenerations(value: PropertyValue | undefined): Generations {
  const map = reveal(value);
  const count = (push: Push): number => {
    const number = isMap(map) ? map[push] : undefined;
    return typeof number === "number" ? number : 0;
  };
  return Object.fromEntries(pushes.map((push) => [push, count(push)])) as Record<Push, number>;
}
