import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { labPrograms, parseLab, PI_ARCH, type Lab } from "../../model";
import {
  bundlePlugins,
  ensureAll,
  ensureDocker,
  ensureJmxAgent,
  ensureKafka,
  ensureNode,
  ensurePulumi,
  type Docker,
  type Log,
  type Pulumi,
} from "../../toolchain";
import { npmRun } from "./cli";
import { askEngine, type Engine } from "./engine";
import { UserError, reasonOf } from "./errors";
import { writeWhole } from "./files";
import { holdsSecrets, withoutSalt } from "./lab-config";
import { removeBrokenNotes } from "./state-files";
import {
  display,
  ensureLabFiles,
  isVirtual,
  labName,
  readLab,
  templateNote,
  type NewLab,
} from "./lab-files";
import { checkpointFile, labFolder, type LabFolder } from "./lab-folder";
import { clearPendingCreates, forgetCutOffRun, recoverDocker, recoverProcesses } from "./recover";
import { freeSubnet, subnetOf, takenSubnets } from "./subnets";

/** A lab with all that working on it needs. */
export interface OpenLab {
  readonly folder: LabFolder;
  readonly engine: Engine;
  /** Undefined for a lab of real machines. */
  readonly docker: Docker | undefined;
  /** Whether the configuration was made just now. */
  readonly isNew: boolean;
}

/**
 * Finds or makes what an operation on a lab needs: folder, configuration, tools, stack. Then cleans up
 * after a run that was cut off. A mistake in the configuration is told first: the tools may take a
 * quarter of an hour on a machine that has none of them.
 * @param options.recover false leaves what a cut-off run has left: for commands that only look. Default true
 * @param options.runsProgram false leaves out what only the program needs: a configuration without mistakes,
 *   the machines' image, Kafka. Default true
 * @param options.only `virtual` refuses a lab of real machines
 */
export async function openLab(
  stack: string,
  log: Log,
  options: { recover?: boolean; runsProgram?: boolean; only?: "virtual" } = {},
): Promise<OpenLab> {
  const folder = labFolder(stack);
  const isNew = await ensureLabFiles(folder, async (template) => {
    if (!isVirtual(template)) return {};
    const { host } = await ensureDocker(log);
    return chooseSubnet(template, host, log);
  });
  const note = templateNote(folder);
  if (note !== undefined) log(note);
  const lab = readLab(folder);
  if (options.only === "virtual" && !isVirtual(lab)) throw new UserError(realMachines(folder));
  const checked = (options.runsProgram ?? true) ? parseLab(lab) : undefined;
  const { pulumi, docker } = await ensureTools(isVirtual(lab), checked, log);
  const engine: Engine = {
    bin: pulumi.bin,
    env: { ...pulumi.env, ...(docker ? { DOCKER_HOST: docker.host } : {}) },
  };
  if (options.recover ?? true) await recover(folder, engine, docker, log, false);
  if (!existsSync(checkpointFile(folder))) await initStack(folder, engine);
  return { folder, engine, docker, isNew };
}

/** @param program the lab that the program is going to make; undefined when it does not run */
async function ensureTools(
  virtual: boolean,
  program: Lab | undefined,
  log: Log,
): Promise<{ pulumi: Pulumi; docker: Docker | undefined }> {
  if (program?.cluster.metrics === true) await ensureJmxAgent(log);
  if (virtual && program) return ensureAll(log, program.cluster.kafkaVersion);
  await bundlePlugins(log);
  const pulumi = await ensurePulumi(log);
  if (program) await ensureKafka(log, program.cluster.kafkaVersion);
  if (program && labPrograms(program).length > 0) await ensureNode(log, PI_ARCH);
  return { pulumi, docker: virtual ? await ensureDocker(log) : undefined };
}

/** The whole recovery of a lab from a run that was cut off; nothing happens after one that ended. */
export async function recover(
  folder: LabFolder,
  engine: Engine,
  docker: Docker | undefined,
  log: Log,
  removeAll: boolean,
): Promise<void> {
  const cutOffSince = await recoverProcesses(folder, log);
  for (const file of removeBrokenNotes(folder)) {
    log(`Removed a note of the local backend that was cut off, beside ${basename(file)}.`);
  }
  const name = labName(readLab(folder));
  if (docker && name !== undefined) {
    await recoverDocker(folder, docker.host, name, { cutOffSince, removeAll }, log);
  }
  await clearPendingCreates(folder, engine, log);
  forgetCutOffRun(folder);
}

/** Makes the stack. The engine writes the passphrase's salt into the lab's file, and loses its blank lines. */
async function initStack(folder: LabFolder, engine: Engine): Promise<void> {
  const text = readFileSync(folder.configFile, "utf8");
  // A file that was kept while the folder was lost has the salt of a passphrase that is gone with it.
  const hasSecrets = holdsSecrets(text);
  const before = hasSecrets ? text : withoutSalt(text);
  if (before !== text) writeWhole(folder.configFile, before);
  try {
    await askEngine(folder, engine, ["stack", "init", folder.stack]);
  } catch (error) {
    if (!hasSecrets || !reasonOf(error).includes("incorrect passphrase")) throw error;
    throw new UserError(
      `${display(folder.configFile)} holds secrets that another passphrase has encrypted. Put that passphrase back into ${display(folder.passphraseFile)}, or remove the lines with \`secure:\` and set those values anew.`,
    );
  }
  const salt = /^encryptionsalt: .*$/m.exec(readFileSync(folder.configFile, "utf8"))?.[0];
  if (salt === undefined) return;
  writeWhole(folder.configFile, `${withoutSalt(before).trimEnd()}\n${salt}\n`);
}

function realMachines({ stack, configFile }: LabFolder): string {
  return [
    `The lab ${stack} (${display(configFile)}) is of real machines: look at each change before it is made.`,
    `  ${npmRun("pulumi", stack, "preview")}`,
    `  ${npmRun("pulumi", stack, "up")}`,
  ].join("\n");
}

/** A new virtual lab takes the template's subnet, or the next one where that is in use. */
async function chooseSubnet(template: unknown, dockerHost: string, log: Log): Promise<NewLab> {
  const wanted = subnetOf(template);
  if (wanted === undefined) return {};
  const subnet = freeSubnet(wanted, await takenSubnets(dockerHost));
  if (subnet === wanted) return {};
  log(`The template's subnet ${wanted} is in use on this machine; the new lab gets ${subnet}.`);
  return { subnet };
}
