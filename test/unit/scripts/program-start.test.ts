import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = process.cwd();
const START = join(ROOT, "scripts/lib/program-start.cjs");

/** Tells which of the SDK's large parts are loaded with it, and whether they work when they are needed. */
const PROBE = `
module.paths.push(${JSON.stringify(join(ROOT, "node_modules"))});
require("source-map-support/register");
const pulumi = require(${JSON.stringify(join(ROOT, "node_modules/@pulumi/pulumi"))});
const loaded = (name) =>
  Object.keys(require.cache).some((file) => file.includes("/node_modules/" + name + "/"));
const before = { typescript: loaded("typescript"), arborist: loaded("@npmcli/arborist"), sourceMaps: loaded("source-map-support") };
const typescriptAsked = process.env.PULUMI_NODEJS_TYPESCRIPT;
const answer = 41;
pulumi.runtime.serializeFunction(() => answer + 1).then(({ text }) => {
  const { Arborist } = require(${JSON.stringify(join(ROOT, "node_modules/@npmcli/arborist"))});
  const serialized = text.includes("answer + 1");
  const after = { typescript: loaded("typescript"), arborist: typeof Arborist };
  console.log(JSON.stringify({ before, typescriptAsked, serialized, after }));
});
`;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pi-lab-start-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the probe as a script in this folder, which the language host's own runner would be. */
function run(below: string): unknown {
  const script = join(folder, below, "index.js");
  mkdirSync(join(folder, below), { recursive: true });
  writeFileSync(script, PROBE);
  const env = {
    ...process.env,
    PULUMI_NODEJS_TYPESCRIPT: "true",
    NODE_OPTIONS: `--require=${JSON.stringify(START)}`,
  };
  return JSON.parse(execFileSync(process.execPath, [script], { env, encoding: "utf8" }));
}

test("the program starts without TypeScript and Arborist, and has them where it needs them", () => {
  expect(run("node_modules/@pulumi/pulumi/cmd/run")).toEqual({
    before: { typescript: false, arborist: false, sourceMaps: false },
    serialized: true,
    after: { typescript: true, arborist: "function" },
  });
});

test.each(["elsewhere", "node_modules/@pulumi/pulumi/cmd/run-policy-pack"])(
  "any other process (%s) is left as it is",
  (below) => {
    expect(run(below)).toMatchObject({
      before: { typescript: true, arborist: true, sourceMaps: true },
      typescriptAsked: "true",
      serialized: true,
    });
  },
);
