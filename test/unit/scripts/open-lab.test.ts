import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CHECKOUT, labFolder } from "../../../scripts/lib/lab-folder";
import { openLab } from "../../../scripts/lib/open-lab";
import * as toolchain from "../../../toolchain";

jest.mock("../../../toolchain", () => {
  const asked: unknown[] = [];
  const tool = (name: string) => (_log: unknown, argument?: unknown) => {
    asked.push(argument === undefined ? name : [name, argument]);
    return Promise.reject(new Error(`no ${name}`));
  };
  return {
    asked,
    bundlePlugins: tool("plugins"),
    ensureAll: tool("all"),
    ensureDocker: tool("docker"),
    ensureKafka: tool("kafka"),
    ensureNode: tool("node"),
    ensurePulumi: tool("engine"),
  };
});
const { asked } = toolchain as unknown as { asked: unknown[] };

const labs = mkdtempSync(join(tmpdir(), "pi-lab-open-"));
const folder = labFolder("virtual", labs);
const before = process.env.PI_LAB_LABS_DIR;
beforeAll(() => (process.env.PI_LAB_LABS_DIR = labs));
beforeEach(() => {
  asked.length = 0;
  mkdirSync(folder.dir, { recursive: true });
  cpSync(join(CHECKOUT, "Pulumi.virtual.yaml"), folder.configFile);
});
afterAll(() => {
  if (before === undefined) delete process.env.PI_LAB_LABS_DIR;
  else process.env.PI_LAB_LABS_DIR = before;
  rmSync(labs, { recursive: true, force: true });
});

const edit = (from: RegExp, to: string): void => {
  const text = readFileSync(folder.configFile, "utf8");
  expect(text).toMatch(from);
  writeFileSync(folder.configFile, text.replace(from, to));
};
const open = () => openLab("virtual", () => undefined);

test("a mistake in the configuration is told before any tool is asked for", async () => {
  edit(/^( +)timezone:.*$/m, "$1timezome: Etc/UTC");
  await expect(open()).rejects.toThrow(/timezome/);
  expect(asked).toEqual([]);
});

test("the tools are asked for the Kafka that the lab names", async () => {
  edit(/^( +)kafkaVersion:.*$/m, '$1kafkaVersion: "4.2.0"');
  await expect(open()).rejects.toThrow("no all");
  expect(asked).toEqual([["all", "4.2.0"]]);
});

test("only a new lab's subnet needs Docker first", async () => {
  rmSync(folder.configFile);
  await expect(open()).rejects.toThrow("no docker");
  expect(asked).toEqual(["docker"]);
});
