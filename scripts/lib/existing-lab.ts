import { existsSync } from "node:fs";
import { npmRun } from "./cli";
import { UserError } from "./errors";
import { display } from "./lab-files";
import { labFolder, type LabFolder } from "./lab-folder";

/**
 * The folder of a lab that has been made, for commands that only look.
 * @throws UserError with the command that makes it
 */
export function existingLab(stack: string): LabFolder {
  const folder = labFolder(stack);
  if (existsSync(folder.configFile)) return folder;
  throw new UserError(
    `There is no lab ${stack}: ${display(folder.configFile)} does not exist. Make it with ${npmRun("lab", stack)}.`,
  );
}
