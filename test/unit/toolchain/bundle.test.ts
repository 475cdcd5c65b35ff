import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

import {
  bundledProgram,
  bundlePlugin,
  bundlePlugins,
  bundlePrograms,
} from "../../../toolchain/bundle";
import { cleanUp, temporaryFolder } from "./support";

afterEach(cleanUp);

const silent = () => undefined;
let folder: string;
const put = (file: string, text: string) => {
  fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
  fs.writeFileSync(path.join(folder, file), text);
};
const start = (plugin: { folder: string }) =>
  execFileSync(path.join(plugin.folder, "pulumi-resource-command"), ["127.0.0.1:1234"], {
    encoding: "utf8",
    cwd: "/",
  });

beforeEach(() => {
  folder = temporaryFolder();
  put("package-lock.json", "{}");
  put("plugins/common/greet.ts", 'export const greet = (name: string) => "hello " + name;');
  put(
    "plugins/command/main.ts",
    'import { greet } from "../common/greet";\nconsole.log(greet(process.argv[2]!));',
  );
});

describe("bundlePlugin", () => {
  it("makes one file and a starter that hands on its arguments", async () => {
    const plugin = await bundlePlugin(silent, "command", folder);
    expect(plugin.folder).toBe(path.join(folder, "bin", "pulumi-resource-command"));
    expect(start(plugin)).toBe("hello 127.0.0.1:1234\n");
  });

  it("does nothing while no source has changed", async () => {
    const first = await bundlePlugin(silent, "command", folder);
    const lines: string[] = [];
    put("plugins/common/unrelated.ts", "export {};");
    expect(await bundlePlugin((line) => lines.push(line), "command", folder)).toEqual(first);
    expect(lines).toEqual([]);
  });

  it("is made again when an imported source, the packages or the bundle itself changed", async () => {
    const first = await bundlePlugin(silent, "command", folder);
    put("plugins/common/greet.ts", 'export const greet = (name: string) => "bye " + name;');
    const second = await bundlePlugin(silent, "command", folder);
    expect(start(second)).toBe("bye 127.0.0.1:1234\n");
    expect(second.digest).not.toBe(first.digest);
    for (const change of [
      () => put("package-lock.json", '{"new":1}'),
      () => fs.rmSync(path.join(second.folder, "bundle.js")),
      () => fs.rmSync(path.join(second.folder, "stamp.json")),
    ]) {
      change();
      const lines: string[] = [];
      const again = await bundlePlugin((line) => lines.push(line), "command", folder);
      expect(lines[0]).toContain("Bundling the plugin command");
      expect(again.digest).toBe(second.digest);
    }
  });

  it("names the place of a mistake in the source", async () => {
    put("plugins/command/main.ts", "const = 5;");
    await expect(bundlePlugin(silent, "command", folder)).rejects.toThrow(
      /plugin command cannot be bundled[^]*plugins\/command\/main\.ts:1/,
    );
    put("plugins/command/main.ts", 'import "./missing";');
    await expect(bundlePlugin(silent, "command", folder)).rejects.toThrow(/missing/);
  });

  it("says which source is missing", async () => {
    await expect(bundlePlugin(silent, "pilab", folder)).rejects.toThrow(
      `The source of the plugin pilab is missing: ${folder}/provider/main.ts`,
    );
  });
});

describe("bundlePlugins", () => {
  const runProgram = () =>
    execFileSync(process.execPath, [path.join(folder, bundledProgram)], {
      encoding: "utf8",
      cwd: "/",
    });

  beforeEach(() => {
    put("provider/main.ts", "export {};");
    put("render/page.txt", "a page");
    put(
      "render/page.ts",
      'import * as fs from "node:fs";\nexport const page = fs.readFileSync(`${__dirname}/page.txt`, "utf8");',
    );
    put("index.ts", 'import { page } from "./render/page";\nconsole.log(page, __dirname);');
  });

  it("makes the program too, which finds the files beside its sources, also after a move", async () => {
    await bundlePlugins(silent, folder);
    expect(runProgram()).toBe(`a page ${folder}\n`);
    const moved = path.join(temporaryFolder(), "moved");
    fs.renameSync(folder, moved);
    folder = moved;
    expect(runProgram()).toBe(`a page ${moved}\n`);
  });

  it("leaves the SDK to be found at run time", async () => {
    put("index.ts", 'import * as sdk from "@pulumi/pulumi";\nconsole.log(sdk.name);');
    put("node_modules/@pulumi/pulumi/index.js", 'exports.name = "one";');
    await bundlePlugins(silent, folder);
    put("node_modules/@pulumi/pulumi/index.js", 'exports.name = "another";');
    expect(runProgram()).toBe("another\n");
  });
});

describe("bundlePrograms", () => {
  const wasm = "node_modules/@platformatic/wasm-utils";

  beforeEach(() => {
    put("payloads/lib/greet.ts", 'export const greet = () => "hello";');
    put("payloads/ring/main.ts", 'import { greet } from "../lib/greet";\nconsole.log(greet());');
  });

  const runAlone = (file: string): string => {
    // On a host nothing lies beside it.
    const alone = path.join(temporaryFolder(), "program.js");
    fs.copyFileSync(file, alone);
    return execFileSync(process.execPath, [alone], { encoding: "utf8", cwd: "/" });
  };

  it("makes one file of each program that there is, which needs nothing beside it", async () => {
    const files = await bundlePrograms(silent, folder);
    expect(files).toEqual([path.join(folder, "bin/programs/ring.js")]);
    expect(runAlone(files[0]!)).toBe("hello\n");
  });

  it("takes the Kafka client's wasm into the file", async () => {
    const exports = { ".": "./beside.js", "./bundled": "./within.js" };
    put(`${wasm}/package.json`, JSON.stringify({ exports }));
    put(
      `${wasm}/beside.js`,
      'require("node:fs").readFileSync(new URL("native.wasm", import.meta.url));',
    );
    put(`${wasm}/within.js`, 'exports.crc = () => "within";');
    put(
      "payloads/ring/main.ts",
      'import { crc } from "@platformatic/wasm-utils";\nconsole.log(crc());',
    );
    const [file] = await bundlePrograms(silent, folder);
    expect(runAlone(file!)).toBe("within\n");
  });

  it("takes the files of a page into the file, and makes it again when one of them changed", async () => {
    put("payloads/page/page/app.js", 'export const text = "</script>`${1}`";');
    put(
      "payloads/page/page-files.ts",
      'import { readFileSync } from "node:fs";\nimport { join } from "node:path";\nconst textBeside = (file: string) => readFileSync(join(__dirname, file), "utf8");\nexport const app = textBeside("page/app.js");',
    );
    put("payloads/page/main.ts", 'import { app } from "./page-files";\nconsole.log(app);');
    const [file] = await bundlePrograms(silent, folder);
    expect(runAlone(file!)).toBe('export const text = "</script>`${1}`";\n');
    put("payloads/page/page/app.js", "another();");
    await bundlePrograms(silent, folder);
    expect(runAlone(file!)).toBe("another();\n");
  });

  it("makes again the program alone whose source changed", async () => {
    put("payloads/bridge/main.ts", "console.log(1);");
    await bundlePrograms(silent, folder);
    const lines: string[] = [];
    put("payloads/lib/greet.ts", 'export const greet = () => "bye";');
    const [, ring] = await bundlePrograms((line) => lines.push(line), folder);
    expect(lines.filter((line) => line.endsWith("…"))).toEqual([
      "Bundling the program ring of the hosts …",
    ]);
    expect(runAlone(ring!)).toBe("bye\n");
  });
});
