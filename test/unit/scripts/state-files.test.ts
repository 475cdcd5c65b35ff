import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { labFolder } from "../../../scripts/lib/lab-folder";
import { removeBrokenNotes } from "../../../scripts/lib/state-files";

const labs = mkdtempSync(join(tmpdir(), "pi-lab-state-"));
afterAll(() => rmSync(labs, { recursive: true, force: true }));

test("notes that were cut off are removed, wherever they lie; whole ones and all files stay", () => {
  const folder = labFolder("cut", labs);
  const stacks = join(folder.stateDir, ".pulumi", "stacks", "pi-lab");
  mkdirSync(stacks, { recursive: true });
  const write = (name: string, text: string): void => writeFileSync(join(stacks, name), text);
  write("cut.json", "{}");
  write("cut.json.attrs", "");
  write("cut.json.bak", "");
  write("cut.json.bak.attrs", '{"user.content_type":"text/pl');
  write("other.json.attrs", '{"user.content_type":"text/plain"}');
  expect(removeBrokenNotes(folder).sort()).toEqual([
    ".pulumi/stacks/pi-lab/cut.json",
    ".pulumi/stacks/pi-lab/cut.json.bak",
  ]);
  expect(readdirSync(stacks).sort()).toEqual(["cut.json", "cut.json.bak", "other.json.attrs"]);
  expect(removeBrokenNotes(folder)).toEqual([]);
});

test("a lab without a state has none", () => {
  expect(removeBrokenNotes(labFolder("fresh", labs))).toEqual([]);
});
