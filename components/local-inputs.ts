import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import {
  ConfigError,
  JMX_AGENT_VERSION,
  type ConfigProblem,
  type KafkaVersion,
  type Lab,
  type LabDraft,
  labPrograms,
  NODE_VERSION,
  PI_ARCH,
  type ProgramName,
} from "../model";
import { cacheDir } from "../shared/cache-dir";
import type { Access, LocalFile, ProgramFiles } from "./hosts";
import type { KafkaArchive } from "./kafka";
import { NoMetabase, readMetabaseJar } from "./metabase-jar";

/** What the program takes from the controlling machine's disk. */
export interface LocalInputs {
  readonly access: Access;
  readonly archive: KafkaArchive;
  /** Prometheus' agent; absent where nobody asks for the nodes' figures. */
  readonly agent?: KafkaArchive;
  /** What runs on hosts besides Kafka; absent where nothing does. */
  readonly programs?: ProgramFiles;
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
  if (draft.cluster?.metrics === true) findAgent(problems);
  findPrograms(draftPrograms(draft), nodeArch(draft.virtual !== undefined), root, problems);
  findMetabase(draft.dashboards, root, problems);
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
  const agent = lab.cluster.metrics ? findAgent(problems) : undefined;
  const wanted = new Map(labPrograms(lab).map((name) => [name, "lab.hosts"]));
  const programs = findPrograms(wanted, nodeArch(isVirtual), root, problems);
  const metabase = findMetabase(lab.data.dashboards, root, problems);
  if (archive === undefined || problems.length > 0) throw new ConfigError(problems);
  const pushed = programs && { ...programs, ...(metabase !== undefined && { metabase }) };
  return {
    ...{ access, archive },
    ...(agent && { agent }),
    ...(pushed === undefined ? {} : { programs: pushed }),
  };
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
  return path === undefined ? undefined : fromRoot(path, root);
}

const fromRoot = (path: string, root: string): string =>
  resolve(root, path.replace(/^~(?=\/)/, homedir()));

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

function findArchive(version: KafkaVersion, problems: ConfigProblem[]): KafkaArchive | undefined {
  const path = join(cacheDir(), "kafka", `kafka-${version}.tgz`);
  const archive = inCache(path);
  if (archive !== undefined) return archive;
  problems.push({
    path: "lab.cluster.kafkaVersion",
    value: version,
    cause: `is not on this machine (${path} is missing)`,
    remedy: `Fetch it with \`npm run setup -- kafka ${version}\`.`,
  });
  return undefined;
}

function findAgent(problems: ConfigProblem[]): LocalFile | undefined {
  const path = join(cacheDir(), "jmx", `jmx_prometheus_javaagent-${JMX_AGENT_VERSION}.jar`);
  const agent = inCache(path);
  if (agent !== undefined) return agent;
  problems.push({
    path: "lab.cluster.metrics",
    value: "true",
    cause: `needs Prometheus' JMX agent, which is not on this machine (${path} is missing)`,
    remedy: "Fetch it with `npm run setup -- jmx`.",
  });
  return undefined;
}

/** What the toolchain keeps has its SHA-256 beside it. */
function inCache(path: string): LocalFile | undefined {
  try {
    const sha256 = readFileSync(`${path}.sha256`, "utf8").trim().split(/\s+/)[0] ?? "";
    if (existsSync(path)) return { path, sha256 };
  } catch {
    // Both files are made together, so either missing means the same.
  }
  return undefined;
}

/** A virtual lab's machines have this machine's processor. */
const nodeArch = (isVirtual: boolean): string => (isVirtual ? process.arch : PI_ARCH);

/** Which programs a configuration asks for, also one with mistakes, and by which path. */
export function draftPrograms(draft: LabDraft): ReadonlyMap<ProgramName, string> {
  const hosts = Object.values(draft.hosts ?? {});
  const asked: readonly [ProgramName, string, boolean][] = [
    ["ring", "lab.hosts", hosts.some((host) => host?.role === "client")],
    ["telemetry", "lab.telemetry", draft.telemetry !== undefined],
    ["bridge", "lab.bridge", draft.bridge !== undefined],
    ["alerting", "lab.alerting", draft.alerting !== undefined],
    ["status-page", "lab.statusPage", draft.statusPage !== undefined],
    ["sink", "lab.store", draft.store !== undefined],
    ["dashboards", "lab.dashboards", draft.dashboards !== undefined],
    ["databricks", "lab.databricks", draft.databricks !== undefined],
  ];
  return new Map(asked.flatMap(([name, path, isAsked]) => (isAsked ? [[name, path]] : [])));
}

/** @param wanted programs, by name, with the path in the configuration that asks for each */
function findPrograms(
  wanted: ReadonlyMap<ProgramName, string>,
  arch: string,
  root: string,
  problems: ConfigProblem[],
): ProgramFiles | undefined {
  const [asking] = wanted.values();
  if (asking === undefined) return undefined;
  const archive = join(cacheDir(), "node", `node-${NODE_VERSION}-linux-${arch}.tgz`);
  const node = inCache(archive);
  if (node === undefined) {
    problems.push({
      path: asking,
      value: undefined,
      cause: `needs Node.js ${NODE_VERSION} on hosts, which is not on this machine (${archive} is missing)`,
      remedy: `Fetch it with \`npm run setup -- node ${arch}\`.`,
    });
  }
  const files: Partial<Record<ProgramName, LocalFile>> = {};
  for (const [name, path] of wanted) {
    const file = join(root, "bin", "programs", `${name}.js`);
    try {
      const sha256 = createHash("sha256").update(readFileSync(file)).digest("hex");
      files[name] = { path: file, sha256 };
    } catch {
      problems.push({
        path,
        value: undefined,
        cause: `needs the program ${name} on hosts, which is not made yet (${file} is missing)`,
        remedy: "Make it with `npm run setup -- plugins`.",
      });
    }
  }
  return node === undefined ? undefined : { node, files };
}

/** The first that has the API that the program speaks, and the first that needs Java 21. */
const FIRST_METABASE = 50;
const FIRST_ON_JAVA_21 = 53;

function findMetabase(
  dashboards: LabDraft["dashboards"] | Lab["data"]["dashboards"],
  root: string,
  problems: ConfigProblem[],
): LocalFile | undefined {
  const { metabaseJar, java } = dashboards ?? {};
  if (metabaseJar === undefined) return undefined;
  const path = fromRoot(metabaseJar, root);
  const tell = (
    cause: string,
    remedy: string,
    at = "metabaseJar",
    value: unknown = metabaseJar,
  ) => {
    problems.push({ path: `lab.dashboards.${at}`, value: String(value), cause, remedy });
    return undefined;
  };
  const download = "Download it from https://www.metabase.com/start/oss/jar, and name the file.";
  try {
    const { version, tag, sha256 } = readMetabaseJar(path);
    if (version < FIRST_METABASE) {
      const cause = `is Metabase ${tag}, whose API is older than the lab's programs know`;
      return tell(cause, `Take v0.${FIRST_METABASE} or newer.`);
    }
    if (version >= FIRST_ON_JAVA_21 && java !== undefined && java < 21) {
      const cause = `is too old for Metabase ${tag}, which needs Java 21`;
      const remedy = `Leave it out on hosts with Debian 13 or Ubuntu, or take Metabase v0.${FIRST_ON_JAVA_21 - 1}.`;
      return tell(cause, remedy, "java", java);
    }
    return { path, sha256 };
  } catch (error) {
    if (error instanceof NoMetabase) return tell(error.message, download);
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return tell(`cannot be read (${code}: ${path})`, download);
  }
}
