import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { publicKeyFingerprint } from "../../../render";
import { fingerprint, parseHostKey } from "../../../plugins/common/ssh";
import { ensureKey } from "../../../scripts/lib/lab-files";
import { labFolder } from "../../../scripts/lib/lab-folder";
import { dockerObjects, removeObjects, type DockerObject } from "../../../scripts/lib/leftovers";
import { isOfRun, recoverDocker } from "../../../scripts/lib/recover";

jest.mock("../../../scripts/lib/leftovers", () => ({
  ...jest.requireActual<object>("../../../scripts/lib/leftovers"),
  dockerObjects: jest.fn(),
  removeObjects: jest.fn(),
}));

const BEGUN = new Date("2026-01-02T03:04:05Z");
const LATER = new Date("2026-01-02T03:05:00Z");
const BEFORE = new Date("2026-01-02T03:04:00Z");

test.each([
  ["made by the run, with this lab's key", { key: "mine", createdAt: LATER }, BEGUN, true],
  ["another checkout's, made meanwhile", { key: "theirs", createdAt: LATER }, BEGUN, false],
  ["without a key", { key: undefined, createdAt: LATER }, BEGUN, false],
  ["older than the run", { key: "mine", createdAt: BEFORE }, BEGUN, false],
  ["there though no run was cut off", { key: "mine", createdAt: LATER }, undefined, false],
])("what is %s: removed", (_what, object, since, expected) => {
  expect(isOfRun(object, "mine", since)).toBe(expected);
});

test("in a folder without a key of its own nothing is its own", () => {
  expect(isOfRun({ key: undefined, createdAt: LATER }, undefined, BEGUN)).toBe(false);
});

describe("after a run that was cut off", () => {
  const labs = mkdtempSync(join(tmpdir(), "pi-lab-recover-"));
  const folder = labFolder("virtual", labs);
  ensureKey(folder);
  const own = publicKeyFingerprint(readFileSync(`${folder.privateKeyFile}.pub`, "utf8"));
  afterAll(() => rmSync(labs, { recursive: true, force: true }));

  const container = (name: string, key: string): DockerObject => ({
    kind: "container",
    id: `${name}-id`,
    name,
    lab: "gcn",
    key,
    createdAt: LATER,
  });
  const recover = (objects: DockerObject[], removeAll = false): Promise<void> => {
    jest.mocked(removeObjects).mockClear();
    jest.mocked(dockerObjects).mockResolvedValue(objects);
    const options = { cutOffSince: BEGUN, removeAll };
    return recoverDocker(folder, "unix:///nowhere", "gcn", options, () => undefined);
  };

  test("the fingerprint is the one that others tell", () => {
    const line = readFileSync(`${folder.privateKeyFile}.pub`, "utf8");
    expect(own).toBe(fingerprint(parseHostKey(line).blob));
  });

  test("what it made is removed", async () => {
    const mine = container("gcn-pi-1", own);
    await recover([mine]);
    expect(removeObjects).toHaveBeenCalledWith("unix:///nowhere", [mine]);
  });

  test("another checkout's lab of the same name stays; the error names it and the command", async () => {
    const objects = [container("gcn-pi-1", own), container("gcn-pi-2", "SHA256:theirs")];
    await expect(recover(objects)).rejects.toThrow(/container gcn-pi-2[^]*--remove-leftovers/);
    expect(removeObjects).not.toHaveBeenCalled();
    await recover(objects, true);
    expect(removeObjects).toHaveBeenCalledWith("unix:///nowhere", objects);
  });
});
