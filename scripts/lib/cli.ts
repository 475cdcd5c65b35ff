import { parseArgs } from "node:util";
import { ConfigError } from "../../model/errors";
import { ToolchainError } from "../../toolchain/errors";
import type { Log } from "../../toolchain/log";
import { UserError, reasonOf } from "./errors";
import { DEFAULT_STACK } from "./lab-folder";

/** Progress goes to stderr, so that stdout holds a command's result alone (`--json | jq`). */
export const toStderr: Log = (line) => {
  process.stderr.write(`${line}\n`);
};

/**
 * Runs a command's main function and turns what it throws into an exit code: 1 and the message alone
 * for what the user can mend, 2 and the stack trace for a bug.
 */
export function runCommand(main: () => Promise<number>): void {
  main().then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      const mendable =
        error instanceof UserError ||
        error instanceof ConfigError ||
        error instanceof ToolchainError;
      const text =
        mendable || !(error instanceof Error) ? reasonOf(error) : (error.stack ?? error.message);
      process.stderr.write(`${text}\n`);
      process.exitCode = mendable ? 1 : 2;
    },
  );
}

/** What a command takes: switches, and options that take a value. */
export interface Usage {
  /** Shown with `--help` and for a mistake. */
  readonly text: string;
  readonly switches?: readonly string[];
  readonly values?: readonly string[];
  /** Values that may be given more than once. */
  readonly lists?: readonly string[];
}

export interface Given {
  has(name: string): boolean;
  value(name: string): string | undefined;
  list(name: string): readonly string[];
}

/**
 * Reads a command's arguments. `--help` prints the usage and ends the process.
 * @throws UserError naming the argument, for one that is unknown or lacks its value
 */
export function readArgs(usage: Usage, args: readonly string[] = process.argv.slice(2)): Given {
  const options: Record<
    string,
    { type: "boolean" | "string"; multiple?: boolean; short?: string }
  > = {
    help: { type: "boolean", short: "h" },
  };
  for (const name of usage.switches ?? []) options[name] = { type: "boolean" };
  for (const name of usage.values ?? [])
    options[name] = { type: "string", ...(name === "stack" ? { short: "s" } : {}) };
  for (const name of usage.lists ?? []) options[name] = { type: "string", multiple: true };
  let values: Record<string, unknown>;
  try {
    ({ values } = parseArgs({ args: [...args], options, strict: true }));
  } catch (error) {
    throw new UserError(`${reasonOf(error)}\n\n${usage.text}`);
  }
  if (values["help"] === true) {
    process.stdout.write(`${usage.text}\n`);
    process.exit(0);
  }
  return {
    has: (name) => values[name] === true,
    value: (name) => values[name] as string | undefined,
    list: (name) => (values[name] as string[] | undefined) ?? [],
  };
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
