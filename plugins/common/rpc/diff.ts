import type { PropertyMap, PropertyValue } from "./values";
import { isMap, sameValue, Secret, Unknown } from "./values";

export type DiffKind =
  "add" | "add-replace" | "delete" | "delete-replace" | "update" | "update-replace";

export interface PropertyDiff {
  readonly kind: DiffKind;
  /**
   * True: the path is one of the inputs, and the display compares old inputs with new ones.
   * False (default): it shows the old output and the new input.
   */
  readonly inputDiff?: boolean;
}

/** By property path, see `propertyPath`. */
export type DetailedDiff = Record<string, PropertyDiff>;

/** A path in the engine's notation: `nodes["broker-1.lab"].want[0]`. */
export function propertyPath(steps: readonly (string | number)[]): string {
  let path = "";
  for (const step of steps) {
    if (typeof step === "number") path += `[${step}]`;
    else if (/^[^.[\]"\s]+$/.test(step)) path += path === "" ? step : `.${step}`;
    else path += `["${step.replaceAll('"', '\\"')}"]`;
  }
  return path;
}

/** The top-level property that a path leads into. */
export function firstStep(path: string): string {
  const quoted = /^\["((?:[^"\\]|\\.)*)"\]/.exec(path)?.[1];
  return quoted?.replaceAll('\\"', '"') ?? path.replace(/[.[].*$/s, "");
}

export interface DiffOptions {
  /** Which top-level properties cannot change in place. Default: none. */
  readonly replaceOn?: readonly string[];
  /** See `PropertyDiff.inputDiff`. Default: false. */
  readonly inputDiff?: boolean;
}

/**
 * What differs, down to the leaves: maps and lists are entered, so that a display names the one
 * entry that changed; what is secret as a whole is named as a whole. An unknown counts as changed.
 * Secrecy is not a difference by itself.
 */
export function diffProperties(
  olds: PropertyMap,
  news: PropertyMap,
  options: DiffOptions = {},
): DetailedDiff {
  const found: DetailedDiff = {};
  const record = (steps: readonly (string | number)[], kind: "add" | "delete" | "update"): void => {
    const replaces = options.replaceOn?.includes(String(steps[0])) ?? false;
    found[propertyPath(steps)] = {
      kind: replaces ? `${kind}-replace` : kind,
      inputDiff: options.inputDiff ?? false,
    };
  };
  const walk = (
    steps: readonly (string | number)[],
    before: PropertyValue | undefined,
    after: PropertyValue | undefined,
  ): void => {
    const a = bare(before) ?? undefined;
    const b = bare(after) ?? undefined;
    if (sameValue(a, b)) return;
    const secret = before instanceof Secret || after instanceof Secret;
    // An explicit null and an absent property mean the same to every handler.
    if (a === undefined) record(steps, "add");
    else if (b === undefined) record(steps, "delete");
    else if (secret || b instanceof Unknown) record(steps, "update");
    else if (isMap(a) && isMap(b)) {
      for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
        walk([...steps, key], a[key], b[key]);
      }
    } else if (Array.isArray(a) && Array.isArray(b)) {
      for (let i = 0; i < Math.max(a.length, b.length); i++) walk([...steps, i], a[i], b[i]);
    } else record(steps, "update");
  };
  for (const key of new Set([...Object.keys(olds), ...Object.keys(news)])) {
    walk([key], olds[key], news[key]);
  }
  return found;
}

function bare(value: PropertyValue | undefined): PropertyValue | undefined {
  return value instanceof Secret ? bare(value.value) : value;
}
