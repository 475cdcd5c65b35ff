import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localProblems } from "../../../components/local-inputs";
import { NoMetabase, readMetabaseJar } from "../../../components/metabase-jar";
import { describeProblem } from "../../../model";
import { writeJar } from "../../support/metabase/jar";

const folder = mkdtempSync(join(tmpdir(), "pi-lab-metabase-"));
const jar = join(folder, "metabase.jar");
afterAll(() => rmSync(folder, { recursive: true }));

const properties = (tag: string) => `#Built\ndate=2026-01-30\ntag=${tag}\nhash=abcdef0\n`;
const write = (tag: string, isLarge = false) =>
  writeJar(
    jar,
    { "META-INF/MANIFEST.MF": "Manifest-Version: 1.0\n", "version.properties": properties(tag) },
    isLarge,
  );

test.each([false, true])("tells its version and sum (64 bit: %s)", (isLarge) => {
  write("v0.52.4", isLarge);
  const sha256 = createHash("sha256").update(readFileSync(jar)).digest("hex");
  expect(readMetabaseJar(jar)).toEqual({ version: 52, tag: "v0.52.4", sha256 });
});

test("a jar of another's making is read as well", () => {
  const text = join(folder, "version.properties");
  writeFileSync(text, properties("v1.63.19.2"));
  const script =
    "import sys,zipfile; zipfile.ZipFile(sys.argv[1],'w').write(sys.argv[2],'version.properties')";
  execFileSync("python3", ["-c", script, jar, text]);
  expect(readMetabaseJar(jar)).toMatchObject({ version: 63, tag: "v1.63.19.2" });
});

test.each([
  ["no archive", () => writeFileSync(jar, "x".repeat(100)), "is no jar"],
  ["an empty file", () => writeFileSync(jar, ""), "is no jar"],
  ["another jar", () => writeJar(jar, { "a.class": "a" }), "is no jar of Metabase"],
  ["a build without a version", () => write("dev"), "names no version of Metabase (dev)"],
  [
    "one that is cut off",
    () => {
      write("v0.52.4");
      writeFileSync(jar, readFileSync(jar).subarray(200));
    },
    "is no jar",
  ],
])("%s is refused", (_what, make, told) => {
  make();
  expect(() => readMetabaseJar(jar)).toThrow(NoMetabase);
  expect(() => readMetabaseJar(jar)).toThrow(told);
});

describe("what the configuration names", () => {
  const told = (metabaseJar: string, java = 21) =>
    localProblems({ dashboards: { metabaseJar, java } }, folder)
      .filter(({ path }) => path.startsWith("lab.dashboards."))
      .map(describeProblem);
  const DOWNLOAD = "Download it from https://www.metabase.com/start/oss/jar, and name the file.";

  test("is found from the stack's folder", () => {
    write("v0.60.1");
    expect(told("metabase.jar")).toEqual([]);
  });

  test("and missing is told with where to get it", () => {
    expect(told("absent.jar")).toEqual([
      `lab.dashboards.metabaseJar: absent.jar cannot be read (ENOENT: ${folder}/absent.jar). ${DOWNLOAD}`,
    ]);
  });

  test("needs the Java that it needs", () => {
    write("v0.53.1");
    expect(told("metabase.jar", 17)).toEqual([
      "lab.dashboards.java: 17 is too old for Metabase v0.53.1, which needs Java 21. Leave it out on hosts with Debian 13 or Ubuntu, or take Metabase v0.52.",
    ]);
    write("v0.52.9");
    expect(told("metabase.jar", 17)).toEqual([]);
  });

  test("is not older than its API", () => {
    write("v0.49.2");
    expect(told("metabase.jar")).toEqual([
      "lab.dashboards.metabaseJar: metabase.jar is Metabase v0.49.2, whose API is older than the lab's programs know. Take v0.50 or newer.",
    ]);
  });
});
