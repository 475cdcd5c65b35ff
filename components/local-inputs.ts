import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { ConfigError, type ConfigProblem, type Lab } from "../model";
import type { Access } from "./hosts";
import type { KafkaArchive } from "./kafka";

/** What the program takes from the controlling machine's disk. */
export interface LocalInputs {
  readonly access: Access;
  readonly archive: KafkaArchive;
}

/**
 * Reads the SSH key and finds the Kafka archive that the configuration names.
 *
 * @param root the folder of the stack; relative paths in the configuration start there
 * @throws ConfigError with all that is missing, each with its remedy
 */
export function readLocalInputs(lab: Lab, root: string): LocalInputs {
  const problems: ConfigProblem[] = [];
  const access = readAccess(lab, root, problems);
  const archive = findArchive(lab, problems);
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
  const { privateKey } = readAccess(lab, root, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return privateKey;
}

function readAccess(lab: Lab, root: string, problems: ConfigProblem[]): Access {
  const path = lab.ssh.privateKeyPath;
  if (path === undefined) return { privateKey: undefined, authorizedKey: undefined };
  const absolute = resolve(root, path.replace(/^~(?=\/)/, homedir()));
  return {
    privateKey: readText("lab.ssh.privateKeyPath", absolute, problems),
    authorizedKey:
      lab.substrate.kind === "virtual"
        ? readText("lab.ssh.privateKeyPath", `${absolute}.pub`, problems)?.trim()
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
function findArchive(lab: Lab, problems: ConfigProblem[]): KafkaArchive | undefined {
  const cache =
    process.env.PI_LAB_CACHE ??
    join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "pi-lab");
  const path = join(cache, "kafka", `kafka-${lab.cluster.kafkaVersion}.tgz`);
  try {
    const sha256 = readFileSync(`${path}.sha256`, "utf8").trim().split(/\s+/)[0] ?? "";
    if (existsSync(path)) return { path, sha256 };
  } catch {
    // Told below: both files are made together, so either missing means the same.
  }
  problems.push({
    path: "lab.cluster.kafkaVersion",
    value: lab.cluster.kafkaVersion,
    cause: `is not on this machine (${path} is missing)`,
    remedy: `Fetch it with \`npm run setup -- kafka ${lab.cluster.kafkaVersion}\`.`,
  });
  return undefined;
}
