/**
 * Property values as the engine knows them. Everything that JSON has, and what it has not:
 * secrets, values that are not known yet, assets and archives, references to resources.
 */
export type PropertyValue =
  | null
  | boolean
  | number
  | string
  | PropertyValue[]
  | PropertyMap
  | Secret
  | Unknown
  | Asset
  | Archive
  | ResourceReference;

/** A property that is `undefined` is left out when the map is sent. */
export interface PropertyMap {
  [key: string]: PropertyValue | undefined;
}

/** A value that the engine encrypts in its state and hides in its displays. */
export class Secret {
  constructor(readonly value: PropertyValue) {}

  /** Keeps the value out of logs and error texts that print a secret by mistake. */
  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }
}

/** A value that only the update itself will bring; previews are full of them. */
export class Unknown {
  /** Without a member, every object would pass for an Unknown at compile time. */
  readonly unknown = true;

  toString(): string {
    return "[unknown]";
  }
}

export const UNKNOWN = new Unknown();

export type AssetContent =
  { readonly text: string } | { readonly path: string } | { readonly uri: string };

/** One file. `hash` is the engine's SHA-256 of its content (hex), empty if it could not tell. */
export class Asset {
  constructor(
    readonly content: AssetContent | undefined,
    readonly hash = "",
  ) {}
}

export type ArchiveContent =
  | { readonly assets: Readonly<Record<string, Asset | Archive>> }
  | { readonly path: string }
  | { readonly uri: string };

/** Many files: a folder, a packed archive, or a map of assets. */
export class Archive {
  constructor(
    readonly content: ArchiveContent | undefined,
    readonly hash = "",
  ) {}
}

export class ResourceReference {
  constructor(
    readonly urn: string,
    readonly id?: PropertyValue,
    readonly packageVersion?: string,
  ) {}
}

/** True for a plain map: none of the classes above, no array. */
export function isMap(value: PropertyValue | undefined): value is PropertyMap {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Secret) &&
    !(value instanceof Unknown) &&
    !(value instanceof Asset) &&
    !(value instanceof Archive) &&
    !(value instanceof ResourceReference)
  );
}

/** The value without its secret wrappings, at every depth. */
export function reveal<T extends PropertyValue | undefined>(value: T): T;
export function reveal(value: PropertyValue | undefined): PropertyValue | undefined {
  if (value instanceof Secret) return reveal(value.value);
  if (Array.isArray(value)) return value.map((item) => reveal(item));
  if (isMap(value)) return mapValues(value, (item) => reveal(item));
  return value;
}

/** A map with its secrets revealed at every depth; empty for anything that is no map. */
export function mapOf(value: PropertyValue | undefined): PropertyMap {
  const plain = reveal(value);
  return isMap(plain) ? plain : {};
}

/** One level of a map, a secret wrapping around it taken off; what is inside keeps its own. */
export function shallowMapOf(value: PropertyValue | undefined): PropertyMap {
  const inner = value instanceof Secret ? value.value : value;
  return isMap(inner) ? inner : {};
}

/** The value, secret where the other one is. */
export const asSecretAs = (like: PropertyValue | undefined, value: PropertyValue): PropertyValue =>
  like instanceof Secret && !(value instanceof Secret) ? new Secret(value) : value;

export function containsSecret(value: PropertyValue | undefined): boolean {
  return someValue(value, (item) => item instanceof Secret);
}

export function containsUnknown(value: PropertyValue | undefined): boolean {
  return someValue(value, (item) => item instanceof Unknown);
}

/**
 * Equal but for secrecy. An unknown equals nothing, not even an unknown: what is not known yet
 * has to count as changed. Assets and archives are equal when their hashes are.
 */
export function sameValue(a: PropertyValue | undefined, b: PropertyValue | undefined): boolean {
  if (a instanceof Secret) return sameValue(a.value, b);
  if (b instanceof Secret) return sameValue(a, b.value);
  if (a instanceof Unknown || b instanceof Unknown) return false;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, i) => sameValue(item, b[i]));
  }
  if (a instanceof Asset && b instanceof Asset) return sameContent(a, b);
  if (a instanceof Archive && b instanceof Archive) return sameContent(a, b);
  if (a instanceof ResourceReference && b instanceof ResourceReference) return a.urn === b.urn;
  if (isMap(a) && isMap(b)) {
    const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
    return [...keys].every((key) => sameValue(a[key], b[key]));
  }
  // Last, since one and the same map may hold an unknown.
  return a === b;
}

function sameContent(a: Asset | Archive, b: Asset | Archive): boolean {
  if (a.hash !== "" || b.hash !== "") return a.hash === b.hash;
  return JSON.stringify(a.content) === JSON.stringify(b.content);
}

function mapValues(map: PropertyMap, f: (value: PropertyValue) => PropertyValue): PropertyMap {
  const out: PropertyMap = {};
  for (const [key, value] of Object.entries(map)) {
    if (value !== undefined) out[key] = f(value);
  }
  return out;
}

function someValue(
  value: PropertyValue | undefined,
  test: (value: PropertyValue | undefined) => boolean,
): boolean {
  if (test(value)) return true;
  if (value instanceof Secret) return someValue(value.value, test);
  if (Array.isArray(value)) return value.some((item) => someValue(item, test));
  if (isMap(value)) return Object.values(value).some((item) => someValue(item, test));
  return false;
}
