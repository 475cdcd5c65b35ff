import * as fs from "node:fs";
import * as path from "node:path";

import { ensureProgram } from "./apt";
import { cached } from "./cache";
import { baseUrl, digestOf, download, isIntact } from "./download";
import { messageOf, ToolchainError } from "./errors";
import { step, type Log } from "./log";
import { cacheDir, downloadsAreOff } from "./paths";
import { run } from "./process";
import { packFolder } from "./tar";
import { compareVersions, versions } from "./versions";

/** The part of the official distribution that a broker needs: no documentation, no Windows scripts. */
const keptFromOfficial = ["LICENSE", "NOTICE", "bin", "libs", "licenses"];

/**
 * The Kafka distribution, as `CACHE/kafka/kafka-VERSION.tgz` with its digest beside it (`.sha256`, as
 * sha256sum writes it). The archive has one folder, `kafka-VERSION/`, with `libs/`; the official
 * distribution's `bin/` is there only if it could be downloaded. Otherwise the same jars come from Maven.
 *
 * @param version Kafka 4 or later; default: the one in versions.json
 * @returns the path of the archive
 */
export async function ensureKafka(log: Log, version = versions.kafka.version): Promise<string> {
  if (!/^\d+\.\d+\.\d+$/.test(version) || Number.parseInt(version, 10) < 4) {
    throw new ToolchainError(
      `Kafka ${version} is not supported`,
      `Choose a released version from 4.0.0 on, such as ${versions.kafka.version}.`,
    );
  }
  const name = `kafka-${version}`;
  const archive = path.join(cacheDir(), "kafka", `${name}.tgz`);
  const title = `Preparing Kafka ${version}`;
  // A damaged one would be pushed to every host.
  return cached(log, { name: `kafka/${name}.tgz`, title, isWhole: isIntact }, async (folder) =>
    step(log, title, async () => {
      const tree = path.join(folder, name);
      fs.mkdirSync(tree);
      if (!(await fromOfficial(log, version, folder, tree)))
        await fromMaven(log, version, folder, tree);
      const packed = path.join(folder, `${name}.tgz`);
      await packFolder(tree, name, packed);
      // The digest goes first: an archive without one counts as damaged.
      fs.mkdirSync(path.dirname(archive), { recursive: true });
      fs.writeFileSync(`${archive}.sha256`, `${await digestOf(packed)}  ${name}.tgz\n`);
      return packed;
    }),
  );
}

/** Kafka 4 needs it: https://kafka.apache.org/41/operations/java-version/ */
const oldestJava = 17;

/**
 * A `java` that runs Kafka's brokers and tools on this machine. Labs do not need one: their brokers run
 * on the Pis.
 *
 * @returns its path
 */
export async function ensureJava(log: Log): Promise<string> {
  const packages = ["default-jre-headless", `openjdk-${oldestJava}-jre-headless?`];
  const java = await ensureProgram(log, "java", packages, "to run brokers on this machine");
  const { stderr } = await run(java, ["-version"], { timeoutMs: 30_000 });
  // "1.8.0_392" was Java 8.
  const version = /version "([^"]+)"/.exec(stderr)?.[1] ?? "an unknown version";
  if (Number.parseInt(version, 10) >= oldestJava) return java;
  throw new ToolchainError(
    `${java} is Java ${version}; Kafka needs ${oldestJava} or newer`,
    `Install a newer one (sudo apt-get install openjdk-${oldestJava}-jre-headless) and put it first on the PATH.`,
  );
}

/** Downloads the official distribution into `tree`; false if it cannot be had. */
async function fromOfficial(
  log: Log,
  version: string,
  folder: string,
  tree: string,
): Promise<boolean> {
  if (downloadsAreOff()) return false;
  const distribution = `kafka_${versions.kafka.scala}-${version}`;
  const target = path.join(folder, `${distribution}.tgz`);
  // The first has the current releases only, the second has all of them.
  const mirrors = new Set([
    baseUrl("PI_LAB_KAFKA_URL", "https://downloads.apache.org/kafka"),
    baseUrl("PI_LAB_KAFKA_URL", "https://archive.apache.org/dist/kafka"),
  ]);
  for (const mirror of mirrors) {
    const url = `${mirror}/${version}/${distribution}.tgz`;
    try {
      await download(log, { url, checksumUrl: `${url}.sha512` }, target);
    } catch (error) {
      log(`Kafka ${version} cannot be had from ${mirror}: ${messageOf(error)}`);
      continue;
    }
    await run("tar", ["-xzf", target, "-C", folder], { timeoutMs: 5 * 60_000 });
    const unpacked = path.join(folder, distribution);
    for (const part of keptFromOfficial) {
      const source = path.join(unpacked, part);
      if (fs.existsSync(source)) fs.renameSync(source, path.join(tree, part));
    }
    fs.rmSync(path.join(tree, "bin", "windows"), { recursive: true, force: true });
    return true;
  }
  return false;
}

/** Collects the same jars from Maven. */
async function fromMaven(log: Log, version: string, folder: string, tree: string): Promise<void> {
  const mvn = await ensureProgram(log, "mvn", ["maven"], "to fetch Kafka's jars");
  const libs = path.join(tree, "libs");
  const plugin = `org.apache.maven.plugins:maven-dependency-plugin:${versions.mavenDependencyPlugin}`;
  let last = "";
  const goal = (args: readonly string[]) =>
    run(mvn, ["-B", "-ntp", "--strict-checksums", ...args], {
      timeoutMs: 10 * 60_000,
      cwd: folder,
      onLine: (line) => (last = line),
      remedy: `See whether Maven reaches its repository, and whether it has Kafka ${version}.`,
    });
  await step(
    log,
    "Fetching Kafka's jars with Maven",
    async () => {
      fs.writeFileSync(path.join(folder, "pom.xml"), renderPom(version, versions.kafka.scala));
      await goal([
        `${plugin}:copy-dependencies`,
        "-DincludeScope=runtime",
        `-DoutputDirectory=${libs}`,
      ]);
      // Kafka's own dependencies leave out the binding of its logging facade, which only the official
      // distribution adds: without it a broker logs nothing, the reason for its end included.
      const logging = log4jVersion(fs.readdirSync(libs), version);
      await goal([
        `${plugin}:copy`,
        `-Dartifact=org.apache.logging.log4j:log4j-slf4j-impl:${logging}`,
        `-DoutputDirectory=${libs}`,
      ]);
    },
    () => last,
  );
}

/** The version of log4j among the jars, which the binding must equal. */
export function log4jVersion(jars: readonly string[], kafkaVersion: string): string {
  for (const jar of jars) {
    const match = /^log4j-core-(.+)\.jar$/.exec(jar);
    if (match !== null) return match[1]!;
  }
  throw new ToolchainError(
    `Kafka ${kafkaVersion} came from Maven without log4j-core`,
    `Choose another version, such as ${versions.kafka.version}.`,
  );
}

/** The first version whose metadata shell cannot be had from Maven; brokers do without it. */
const WITHOUT_SHELL = "4.4.0";

/** A project whose dependencies are those of a broker and of the command-line tools. */
export function renderPom(version: string, scala: string): string {
  const shell = compareVersions(version, WITHOUT_SHELL) < 0 ? ["kafka-shell"] : [];
  const dependencies = [`kafka_${scala}`, "kafka-tools", ...shell].map(
    (artifact) =>
      `    <dependency><groupId>org.apache.kafka</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`,
  );
  return [
    '<project xmlns="http://maven.apache.org/POM/4.0.0">',
    "  <modelVersion>4.0.0</modelVersion>",
    "  <groupId>pi-lab</groupId>",
    "  <artifactId>kafka-distribution</artifactId>",
    "  <version>1</version>",
    "  <dependencies>",
    ...dependencies,
    "  </dependencies>",
    "</project>",
    "",
  ].join("\n");
}
