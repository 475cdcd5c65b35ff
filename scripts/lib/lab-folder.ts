import { join, resolve } from "node:path";
import { UserError } from "./errors";

/** The folder that holds this project's `package.json`. */
export const CHECKOUT = resolve(__dirname, "..", "..");

/** The project's name in Pulumi.yaml: the engine's state and configuration keys are named after it. */
export const PROJECT = "pi-lab";

/** The stack that `npm run lab` makes when none is named. */
export const DEFAULT_STACK = "virtual";

/**
 * Everything of one lab on this machine, in one folder: what the user edits, the engine's state, its
 * passphrase, the lab's key. Copying the folder is a backup of the lab.
 */
export interface LabFolder {
  /** The stack's name, e.g. `virtual`. */
  readonly stack: string;
  /** `labs/virtual`, absolute. It is a Pulumi project of its own: the engine runs with it as working directory. */
  readonly dir: string;
  /** The one file that the user edits: `labs/virtual/Pulumi.virtual.yaml`. */
  readonly configFile: string;
  /** Project file, generated from the checkout's Pulumi.yaml. */
  readonly projectFile: string;
  /** Where the local backend keeps its checkpoints and locks. */
  readonly stateDir: string;
  readonly backendUrl: string;
  /** Passphrase of the stack's secrets, mode 0600. */
  readonly passphraseFile: string;
  /** The lab's own SSH key (virtual labs), mode 0600; the public half is beside it with `.pub`. */
  readonly privateKeyFile: string;
  /** Host keys of a virtual lab's machines, for the user's own ssh: see ./known-hosts. */
  readonly knownHostsFile: string;
  /** What the last run of the engine was: see ./run-record. */
  readonly runFile: string;
  /** Which template the configuration was copied from: see ./lab-files. */
  readonly originFile: string;
}

/** Where labs are kept: `labs/` in the checkout, or PI_LAB_LABS_DIR. */
export function labsDir(env: NodeJS.ProcessEnv = process.env): string {
  return resolve(env.PI_LAB_LABS_DIR || join(CHECKOUT, "labs"));
}

/**
 * The paths of a stack's lab; nothing is made.
 * @throws UserError for a name that the engine or a file system would not take
 */
export function labFolder(stack: string, labs: string = labsDir()): LabFolder {
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(stack)) {
    throw new UserError(
      `--stack: ${JSON.stringify(stack)} is not a lab's name. Use lower-case letters, digits and hyphens, at most 63, e.g. ${DEFAULT_STACK}.`,
    );
  }
  const dir = join(labs, stack);
  const stateDir = join(dir, "state");
  return {
    stack,
    dir,
    configFile: join(dir, `Pulumi.${stack}.yaml`),
    projectFile: join(dir, "Pulumi.yaml"),
    stateDir,
    backendUrl: `file://${stateDir}`,
    passphraseFile: join(dir, "passphrase"),
    privateKeyFile: join(dir, "id_ed25519"),
    knownHostsFile: join(dir, "known_hosts"),
    runFile: join(dir, "run.json"),
    originFile: join(dir, "origin.json"),
  };
}

/** The engine's checkpoint of a stack in the local backend. */
export function checkpointFile(folder: LabFolder): string {
  return join(folder.stateDir, ".pulumi", "stacks", PROJECT, `${folder.stack}.json`);
}

/** The folder of a stack's locks in the local backend: one file a lock. */
export function lockDir(folder: LabFolder): string {
  return join(folder.stateDir, ".pulumi", "locks", "organization", PROJECT, folder.stack);
}

/** What makes the engine use this lab and no other, whatever the user's own Pulumi is set to. */
export function engineEnv(folder: LabFolder): Record<string, string> {
  return {
    PULUMI_STACK: folder.stack,
    PULUMI_BACKEND_URL: folder.backendUrl,
    PULUMI_CONFIG_PASSPHRASE_FILE: folder.passphraseFile,
  };
}
