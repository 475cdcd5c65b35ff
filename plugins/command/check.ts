import type { CheckFailure, PropertyMap, PropertyValue } from "../common/rpc";
import { isMap, propertyPath, reveal, Secret, Unknown } from "../common/rpc";

/** What a property may be; a value that is not known yet may be anything. */
export type Kind = "string" | "boolean" | "number" | "strings" | "string map" | "list";

/** Collects what is wrong with the inputs of one resource, each with its path. */
export class Checker {
  readonly failures: CheckFailure[] = [];

  fail(path: readonly (string | number)[], reason: string): void {
    this.failures.push({ property: propertyPath(path), reason });
  }

  /** Checks the properties of a map that are there. */
  kinds(
    map: PropertyMap,
    kinds: Readonly<Record<string, Kind>>,
    path: readonly string[] = [],
  ): void {
    for (const [name, kind] of Object.entries(kinds)) {
      const value = reveal(map[name]);
      if (value === undefined || value === null || fits(value, kind)) continue;
      this.fail([...path, name], `must be a ${kind}`);
    }
  }

  required(map: PropertyMap, names: readonly string[], path: readonly string[] = []): void {
    for (const name of names) {
      if ((map[name] ?? null) === null) this.fail([...path, name], "is required");
    }
  }

  oneOf(map: PropertyMap, name: string, allowed: readonly string[]): void {
    const value = reveal(map[name]);
    if (typeof value !== "string" || allowed.includes(value)) return;
    this.fail([name], `must be one of ${allowed.join(", ")}`);
  }
}

function fits(value: PropertyValue, kind: Kind): boolean {
  if (value instanceof Unknown) return true;
  const isString = (item: PropertyValue | undefined): boolean =>
    typeof item === "string" || item instanceof Unknown;
  switch (kind) {
    case "string":
    case "boolean":
    case "number":
      return typeof value === kind;
    case "list":
      return Array.isArray(value);
    case "strings":
      return Array.isArray(value) && value.every(isString);
    case "string map":
      return isMap(value) && Object.values(value).every(isString);
  }
}

/** Changes what is inside a secret, or is plain; secrecy stays as it is. */
export function inside(
  value: PropertyValue,
  change: (inner: PropertyValue) => PropertyValue,
): PropertyValue {
  return value instanceof Secret ? new Secret(inside(value.value, change)) : change(value);
}

export const secret = (value: PropertyValue): Secret =>
  value instanceof Secret ? value : new Secret(value);
