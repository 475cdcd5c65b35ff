import { existsSync, readFileSync } from "node:fs";
import { parseLab, type Host, type Lab } from "../../model";
import { didYouMean } from "../../model/nearest";
import { npmRun } from "./cli";
import { UserError } from "./errors";
import { labValue, parseStackFile } from "./lab-config";
import { display, isVirtual, readLab, templateOf } from "./lab-files";
import { labFolder, type LabFolder } from "./lab-folder";

/** A lab that has been made, for commands that only look at it or use it. */
export interface StandingLab {
  readonly folder: LabFolder;
  readonly lab: Lab;
}

/**
 * Reads a lab's configuration. Nothing is made, no tool is needed.
 * @throws UserError when there is no such lab
 */
export function standingLab(stack: string): StandingLab {
  const folder = labFolder(stack);
  if (!existsSync(folder.configFile)) {
    throw new UserError(
      `There is no lab ${stack}: ${display(folder.configFile)} does not exist. Make it with ${making(stack)}.`,
    );
  }
  return { folder, lab: parseLab(readLab(folder)) };
}

/** The command that makes a lab of this name: its template says whether of containers or of Pis. */
function making(stack: string): string {
  const template = templateOf(stack);
  const lab = labValue(parseStackFile(readFileSync(template, "utf8"), template));
  return npmRun(isVirtual(lab) ? "lab" : "host-keys", stack);
}

/**
 * The host that the user named.
 * @throws UserError with the nearest name there is; a machine's name brings the host that plays on it
 */
export function hostNamed(name: string, { folder, lab }: StandingLab): Host {
  const host = lab.hosts.find((each) => each.name === name);
  if (host !== undefined) return host;
  const names = lab.hosts.map((each) => each.name);
  const onIt = lab.hosts.find(({ machine }) => machine.name === name);
  const hint = onIt
    ? `It is a machine's name: ${onIt.name} plays on it.`
    : didYouMean(name, names, `It has: ${names.join(", ")}.`);
  throw new UserError(`${name}: the lab ${folder.stack} has no such host. ${hint}`);
}
