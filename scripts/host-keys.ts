import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { npmRun, readArgs, runCommand, toStderr } from "./lib/cli";
import { UserError } from "./lib/errors";
import { writeWhole } from "./lib/files";
import {
  isToBeWritten,
  planHostKeys,
  renderFindings,
  withHostKeys,
  type KeyFinding,
  type ScannedMachine,
} from "./lib/host-key-plan";
import { scanHostKey } from "./lib/host-key-scan";
import { labValue, parseStackFile } from "./lib/lab-config";
import { display, ensureLabFiles, isVirtual } from "./lib/lab-files";
import { CHECKOUT, labFolder } from "./lib/lab-folder";

const USAGE = `npm run host-keys [-- --stack NAME | --file FILE] [--yes] [--replace MACHINE …]

Asks each machine of a lab for its SSH host key, shows the fingerprints for you to compare, and pins the
keys in the lab's configuration.

  --stack NAME        which lab; default pi-lab (or PI_LAB_STACK)
  --file FILE         write into this stack file instead, e.g. Pulumi.pi-lab.yaml for plain \`pulumi\`
  --yes               pin without asking: only where the network between you and the machines is trusted
  --replace MACHINE   accept that this machine's key has changed; may be given more than once`;

async function main(): Promise<number> {
  const given = readArgs({
    text: USAGE,
    values: ["stack", "file"],
    switches: ["yes"],
    lists: ["replace"],
  });
  const stack = given.value("stack") ?? (process.env.PI_LAB_STACK || "pi-lab");
  const named = given.value("file");
  const file = await stackFile(stack, named);
  if (file === undefined) return 1;
  const text = readFileSync(file, "utf8");
  const machines = machinesOf(labValue(parseStackFile(text, file)), file);
  const replace = given.list("replace");
  const unknown = replace.find((name) => !machines.some((machine) => machine.name === name));
  if (unknown !== undefined) {
    throw new UserError(
      `--replace ${unknown}: ${display(file)} has no such machine. It has: ${machines.map(({ name }) => name).join(", ")}.`,
    );
  }
  toStderr(`Asking ${machines.length} machines for their host keys …`);
  const scanned = await Promise.all(
    machines.map(async ({ port, ...machine }): Promise<ScannedMachine> => ({
      ...machine,
      scan: await scanHostKey(machine.address, port),
    })),
  );
  const findings = planHostKeys(scanned, replace);
  process.stdout.write(`${renderFindings(findings)}\n`);
  const written = await pin(file, findings, given.has("yes"));
  const again =
    named === undefined ? npmRun("host-keys", stack) : `npm run host-keys -- --file ${named}`;
  tellTheRest(findings, file, again);
  const isDone = findings.every(
    (finding) => finding.state === "pinned" || (written && isToBeWritten(finding)),
  );
  return isDone ? 0 : 1;
}

/** Undefined for one that was made just now: nobody is dialled at a template's addresses. */
async function stackFile(stack: string, named: string | undefined): Promise<string | undefined> {
  if (named !== undefined) {
    const file = resolve(named);
    if (!existsSync(file)) throw new UserError(`--file: ${named} does not exist.`);
    return file;
  }
  const folder = labFolder(stack);
  const isNew = await ensureLabFiles(folder, () => Promise.resolve({}), CHECKOUT, "pi-lab");
  if (!isNew) return folder.configFile;
  toStderr(
    `A new lab, described in ${display(folder.configFile)}: edit it until its addresses are yours, then ` +
      `${npmRun("host-keys", stack)} again.`,
  );
  return undefined;
}

interface Dialled {
  readonly name: string;
  readonly address: string;
  readonly pinned: string | undefined;
  readonly port: number;
}

/** Read by hand: the checked configuration does not exist yet, since it wants the keys. */
function machinesOf(lab: unknown, file: string): Dialled[] {
  if (isVirtual(lab)) {
    throw new UserError(
      `${display(file)} describes a virtual lab: its host keys are made with its machines and need no gathering.`,
    );
  }
  const { machines, ssh } = (lab ?? {}) as {
    machines?: Record<string, { address?: unknown; hostKey?: unknown } | null>;
    ssh?: { port?: unknown };
  };
  const port = typeof ssh?.port === "number" ? ssh.port : 22;
  const all = Object.entries(machines ?? {}).map(([name, machine]) => {
    const address = machine?.address;
    if (typeof address !== "string") {
      throw new UserError(
        `${display(file)}: lab.machines.${name}.address is missing. Say at which address this machine answers.`,
      );
    }
    return {
      name,
      address,
      port,
      pinned: typeof machine?.hostKey === "string" ? machine.hostKey : undefined,
    };
  });
  if (all.length === 0) throw new UserError(`${display(file)}: lab.machines names no machine.`);
  return all;
}

async function pin(file: string, findings: readonly KeyFinding[], yes: boolean): Promise<boolean> {
  const count = findings.filter(isToBeWritten).length;
  if (count === 0) return false;
  if (!yes && !(await confirm(count))) {
    toStderr("Nothing was written.");
    return false;
  }
  writeWhole(file, withHostKeys(readFileSync(file, "utf8"), file, findings));
  toStderr(`Pinned ${count} ${count === 1 ? "key" : "keys"} in ${display(file)}.`);
  return true;
}

async function confirm(count: number): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new UserError(
      "There is no terminal to ask whether the fingerprints are right. Compare them, and run again with --yes.",
    );
  }
  toStderr(
    "\nCompare each fingerprint with what its machine itself shows, on its console:\n  ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub",
  );
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(
      `Are they the same? Pin ${count === 1 ? "this key" : `these ${count} keys`} [y/N] `,
    );
    return /^y(es)?$/i.test(answer.trim());
  } catch (error) {
    // Ctrl-C, or the end of the input.
    if (error instanceof Error && error.name === "AbortError") return false;
    throw error;
  } finally {
    terminal.close();
  }
}

function tellTheRest(findings: readonly KeyFinding[], file: string, again: string): void {
  const names = (state: KeyFinding["state"]): string[] =>
    findings.filter((finding) => finding.state === state).map(({ machine }) => machine);
  const changed = names("changed");
  if (changed.length > 0) {
    const option = changed.map((name) => `--replace ${name}`).join(" ");
    toStderr(
      `CHANGED: ${changed.join(", ")} show another key than the one in ${display(file)}. That is another machine or another card, or someone in between. If you know why: ${again} and name it: ${option}`,
    );
  }
  const twins = names("twin");
  if (twins.length > 0) {
    toStderr(
      `Not pinned: ${twins.join(", ")}. Two machines must not share a key: on one of them run sudo rm /etc/ssh/ssh_host_*_key*; sudo ssh-keygen -A, and reboot it.`,
    );
  }
  const silent = names("unreachable");
  if (silent.length > 0) toStderr(`No key from ${silent.join(", ")}. Run again once they answer.`);
}

runCommand(main);
