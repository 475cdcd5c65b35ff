import { compareNatural, labPath, show, type ConfigProblem } from "../errors";

/** Gathers the problems that one group of rules finds. */
export class Report {
  readonly problems: ConfigProblem[] = [];

  /**
   * @param path under `lab`
   * @param value what stands there; undefined if it is missing or the path says it already
   * @param cause goes on after the value
   */
  add(path: readonly (string | number)[], value: unknown, cause: string, remedy: string): void {
    this.problems.push({ path: labPath(...path), value: show(value), cause, remedy });
  }
}

/**
 * Entries by name, as people count: of two that want the same thing the first keeps it, whatever
 * the order of the lines.
 */
export function inOrder<T>(record: Readonly<Record<string, T | undefined>> = {}): [string, T][] {
  return Object.entries(record)
    .flatMap(([name, value]): [string, T][] => (value === undefined ? [] : [[name, value]]))
    .sort(([a], [b]) => compareNatural(a, b));
}

const SHOWN = 8;

/** The first few of a list, for a remedy. */
export function some(values: readonly (string | number)[]): string {
  const shown = values.slice(0, SHOWN).join(", ");
  return values.length > SHOWN ? `${shown}, …` : shown;
}
