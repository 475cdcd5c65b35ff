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
