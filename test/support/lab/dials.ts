import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestStack } from "../stack";

export interface Dial {
  /** Folder and name of the script that dialled. */
  readonly program: string;
  /** `host:port`, or the path of a socket. */
  readonly target: string;
}

export interface SpiedStack {
  readonly stack: TestStack;
  /** What was dialled so far. */
  readonly dials: () => Dial[];
}

/** The stack, with every connection of its program and of our plugins written down. */
export function withDialSpy(stack: TestStack): SpiedStack {
  const log = join(stack.folder.dir, "dials.log");
  const spied = stack.withEnv({
    NODE_OPTIONS: `--require=${join(__dirname, "dial-spy.cjs")}`,
    PI_LAB_DIAL_LOG: log,
  });
  const dials = (): Dial[] =>
    (existsSync(log) ? readFileSync(log, "utf8") : "")
      .split("\n")
      .filter(Boolean)
      .map((line) => {
        const [program = "", target = ""] = line.split(" ");
        return { program, target };
      });
  return { stack: spied, dials };
}

/** True for what stays on this machine. */
export function isLocal({ target }: Dial): boolean {
  return /^(\/|localhost:|127\.|\[?::1)/.test(target);
}
