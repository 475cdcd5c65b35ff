/** The names by which the engine knows a stack's resources: what a user's state has to be found by. */

/** What a resource says that it was called before; what is empty is as it is now. */
export interface AliasSpec {
  readonly type: string;
  readonly name: string;
  /** Undefined: the parent of now, under whichever of its names. */
  readonly parent: Registered | undefined;
  readonly noParent: boolean;
}

/** A resource as the engine is told of it. */
export interface Registered {
  /** `type::name`, the parents' types before it with `$` between; without stack and project. */
  readonly urn: string;
  readonly name: string;
  /** The same for every name that it had before: its own aliases, and those that its parents hand down. */
  readonly formerUrns: readonly string[];
}

/**
 * What the engine makes of a registration, as `InheritedChildAlias` in its source does: under a parent's
 * former name a child had the same beginning of its name, if it begins with the parent's.
 */
export function registered(
  type: string,
  name: string,
  parent: Registered | undefined,
  aliases: readonly AliasSpec[],
): Registered {
  const places = [parent?.urn ?? "", ...(parent?.formerUrns ?? [])];
  const inherited = (own: string, place: string): string =>
    parent !== undefined && own.startsWith(parent.name)
      ? nameOf(place) + own.slice(parent.name.length)
      : own;
  const asNow: AliasSpec = { type, name, parent: undefined, noParent: false };
  const urns = [asNow, ...aliases].flatMap((alias) => {
    const [ownType, ownName] = [alias.type || type, alias.name || name];
    if (alias.noParent) return [childUrn("", ownType, ownName)];
    if (alias.parent !== undefined) return [childUrn(alias.parent.urn, ownType, ownName)];
    return places.map((place) => childUrn(place, ownType, inherited(ownName, place)));
  });
  const [urn = "", ...formerUrns] = [...new Set(urns)];
  return { urn, name, formerUrns };
}

const nameOf = (urn: string): string => urn.split("::")[1] ?? "";

function childUrn(parentUrn: string, type: string, name: string): string {
  const parentType = parentUrn.split("::")[0] ?? "";
  const isTop = parentType === "" || parentType === "pulumi:pulumi:Stack";
  return `${isTop ? type : `${parentType}$${type}`}::${name}`;
}
