import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beginRun, deadRuns, thisPlace } from "../../../bench/owner";
import { MAX_LAB_NAME } from "../../../model/names";

let parent: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "bench-owner-"));
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

/** A benchmark's folder as another process would have left it. */
function leave(change: { place?: string; start?: string; name?: string }): string {
  const { folder, name } = beginRun("bench", parent);
  const file = join(folder, "owner.json");
  const owner = JSON.parse(readFileSync(file, "utf8")) as { process: { start: string } };
  const process = { ...owner.process, ...(change.start ? { start: change.start } : {}) };
  writeFileSync(file, JSON.stringify({ ...owner, ...change, process }));
  return name;
}

test("a benchmark that lives is not dead", () => {
  beginRun("bench", parent);
  expect(deadRuns("bench", parent)).toEqual([]);
});

test("one whose number has gone to a later process is", () => {
  const name = leave({ start: "another boot 1" });
  expect(deadRuns("bench", parent)).toEqual([
    { name, folder: expect.stringContaining(parent) as string },
  ]);
});

test("another place's benchmark is not judged", () => {
  leave({ start: "another boot 1", place: "elsewhere" });
  expect(deadRuns("bench", parent)).toEqual([]);
  expect(thisPlace()).not.toBe("elsewhere");
});

test("a folder that does not tell whose it is stays, and so does one that names another's labs", () => {
  mkdirSync(join(parent, "pi-lab-bench-empty"));
  leave({ start: "another boot 1", name: "gcn" });
  expect(deadRuns("bench", parent)).toEqual([]);
});

test("the benchmark does not judge the trials' runs", () => {
  leave({ start: "another boot 1" });
  expect(deadRuns("trial", parent)).toEqual([]);
});

test("its labs' names fit into those of containers", () => {
  const { name } = beginRun("trial", parent);
  expect(`${name}-99`.length).toBeLessThanOrEqual(MAX_LAB_NAME);
});
