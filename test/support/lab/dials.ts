import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestStack } from "../stack";

/** What the Node processes of an engine's run were seen to do. */
export interface Sightings {
  /** Folder and name of each script that ran. */
  readonly programs: readonly string[];
  /** `PROGRAM HOST:PORT` of each connection that was opened, failed ones included. */
  readonly dials: readonly string[];
}

export interface SpiedStack {
  readonly stack: TestStack;
  /** All that was seen so far. */
  readonly seen: () => Sightings;
}

/** The stack, with every connection of its program and of our plugins written down. */
export function withDialSpy(stack: TestStack): SpiedStack {
  const log = join(stack.folder.dir, "dials.log");
  const spied = stack.withEnv({
    NODE_OPTIONS: `--require=${join(__dirname, "dial-spy.cjs")}`,
    PI_LAB_DIAL_LOG: log,
  });
  const seen = (): Sightings => {
    const lines = (existsSync(log) ? readFileSync(log, "utf8") : "").split("\n").filter(Boolean);
    const here = lines.filter((line) => line.endsWith(" here"));
    return {
      programs: [...new Set(here.map((line) => line.replace(/ here$/, "")))],
      dials: lines.filter((line) => !line.endsWith(" here")),
    };
  };
  return { stack: spied, seen };
}

/** True for what stays on this machine. */
export function isLocal(dial: string): boolean {
  return / (\/|localhost:|127\.|\[?::1)/.test(dial);
}
