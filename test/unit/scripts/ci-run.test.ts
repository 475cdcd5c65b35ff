import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

const checkout = path.resolve(__dirname, "../../..");
let folder: string;
beforeEach(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), "pi-lab-ci-"))));
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

/** Runs what CI runs, in a checkout whose npm is this script. */
function ci(npm: string) {
  const temporary = path.join(folder, "tmp");
  for (const name of [".ci", "bin", "tmp"])
    fs.mkdirSync(path.join(folder, name), { recursive: true });
  fs.copyFileSync(path.join(checkout, ".ci/run"), path.join(folder, ".ci/run"));
  fs.writeFileSync(path.join(folder, "bin/npm"), `#!/bin/sh\n${npm}\n`, { mode: 0o755 });
  const env = {
    ...process.env,
    TMPDIR: temporary,
    PATH: `${folder}/bin:${process.env["PATH"]}`,
  };
  const { status, stdout } = spawnSync("bash", [path.join(folder, ".ci/run")], {
    env,
    encoding: "utf8",
  });
  return { status, stdout, left: fs.readdirSync(temporary) };
}

test("the tests' own last line is the last line", () => {
  const good = ci("echo 'unit  7 passed'; echo '7 passed, 0 failed'");
  expect(good).toEqual({ status: 0, stdout: "unit  7 passed\n7 passed, 0 failed\n", left: [] });
  const bad = ci("echo '7 passed, 1 failed'; exit 1");
  expect(bad).toEqual({ status: 1, stdout: "7 passed, 1 failed\n", left: [] });
});

test.each([
  ["fails", "exit 3", 3],
  ["says that all is well", "exit 0", 1],
])("a run that counts nothing is one failure, even if it %s", (_, npm, status) => {
  expect(ci(npm)).toEqual({ status, stdout: "0 passed, 1 failed\n", left: [] });
});

test("everything is built, in a cache of its own that goes at the end", () => {
  const { stdout, left } = ci(
    `mkdir -p "$PI_LAB_CACHE/go" && touch "$PI_LAB_CACHE/go/mod" && chmod a-w "$PI_LAB_CACHE/go"
     echo "$PI_LAB_NO_DOWNLOAD $PI_LAB_CACHE"; echo '1 passed, 0 failed'`,
  );
  expect(stdout).toContain(`1 ${folder}/tmp/pi-lab-ci-cache.`);
  expect(left).toEqual([]);
});
