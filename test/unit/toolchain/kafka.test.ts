import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

import { ensureJava, ensureKafka, log4jVersion, renderPom } from "../../../toolchain/kafka";
import {
  cleanUp,
  serveFiles,
  setEnvironment,
  tarball,
  temporaryFolder,
  writeScript,
} from "./support";

let cache: string;
beforeEach(() => {
  cache = temporaryFolder();
  setEnvironment({ PI_LAB_CACHE: cache, PI_LAB_NO_DOWNLOAD: undefined });
});
afterEach(cleanUp);

const silent = () => undefined;
const official = "kafka_2.13-4.1.1";
const list = (archive: string) =>
  execFileSync("tar", ["-tzf", archive], { encoding: "utf8" }).trim().split("\n");

/** A Maven that writes what it was asked to, and notes how it was called. */
function fakeMaven(jars: readonly string[]): string {
  const folder = temporaryFolder();
  const calls = path.join(folder, "calls");
  writeScript(
    path.join(folder, "mvn"),
    `echo "$@" >> ${calls}
for argument in "$@"; do
  case $argument in
    -DoutputDirectory=*) out=\${argument#*=} ;;
    -Dartifact=*) copied=\${argument##*:} ;;
  esac
done
mkdir -p "$out"
if [ -n "$copied" ]; then echo binding > "$out/log4j-slf4j-impl-$copied.jar"
else for jar in ${jars.join(" ")}; do echo "$jar" > "$out/$jar"; done; fi`,
  );
  setEnvironment({ PATH: `${folder}:${process.env["PATH"]}` });
  return calls;
}

function serveOfficial(archive: Buffer, digestOf = archive) {
  const sum = createHash("sha512").update(digestOf).digest("hex").toUpperCase();
  return serveFiles({
    [`/4.1.1/${official}.tgz`]: archive,
    [`/4.1.1/${official}.tgz.sha512`]: `${official}.tgz: ${sum.replace(/(.{8})/g, "$1 ")}\n`,
  });
}

const archive = () =>
  tarball({
    [`${official}/bin/kafka-topics.sh`]: "script",
    [`${official}/bin/windows/kafka-topics.bat`]: "script",
    [`${official}/libs/kafka_2.13-4.1.1.jar`]: "jar",
    [`${official}/config/server.properties`]: "",
    [`${official}/site-docs/docs.tgz`]: "",
    [`${official}/LICENSE`]: "licence",
  });

describe("ensureKafka", () => {
  it("repacks the official archive: scripts and jars, without documentation", async () => {
    const { url } = await serveOfficial(archive());
    setEnvironment({ PI_LAB_KAFKA_URL: url });
    const made = await ensureKafka(silent);
    expect(made).toBe(path.join(cache, "kafka", "kafka-4.1.1.tgz"));
    expect(list(made)).toEqual([
      "kafka-4.1.1/",
      "kafka-4.1.1/LICENSE",
      "kafka-4.1.1/bin/",
      "kafka-4.1.1/bin/kafka-topics.sh",
      "kafka-4.1.1/libs/",
      "kafka-4.1.1/libs/kafka_2.13-4.1.1.jar",
    ]);
    const digest = createHash("sha256").update(fs.readFileSync(made)).digest("hex");
    expect(fs.readFileSync(`${made}.sha256`, "utf8")).toBe(`${digest}  kafka-4.1.1.tgz\n`);
  });

  it("takes the jars from Maven if the archive's digest is wrong", async () => {
    const { url } = await serveOfficial(archive(), Buffer.from("something else"));
    setEnvironment({ PI_LAB_KAFKA_URL: url });
    const calls = fakeMaven(["kafka_2.13-4.1.1.jar", "log4j-core-2.24.3.jar"]);
    const lines: string[] = [];
    const made = await ensureKafka((line) => lines.push(line));
    expect(lines.join("\n")).toMatch(/cannot be had from http:[^]*sha512 digest/);
    expect(list(made)).toEqual([
      "kafka-4.1.1/",
      "kafka-4.1.1/libs/",
      "kafka-4.1.1/libs/kafka_2.13-4.1.1.jar",
      "kafka-4.1.1/libs/log4j-core-2.24.3.jar",
      // Of log4j's own version: a broker without it logs nothing.
      "kafka-4.1.1/libs/log4j-slf4j-impl-2.24.3.jar",
    ]);
    expect(fs.readFileSync(calls, "utf8")).toMatch(/--strict-checksums .*copy-dependencies/);
  });

  it("asks no server where downloads are off, nor for what is there already", async () => {
    const { url, asked } = await serveOfficial(archive());
    setEnvironment({ PI_LAB_KAFKA_URL: url, PI_LAB_NO_DOWNLOAD: "1" });
    const calls = fakeMaven(["log4j-core-2.24.3.jar"]);
    const first = await ensureKafka(silent);
    const written = fs.statSync(first).mtimeMs;
    const mavenCalls = fs.readFileSync(calls, "utf8");
    expect(await ensureKafka(silent)).toBe(first);
    expect(fs.statSync(first).mtimeMs).toBe(written);
    expect(fs.readFileSync(calls, "utf8")).toBe(mavenCalls);
    expect(asked).toEqual([]);
  });

  it("makes a damaged archive, or one without its digest, again", async () => {
    setEnvironment({ PI_LAB_NO_DOWNLOAD: "1" });
    fakeMaven(["log4j-core-2.24.3.jar"]);
    const made = await ensureKafka(silent);
    const good = fs.readFileSync(made);
    fs.truncateSync(made, 100);
    await ensureKafka(silent);
    expect(fs.readFileSync(made).equals(good)).toBe(true);
    fs.rmSync(`${made}.sha256`);
    await ensureKafka(silent);
    expect(fs.readFileSync(made).equals(good)).toBe(true);
    expect(fs.existsSync(`${made}.sha256`)).toBe(true);
  });

  it("says what Maven said when it fails", async () => {
    setEnvironment({ PI_LAB_NO_DOWNLOAD: "1" });
    const folder = temporaryFolder();
    writeScript(path.join(folder, "mvn"), "echo 'no such artifact' >&2; exit 1");
    setEnvironment({ PATH: `${folder}:${process.env["PATH"]}` });
    await expect(ensureKafka(silent)).rejects.toThrow(
      /ended with status 1[^]*no such artifact[^]*whether it has Kafka 4\.1\.1/,
    );
    expect(fs.existsSync(path.join(cache, "kafka"))).toBe(false);
  });

  it.each(["3.9.1", "4", "4.1.1; rm -rf /", "latest"])("refuses version %s", async (version) => {
    await expect(ensureKafka(silent, version)).rejects.toThrow(
      /is not supported[^]*from 4\.0\.0 on/,
    );
  });
});

describe("renderPom", () => {
  it("asks for the broker and its tools in that version", () => {
    const pom = renderPom("4.1.2", "2.13");
    for (const artifact of ["kafka_2.13", "kafka-tools", "kafka-shell"]) {
      expect(pom).toContain(`<artifactId>${artifact}</artifactId><version>4.1.2</version>`);
    }
  });

  it("does without the metadata shell where Maven has none", () => {
    expect(renderPom("4.3.0", "2.13")).toContain("kafka-shell");
    const pom = renderPom("4.4.0", "2.13");
    expect(pom).not.toContain("kafka-shell");
    expect(pom).toContain("<artifactId>kafka-tools</artifactId><version>4.4.0</version>");
  });
});

describe("log4jVersion", () => {
  it("is that of log4j's core", () => {
    expect(log4jVersion(["log4j-api-2.1.jar", "log4j-core-2.25.1.jar"], "4.4.0")).toBe("2.25.1");
  });

  it("is an error if there is none", () => {
    expect(() => log4jVersion(["reload4j-1.2.25.jar"], "4.0.0")).toThrow("without log4j-core");
  });
});

describe("ensureJava", () => {
  const fakeJava = (version: string) => {
    const folder = temporaryFolder();
    writeScript(path.join(folder, "java"), `echo 'openjdk version "${version}" 2025' >&2`);
    setEnvironment({ PATH: `${folder}:${process.env["PATH"]}` });
    return path.join(folder, "java");
  };

  it.each(["17.0.15", "21", "25-ea"])("takes Java %s", async (version) => {
    const java = fakeJava(version);
    expect(await ensureJava(silent)).toBe(java);
  });

  it.each(["1.8.0_392", "11.0.22"])("refuses Java %s, with a remedy", async (version) => {
    const java = fakeJava(version);
    await expect(ensureJava(silent)).rejects.toThrow(
      new RegExp(`${java} is Java ${version}; Kafka needs 17[^]*apt-get install openjdk-17`),
    );
  });
});
