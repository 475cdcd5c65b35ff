import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { build } from "esbuild";
import { kafkaClient, nodeBundle } from "../../../toolchain/bundle";
import { usedParts } from "../../../toolchain/used-parts";
import { checkout, cleanUp, temporaryFolder } from "./support";

afterEach(cleanUp);

let folder: string;
const put = (file: string, text: string) => {
  fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
  fs.writeFileSync(path.join(folder, file), text);
};

beforeEach(() => {
  folder = temporaryFolder();
  put("node_modules/kit/package.json", '{ "name": "kit", "type": "module", "main": "index.js" }');
  put("node_modules/kit/index.js", 'export * from "./small.js";\nexport * from "./large.js";');
  put("node_modules/kit/small.js", 'console.log("small loads");\nexport const small = "small";');
  put("node_modules/kit/large.js", 'console.log("large loads");\nexport const large = "large";');
  put("parts/kit-parts.ts", 'export { small } from "kit";');
  put(
    "main.ts",
    'console.log("main");\nvoid import("./parts/kit-parts").then(({ small }) => console.log(small));',
  );
});

/** What the bundle prints when it runs. */
async function runBundled(module: string): Promise<string[]> {
  const outfile = path.join(folder, "bundle.js");
  const node = { platform: "node", format: "cjs", bundle: true, logLevel: "silent" } as const;
  const plugin = usedParts({ module, package: "kit", options: { target: "node20" } });
  const entryPoints = [path.join(folder, "main.ts")];
  await build({ absWorkingDir: folder, entryPoints, outfile, ...node, plugins: [plugin] });
  return execFileSync(process.execPath, [outfile], { encoding: "utf8" }).trim().split("\n");
}

test("of a package that a module names parts of only those are bundled, and loaded late", async () => {
  expect(await runBundled("parts/kit-parts.ts")).toEqual(["main", "small loads", "small"]);
});

test("without it all of the package is there", async () => {
  expect(await runBundled("parts/others.ts")).toContain("large loads");
});

test("a package that is not there is told with the module that names its parts", async () => {
  put("parts/kit-parts.ts", 'export { small } from "kit/elsewhere.js";');
  await expect(runBundled("parts/kit-parts.ts")).rejects.toThrow(/kit-parts\.ts:1.*elsewhere/s);
});

test("what is bundled of the Kafka client works: codecs and checksums in wasm, requests, errors", async () => {
  const contents = `void import("./provider/admin/client-parts").then((parts) => {
    const { compressionsAlgorithms, crc32c, metadataV12, protocolErrors, Writer } = parts;
    const text = Buffer.from("text ".repeat(100));
    const back = ["lz4", "snappy", "gzip"].map((name) => {
      const codec = compressionsAlgorithms[name];
      return codec.decompressSync(codec.compressSync(text)).equals(text);
    });
    const missing = Object.keys(parts).filter((name) => parts[name] === undefined);
    const sum = crc32c(Buffer.from("123456789")).toString(16);
    const { key, version } = metadataV12.api;
    const words = protocolErrors.UNKNOWN_TOPIC_OR_PARTITION.id;
    console.log(JSON.stringify([back, missing, sum, key, version, words, Writer.create().length]));
  });`;
  const outfile = path.join(checkout, "bin", `used-parts-${process.pid}.js`);
  const stdin = { contents, resolveDir: checkout };
  try {
    await build({ absWorkingDir: checkout, stdin, outfile, ...nodeBundle, ...kafkaClient });
    const printed = execFileSync(process.execPath, [outfile], { encoding: "utf8" });
    expect(JSON.parse(printed)).toEqual([
      [true, true, true],
      [],
      "e3069283",
      3,
      12,
      "UNKNOWN_TOPIC_OR_PARTITION",
      0,
    ]);
    // An event of its consumers, which nothing of ours is.
    expect(fs.readFileSync(outfile, "utf8")).not.toContain("consumer:group:join");
  } finally {
    fs.rmSync(outfile, { force: true });
  }
});
