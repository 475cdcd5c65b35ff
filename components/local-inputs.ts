import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import {
  ConfigError,
  type ConfigProblem,
  type KafkaVersion,
  type Lab,
  type LabDraft,
} from "../model";
import { cacheDir } from "../shared/cache-dir";
import type { Access } from "./hosts";
import type { KafkaArchive } from "./kafka";

/** What the program takes from the controlling machine's disk. */
export interface LocalInputs {
  readonly access: Access;
  readonly archive: KafkaArchive;
}

/**
 * What the configuration names and is not on this machine, each with its remedy. Works on a configuration
 * with mistakes as well, so that all is told at once: `parseLab` takes it as a rule.
 *
 * @param root the folder of the stack; relative paths in the configuration start there
 */
export function localProblems(draft: LabDraft, root: string): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  readAccess(privateKeyFile(draft, root), draft.virtual !== undefined, problems);
  const version = draft.cluster?.kafkaVersion;
  if (version !== undefined) findArchive(version, problems);
  return problems;
}

/**
 * Reads the SSH key and finds the Kafka archive that the configuration names.
 *
 * @param root as for `localProblems`
 * @throws ConfigError with all that is missing, each with its remedy
 */
export function readLocalInputs(lab: Lab, root: string): LocalInputs {
  const problems: ConfigProblem[] = [];
  const isVirtual = lab.substrate.kind === "virtual";
  const access = readAccess(privateKeyFile(lab, root), isVirtual, problems);
  const archive = findArchive(lab.cluster.kafkaVersion, problems);
  if (archive === undefined || problems.length > 0) throw new ConfigError(problems);
  return { access, archive };
}

/**
 * The text of the private key alone, for commands that log in to the hosts by themselves; undefined where
 * the SSH agent is asked.
 *
 * @throws ConfigError when it cannot be read
 */
export function readPrivateKey(lab: Lab, root: string): string | undefined {
  const problems: ConfigProblem[] = [];
  const { privateKey } = readAccess(privateKeyFile(lab, root), false, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return privateKey;
}

/** The file of the private key, absolute; undefined where the SSH agent is asked. */
export function privateKeyFile({ ssh }: LabDraft | Lab, root: string): string | undefined {
  const path = ssh?.privateKeyPath;
  return path === undefined ? undefined : resolve(root, path.replace(/^~(?=\/)/, homedir()));
}

function readAccess(
  file: string | undefined,
  isVirtual: boolean,
  problems: ConfigProblem[],
): Access {
  if (file === undefined) return { privateKey: undefined, authorizedKey: undefined };
  return {
    privateKey: readText("lab.ssh.privateKeyPath", file, problems),
    authorizedKey: isVirtual
      ? readText("lab.ssh.privateKeyPath", `${file}.pub`, problems)?.trim()
      : undefined,
  };
}

function readText(path: string, file: string, problems: ConfigProblem[]): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    problems.push({
      path,
      value: file,
      cause: `cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`,
      remedy:
        "Name a key that exists, make one with `ssh-keygen -t ed25519`, or let `npm run lab` make it.",
    });
    return undefined;
  }
}

/** The archive lies in the toolchain's cache, with its SHA-256 beside it. */
function findArchive(version: KafkaVersion, problems: ConfigProblem[]): KafkaArchive | undefined {
  const path = join(cacheDir(), "kafka", `kafka-${version}.tgz`);
  try {
    const sha256 = readFileSync(`${path}.sha256`, "utf8").trim().split(/\s+/)[0] ?? "";
    if (existsSync(path)) return { path, sha256 };
  } catch {
    // Told below: both files are made together, so either missing means the same.
  }
  problems.push({
    path: "lab.cluster.kafkaVersion",
    value: version,
    cause: `is not on this machine (${path} is missing)`,
    remedy: `Fetch it with \`npm run setup -- kafka ${version}\`.`,
  });
  return undefined;
}
