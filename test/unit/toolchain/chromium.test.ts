import * as fs from "node:fs";
import * as path from "node:path";

import { ensureChromium } from "../../../toolchain/chromium";
import { cleanUp, setEnvironment, temporaryFolder, writeScript } from "./support";

let tools: string;

beforeEach(() => {
  tools = temporaryFolder();
  for (const name of ["sh", "touch", "chmod"]) {
    const file = fs.existsSync(`/bin/${name}`) ? `/bin/${name}` : `/usr/bin/${name}`;
    fs.symlinkSync(file, path.join(tools, name));
  }
  setEnvironment({ PATH: tools });
});
afterEach(() => {
  jest.restoreAllMocks();
  return cleanUp();
});

const asUser = (uid: number) =>
  jest.spyOn(process, "getuid" as never).mockReturnValue(uid as never);
const ensure = () => ensureChromium(() => undefined);

it.each(["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"])(
  "takes %s from the PATH and installs nothing",
  async (name) => {
    writeScript(path.join(tools, "apt-get"), "exit 1");
    writeScript(path.join(tools, name), "");
    asUser(0);
    expect(await ensure()).toBe(path.join(tools, name));
  },
);

it("installs the one without a screen as root, with letters to draw", async () => {
  const calls = path.join(tools, "calls");
  const shell = path.join(tools, "chromium-headless-shell");
  writeScript(
    path.join(tools, "apt-get"),
    `echo "$@" >> ${calls}; case "$*" in *" install "*) touch ${shell}; chmod +x ${shell} ;; esac`,
  );
  asUser(0);
  expect(await ensure()).toBe(shell);
  expect(fs.readFileSync(calls, "utf8").trim().split("\n").at(-1)).toMatch(
    / install -y --no-install-recommends chromium-headless-shell fonts-dejavu-core$/,
  );
});

it("tells others what to install", async () => {
  writeScript(path.join(tools, "apt-get"), "exit 1");
  asUser(1000);
  await expect(ensure()).rejects.toThrow(
    "chromium-headless-shell is missing; it is needed to look at the status page as a browser shows it",
  );
});
