import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { aloneAtWork } from "../../../scripts/lib/at-work";
import { writeWhole } from "../../../scripts/lib/files";
import { checkpointFile, labFolder, type LabFolder } from "../../../scripts/lib/lab-folder";
import { upArgs } from "../../../scripts/lib/shown-run";
import { ToolchainError } from "../../../toolchain";

let folder: LabFolder;
beforeEach(() => {
  folder = labFolder("virtual", mkdtempSync(join(tmpdir(), "pi-lab-at-work-")));
});
afterEach(() => rmSync(join(folder.dir, ".."), { recursive: true, force: true }));

const quiet = (): void => undefined;
const done = (): Promise<string> => Promise.resolve("done");

test("a second command on a lab is refused while the first is at work, naming it; then it may", async () => {
  let end = (): void => undefined;
  const first = aloneAtWork(
    folder,
    "npm run lab",
    quiet,
    () => new Promise<void>((ok) => (end = ok)),
  );
  await expect(aloneAtWork(folder, "npm run lab:down", quiet, done)).rejects.toThrow(
    new RegExp(`at work on the lab virtual: \`npm run lab\`, process ${process.pid} .*kill -INT`),
  );
  end();
  await first;
  expect(await aloneAtWork(folder, "npm run lab:down", quiet, done)).toBe("done");
});

test("a lab beside it is another matter", async () => {
  const other = labFolder("other", join(folder.dir, ".."));
  const both = aloneAtWork(folder, "a", quiet, () => aloneAtWork(other, "b", quiet, done));
  expect(await both).toBe("done");
});

test("a command that was killed holds nothing", async () => {
  const script = `require("./scripts/lib/at-work").aloneAtWork(${JSON.stringify(folder)}, "npm run lab", () => {}, () => { console.log("begun"); return new Promise((ok) => setTimeout(ok, 1e6)); });`;
  const child = spawn(process.execPath, ["--import", "tsx", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
  expect(existsSync(join(folder.dir, "lock"))).toBe(true);
  expect(await aloneAtWork(folder, "npm run lab", quiet, done)).toBe("done");
});

test("what the work itself throws stays as it is", async () => {
  const error = new ToolchainError("no engine", "Get one.");
  await expect(aloneAtWork(folder, "npm run lab", quiet, () => Promise.reject(error))).rejects.toBe(
    error,
  );
});

test("only a lab that has nothing yet is brought up without the engine's preview", () => {
  expect(upArgs(folder)).toEqual(["up", "--yes", "--skip-preview"]);
  const state = (...resources: unknown[]): void =>
    writeWhole(checkpointFile(folder), JSON.stringify({ checkpoint: { latest: { resources } } }));
  state();
  expect(upArgs(folder)).toContain("--skip-preview");
  state({ urn: "urn:pulumi:virtual::pi-lab::t::n", type: "t" });
  expect(upArgs(folder)).toEqual(["up", "--yes"]);
});
