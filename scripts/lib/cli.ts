import { parseArgs } from "node:util";
import { ConfigError } from "../../model/errors";
import { SshError } from "../../plugins/common/ssh";
import { KafkaError } from "../../provider/admin/port";
import { ToolchainError } from "../../toolchain/errors";
import type { Log } from "../../toolchain/log";
import { UserError, reasonOf } from "./errors";
import { DEFAULT_STACK } from "./lab-folder";

/** Progress goes to stderr, so that stdout holds a command's result alone (`--json | jq`). */
export const toStderr: Log = (line) => {
  process.stderr.write(`${line}\n`);
};

/** Errors that tell of a mistake or a circumstance: their message is all that the user needs. */
const MENDABLE = [UserError, ConfigError, ToolchainError, KafkaError, SshError];

/**
 * Runs a command's main function and turns what it throws into an exit code: 1 and the message alone
 * for what the user can mend, 2 and the stack trace for a bug.
 */
export function runCommand(main: () => Promise<number>): void {
  const output = bearClosedOutput([process.stdout, process.stderr]);
  main().then(
    (code) => {
      const failure = code === 0 ? output.failure() : undefined;
      if (failure !== undefined) toStderr(`The output cannot be written: ${failure.message}`);
      process.exitCode = failure === undefined ? code : 1;
    },
    (error: unknown) => {
      const mendable = MENDABLE.some((kind) => error instanceof kind);
      const text =
        mendable || !(error instanceof Error) ? reasonOf(error) : (error.stack ?? error.message);
      process.stderr.write(`${text}\n`);
      process.exitCode = mendable ? 1 : 2;
    },
  );
}

/**
 * A reader that has left (`| head`) or a terminal that was closed ends no command: an `up` that has begun
 * goes on to its end. Any other failure of the output is kept.
 */
export function bearClosedOutput(streams: readonly NodeJS.EventEmitter[]): {
  failure(): Error | undefined;
} {
  let failure: Error | undefined;
  for (const stream of streams) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE" && error.code !== "EIO") failure ??= error;
    });
  }
  return { failure: () => failure };
}

/** What a command takes: switches, options that take a value, and words. */
export interface Usage {
  /** Shown with `--help` and for a mistake. */
  readonly text: string;
  readonly switches?: readonly string[];
  readonly values?: readonly string[];
  /** Values that may be given more than once. */
  readonly lists?: readonly string[];
  /** Arguments that have no option's name before them, in their order, e.g. `TOPIC`. Each must be given. */
  readonly words?: readonly string[];
  /** True: what follows the last word is another program's, options included. See `Given.rest`. */
  readonly rest?: boolean;
  /** Letters that stand for options, e.g. `{ follow: "f" }`. `-s` is `--stack`, `-h` is `--help` everywhere. */
  readonly letters?: Readonly<Record<string, string>>;
}

export interface Given {
  has(name: string): boolean;
  value(name: string): string | undefined;
  list(name: string): readonly string[];
  /** One of `Usage.words`. */
  word(name: string): string;
  /**
   * A value that is a whole number.
   * @throws UserError for anything else, and for one below `least`
   */
  count(name: string, least: number): number | undefined;
  /** What follows the last word, as it was typed; none unless `Usage.rest` is set. */
  readonly rest: readonly string[];
}

type Options = Record<string, { type: "boolean" | "string"; multiple?: boolean; short?: string }>;

/**
 * Reads a command's arguments. `--help` prints the usage and ends the process.
 * @throws UserError naming the argument, for one that is unknown, missing or lacks its value
 */
export function readArgs(usage: Usage, args: readonly string[] = process.argv.slice(2)): Given {
  const { words = [], text } = usage;
  const options = optionsOf(usage);
  const end = usage.rest === true ? endOfWords(args, words.length, options) : args.length;
  const mistake = (what: string): UserError => new UserError(`${what}\n\n${text}`);
  let values: Record<string, unknown>;
  let positionals: readonly string[];
  try {
    ({ values, positionals } = parseArgs({
      args: args.slice(0, end),
      options,
      strict: true,
      allowPositionals: words.length > 0,
    }));
  } catch (error) {
    throw mistake(reasonOf(error));
  }
  if (values["help"] === true) {
    process.stdout.write(`${text}\n`);
    process.exit(0);
  }
  const missing = words[positionals.length];
  if (missing !== undefined) throw mistake(`${missing} is missing.`);
  const extra = positionals[words.length];
  if (extra !== undefined) throw mistake(`${JSON.stringify(extra)} is one argument too many.`);
  const value = (name: string): string | undefined => values[name] as string | undefined;
  return {
    has: (name) => values[name] === true,
    value,
    list: (name) => (values[name] as string[] | undefined) ?? [],
    word: (name) => positionals[words.indexOf(name)] ?? "",
    count: (name, least) => {
      const given = value(name);
      return given === undefined ? undefined : wholeNumber(name, given, least);
    },
    rest: args.slice(end),
  };
}

function optionsOf({ switches = [], values = [], lists = [], letters = {} }: Usage): Options {
  const short: Readonly<Record<string, string>> = { stack: "s", help: "h", ...letters };
  const entry = (name: string, type: "boolean" | "string", multiple = false): Options => ({
    [name]: { type, multiple, ...(short[name] === undefined ? {} : { short: short[name] }) },
  });
  return Object.assign(
    {},
    entry("help", "boolean"),
    ...switches.map((name) => entry(name, "boolean")),
    ...values.map((name) => entry(name, "string")),
    ...lists.map((name) => entry(name, "string", true)),
  ) as Options;
}

/** Where our own arguments end: behind the last word, or with all of them while one is missing. */
function endOfWords(args: readonly string[], words: number, options: Options): number {
  const { tokens } = parseArgs({
    args: [...args],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const last = tokens.filter(({ kind }) => kind === "positional")[words - 1];
  return last === undefined ? args.length : last.index + 1;
}

function wholeNumber(name: string, text: string, least: number): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= least && Number.isSafeInteger(number)) return number;
  throw new UserError(
    `--${name}: ${JSON.stringify(text)} is not a whole number of at least ${least}.`,
  );
}

/** The stack that a command works on: `--stack`, else PI_LAB_STACK, else `virtual`. */
export function stackOf(given: Given, env: NodeJS.ProcessEnv = process.env): string {
  return given.value("stack") ?? (env["PI_LAB_STACK"] || DEFAULT_STACK);
}

/** A command as the user types it: `npm run lab`, `npm run pulumi -- --stack spare preview`. */
export function npmRun(script: string, stack: string, ...args: readonly string[]): string {
  const all = [...(stack === DEFAULT_STACK ? [] : ["--stack", stack]), ...args];
  return ["npm run", script, ...(all.length > 0 ? ["--", ...all] : [])].join(" ");
}
