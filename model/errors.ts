/** One mistake in the configuration. Read in a row, the parts make a sentence: `path: value cause. remedy`. */
export interface ConfigProblem {
  /** Where it is, as a user finds it in the YAML and as `pulumi config set --path` takes it: `lab.hosts.broker-2.port`. */
  readonly path: string;
  /** What stands there, as text; undefined when something is missing. */
  readonly value: string | undefined;
  /** What is wrong with it: goes on after the value, without a full stop. */
  readonly cause: string;
  /** What the user can do: whole sentences. */
  readonly remedy: string;
}

/** The user's mistakes in the configuration, all of them. A bug of ours is never one of these. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];

  /** @param problems at least one; shown sorted by path */
  constructor(problems: readonly ConfigProblem[]) {
    const sorted = [...problems].sort((a, b) => compareNatural(a.path, b.path));
    super(describe(sorted));
    this.name = "ConfigError";
    this.problems = sorted;
  }
}

function describe(problems: readonly ConfigProblem[]): string {
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  return [
    `The lab's configuration has ${count}; nothing was changed.`,
    ...problems.map((problem) => `  ${describeProblem(problem)}`),
  ].join("\n");
}

/** One problem in one line. */
export function describeProblem({ path, value, cause, remedy }: ConfigProblem): string {
  return `${path}: ${value === undefined ? cause : `${value} ${cause}`}. ${remedy}`;
}

/**
 * Orders names as people count: `broker-2` before `broker-10`. Independent of the machine's locale,
 * so that a lab parses the same everywhere.
 */
export function compareNatural(a: string, b: string): number {
  const left = a.match(/\d+|\D+/g) ?? [];
  const right = b.match(/\d+|\D+/g) ?? [];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const [x = "", y = ""] = [left[i], right[i]];
    const byNumber = /^\d/.test(x) && /^\d/.test(y) ? Number(x) - Number(y) : 0;
    if (byNumber !== 0) return byNumber;
    if (x !== y) return x < y ? -1 : 1;
  }
  return left.length - right.length;
}

/** A path under `lab`. */
export function labPath(...parts: readonly (string | number)[]): string {
  return pathBelow("lab", ...parts);
}

/** A path under a key: parts that hold a dot are put in brackets, as the engine's `--path` wants them. */
export function pathBelow(root: string, ...parts: readonly (string | number)[]): string {
  return parts.reduce<string>((path, part) => {
    if (typeof part === "number") return `${path}[${part}]`;
    return /^[\w-]+$/.test(part) ? `${path}.${part}` : `${path}[${JSON.stringify(part)}]`;
  }, root);
}

const SHOWN_CHARS = 60;

/** A value as a problem shows it: text bare where that is clear, all else as JSON; long ones are cut. */
export function show(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  const isBare = typeof value === "string" && /^[!-~]+( [!-~]+)*$/.test(value);
  const text = isBare ? value : JSON.stringify(value);
  return text.length <= SHOWN_CHARS ? text : `${text.slice(0, SHOWN_CHARS - 1)}…`;
}

/** The same where text and number must be told apart: `"2"` is text. */
export function showTyped(value: unknown): string | undefined {
  const looksTyped = typeof value === "string" && /^([-+]?[.\d]+|true|false|null)$/.test(value);
  return looksTyped && !/\..*\./.test(value) ? JSON.stringify(value) : show(value);
}

/** `a`, `a or b`, `a, b or c`. */
export function oneOf(values: readonly string[], word = "or"): string {
  const last = values.at(-1) ?? "";
  return values.length < 2 ? last : `${values.slice(0, -1).join(", ")} ${word} ${last}`;
}
