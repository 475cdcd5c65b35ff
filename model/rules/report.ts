import { labPath, show, type ConfigProblem } from "../errors";

/** Gathers the problems that one group of rules finds. */
export class Report {
  readonly problems: ConfigProblem[] = [];

  /**
   * @param path under `lab`
   * @param value what stands there; undefined if it is missing
   * @param cause goes on after the value
   */
  add(path: readonly string[], value: unknown, cause: string, remedy: string): void {
    this.problems.push({ path: labPath(...path), value: show(value), cause, remedy });
  }
}
