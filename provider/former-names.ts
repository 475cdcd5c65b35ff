/** State that is kept by host name, read by the names that hosts have now. */
import type { CheckFailure, DetailedDiff, PropertyMap, PropertyValue } from "../plugins/common/rpc";
import {
  asSecretAs,
  isMap,
  propertyPath,
  reveal,
  shallowMapOf,
  Unknown,
} from "../plugins/common/rpc";

/** The property of a resource's inputs that has them: host name to the names that it had before. */
const PROPERTY = "formerNames";

interface Renaming {
  readonly from: string;
  readonly to: string;
}

/**
 * The state's map of hosts, the renamed ones under the names that the inputs give them. As secret as it was.
 *
 * @param key of that map in the state
 * @param news inputs with `formerNames`, and with the hosts of now under `hostsKey`
 */
export function withPresentNames(
  olds: PropertyMap,
  key: string,
  news: PropertyMap,
  hostsKey = key,
): PropertyMap {
  const renamings = renamingsOf(olds[key], news[hostsKey], news);
  if (renamings.length === 0) return olds;
  const entries = Object.entries(shallowMapOf(olds[key])).map(([host, value]) => {
    const renaming = renamings.find(({ from }) => from === host);
    return [renaming?.to ?? host, value] as const;
  });
  const renamed = Object.fromEntries(entries);
  return { ...olds, [key]: asSecretAs(olds[key], renamed) };
}

/** What a diff says of hosts that the state has under former names; by itself a renaming changes nothing else. */
export function renamingDiff(
  olds: PropertyMap,
  key: string,
  news: PropertyMap,
  hostsKey = key,
): DetailedDiff {
  return Object.fromEntries(
    renamingsOf(olds[key], news[hostsKey], news).map(({ to }) => [
      propertyPath([PROPERTY, to]),
      { kind: "add", inputDiff: true },
    ]),
  );
}

/** Without the former names: once the state has the new ones, nothing is to be done for them. */
export function withoutFormerNames({ [PROPERTY]: _names, ...rest }: PropertyMap): PropertyMap {
  return rest;
}

export function checkFormerNames(news: PropertyMap): CheckFailure[] {
  const names = reveal(news[PROPERTY]);
  if (names === undefined || names === null || names instanceof Unknown) return [];
  if (!isMap(names)) return [{ property: PROPERTY, reason: "must be a map of lists of names" }];
  return Object.entries(names).flatMap(([host, list]) =>
    Array.isArray(list) && list.every((name) => typeof name === "string" && name !== "")
      ? []
      : [{ property: propertyPath([PROPERTY, host]), reason: "must be a list of names" }],
  );
}

/** A host is looked for under its former names only where the state does not have its present one. */
function renamingsOf(
  olds: PropertyValue | undefined,
  hosts: PropertyValue | undefined,
  news: PropertyMap,
): Renaming[] {
  const known = shallowMapOf(olds);
  const present = shallowMapOf(hosts);
  return Object.keys(present)
    .filter((host) => !Object.hasOwn(known, host))
    .flatMap((to): Renaming[] => {
      const list = shallowMapOf(reveal(news[PROPERTY]))[to];
      const from = (Array.isArray(list) ? list : []).find(
        (name): name is string =>
          typeof name === "string" && Object.hasOwn(known, name) && !Object.hasOwn(present, name),
      );
      return from === undefined ? [] : [{ from, to }];
    });
}
