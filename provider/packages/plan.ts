import type { CheckFailure, DetailedDiff, PropertyMap } from "../../plugins/common/rpc";
import { reveal, sameValue, Unknown } from "../../plugins/common/rpc";

/** What a host has its packages for. How it is reached, and by which script, is no reason to bring them again. */
const BOUND_TO = ["packages", "triggers"] as const;

export function planPackages(olds: PropertyMap, news: PropertyMap): DetailedDiff {
  const differing = BOUND_TO.filter((key) => !sameValue(olds[key], news[key]));
  return Object.fromEntries(
    differing.map((key) => [key, { kind: "update", inputDiff: true } as const]),
  );
}

export function checkPackages(news: PropertyMap): CheckFailure[] {
  const packages = reveal(news["packages"]);
  if (packages instanceof Unknown) return [];
  const isList = Array.isArray(packages) && packages.every((name) => typeof name === "string");
  return isList && packages.length > 0
    ? []
    : [{ property: "packages", reason: "must be names of packages" }];
}

/** What is kept of a host that has its packages. */
export function broughtTo(news: PropertyMap): PropertyMap {
  return Object.fromEntries(["host", ...BOUND_TO].map((key) => [key, news[key]]));
}
