/** The stack named in arguments for the engine (`--stack NAME`, `--stack=NAME`, `-s NAME`), the last one if several. */
export function stackInArgs(args: readonly string[]): string | undefined {
  let found: string | undefined;
  for (const [i, arg] of args.entries()) {
    if (arg === "--") break;
    if (arg === "--stack" || arg === "-s") found = args[i + 1] ?? found;
    else if (arg.startsWith("--stack=")) found = arg.slice("--stack=".length);
    else if (/^-s[^-]/.test(arg)) found = arg.slice(2).replace(/^=/, "");
  }
  return found;
}

/** Options before the command that take a value of their own. */
const WITH_VALUE = new Set(["--stack", "-s", "--cwd", "-C", "--color", "--verbose", "-v"]);

/** The engine's command in its arguments: the first word that is neither an option nor an option's value. */
export function commandInArgs(args: readonly string[]): string | undefined {
  return args.find((arg, i) => !arg.startsWith("-") && !WITH_VALUE.has(args[i - 1] ?? ""));
}

/**
 * Commands that change resources or the state, and therefore want a lab that is clean of an earlier crash;
 * with the engine's other names for them (`down` and `dn` are `destroy`).
 */
const CHANGING = new Set(["up", "update", "destroy", "down", "dn", "refresh", "import", "watch"]);

/** Commands that run the program, and so need all that it reads and makes. */
const RUNS_PROGRAM = new Set(["up", "update", "preview", "pre", "watch"]);

/** Whether the engine would run the program with these arguments. */
export function runsProgram(args: readonly string[]): boolean {
  const command = commandInArgs(args);
  return command !== undefined && RUNS_PROGRAM.has(command);
}

/** Whether the engine would change resources or their state with these arguments. */
export function isChanging(args: readonly string[]): boolean {
  const command = commandInArgs(args);
  return command !== undefined && CHANGING.has(command);
}
