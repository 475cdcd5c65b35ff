import * as fs from "node:fs";
import * as path from "node:path";

import { ensureFile, ensureProgram, isTransientAptFailure } from "../../../toolchain/apt";
import { cleanUp, setEnvironment, temporaryFolder, writeScript } from "./support";

const silent = () => undefined;
let tools: string;
let calls: string;

beforeEach(() => {
  tools = temporaryFolder();
  calls = path.join(tools, "apt-calls");
  fs.writeFileSync(calls, "");
  // Only what a test puts there, and a shell to run it.
  for (const name of ["sh", "cat", "touch", "chmod"]) {
    fs.symlinkSync(
      fs.existsSync(`/bin/${name}`) ? `/bin/${name}` : `/usr/bin/${name}`,
      path.join(tools, name),
    );
  }
  setEnvironment({ PATH: tools });
});
afterEach(() => {
  jest.restoreAllMocks();
  return cleanUp();
});

const asUser = (uid: number) =>
  jest.spyOn(process, "getuid" as never).mockReturnValue(uid as never);

/** An apt-get that notes its calls; `install` is what its install does. */
const fakeApt = (install: string) =>
  writeScript(
    path.join(tools, "apt-get"),
    `echo "$@" >> ${calls}
case "$*" in *" install "*) ${install} ;; esac`,
  );
const installTool = `touch ${"$"}{0%/*}/rare-tool; chmod +x ${"$"}{0%/*}/rare-tool`;
const aptCalls = () => fs.readFileSync(calls, "utf8").trim().split("\n");
const ensure = (packages = ["rare-package"]) =>
  ensureProgram(silent, "rare-tool", packages, "to test");

describe("ensureProgram", () => {
  it("takes what is on the PATH and installs nothing", async () => {
    fakeApt("exit 1");
    asUser(0);
    writeScript(path.join(tools, "rare-tool"), "");
    expect(await ensure()).toBe(path.join(tools, "rare-tool"));
    expect(aptCalls()).toEqual([""]);
  });

  it("installs a missing program as root, and waits for a held package lock", async () => {
    fakeApt(installTool);
    asUser(0);
    expect(await ensure()).toBe(path.join(tools, "rare-tool"));
    expect(aptCalls().at(-1)).toMatch(
      /DPkg::Lock::Timeout=300 install -y --no-install-recommends rare-package$/,
    );
  });

  it("installs an optional package only where there is one", async () => {
    fakeApt(installTool);
    asUser(0);
    writeScript(
      path.join(tools, "apt-cache"),
      'case "$2" in new-part) echo "  Candidate: 1.0" ;; *) echo "  Candidate: (none)" ;; esac',
    );
    await ensure(["rare-package", "new-part?", "gone-part?"]);
    expect(aptCalls().at(-1)).toMatch(/rare-package new-part$/);
  });

  it("tries again, after an update, when an archive could not be reached", async () => {
    // Fails once.
    fakeApt(`if [ -e ${"$"}{0%/*}/tried ]; then ${installTool}; else
      touch ${"$"}{0%/*}/tried; echo 'E: Failed to fetch x  404  Not Found' >&2; exit 100; fi`);
    asUser(0);
    await ensure();
    const verbs = aptCalls().map((line) => / (update|install)\b/.exec(line)?.[1]);
    expect(verbs.slice(-3)).toEqual(["install", "update", "install"]);
  });

  it("gives up after three tries, with apt's own words", async () => {
    fakeApt("echo 'E: Failed to fetch x' >&2; exit 100");
    asUser(0);
    await expect(ensure()).rejects.toThrow(
      /Failed to fetch x[^]*sudo apt-get install rare-package/,
    );
    expect(aptCalls().filter((line) => line.includes(" install "))).toHaveLength(3);
  });

  it("does not insist when a second try would fail as well", async () => {
    fakeApt("echo 'E: Unable to correct problems' >&2; exit 100");
    asUser(0);
    await expect(ensure()).rejects.toThrow("Unable to correct problems");
    // Once more at most: an update may be what was missing.
    expect(aptCalls().filter((line) => line.includes(" install ")).length).toBeLessThanOrEqual(2);
  });

  it("tells a user without rights the command", async () => {
    fakeApt("exit 1");
    asUser(1000);
    await expect(ensure(["rare-package", "new-part?"])).rejects.toThrow(
      "rare-tool is missing; it is needed to test\n  Install it (sudo apt-get install rare-package)",
    );
    expect(aptCalls()).toEqual([""]);
  });

  it("speaks of the machine's own package manager where there is no apt", async () => {
    asUser(0);
    await expect(ensure()).rejects.toThrow(
      /rare-tool is missing[^]*this machine's package manager/,
    );
  });
});

describe("isTransientAptFailure", () => {
  it.each([
    ["E: Failed to fetch http://m/x.deb  Connection timed out", true],
    ["Err: Temporary failure resolving 'm'", true],
    ["E: Hash Sum mismatch", true],
    ["E: Unable to locate package rare", false],
    ["dpkg: error processing package", false],
  ])("%s", (output, transient) => expect(isTransientAptFailure(output)).toBe(transient));
});

describe("ensureFile", () => {
  const ensureKeys = (file: string) => ensureFile(silent, file, ["rare-keys"], "to test");

  it("installs the package of a missing file, once", async () => {
    const file = path.join(tools, "rare-keys.gpg");
    fakeApt(`touch ${file}`);
    asUser(0);
    expect(await ensureKeys(file)).toBe(file);
    const calls = aptCalls();
    expect(calls.at(-1)).toMatch(/install -y --no-install-recommends rare-keys$/);
    expect(await ensureKeys(file)).toBe(file);
    expect(aptCalls()).toEqual(calls);
  });

  it("says what is missing where it may not install, and when the package does not have it", async () => {
    const file = path.join(tools, "rare-keys.gpg");
    fakeApt("true");
    asUser(1000);
    await expect(ensureKeys(file)).rejects.toThrow(
      /rare-keys\.gpg is missing; it is needed to test[^]*sudo apt-get install rare-keys/,
    );
    asUser(0);
    await expect(ensureKeys(file)).rejects.toThrow(
      /rare-keys\.gpg is still missing after rare-keys/,
    );
  });
});
