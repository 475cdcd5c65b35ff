import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

import { checkout, cleanUp, temporaryFolder } from "./support";

afterEach(cleanUp);

/** `npm run setup -- WORDS` on a machine that has Node.js, a Docker client, and nothing else. */
function setup(...words: readonly string[]) {
  const tools = temporaryFolder();
  fs.symlinkSync(process.execPath, path.join(tools, "node"));
  fs.writeFileSync(path.join(tools, "docker"), "", { mode: 0o755 });
  return spawnSync(process.execPath, ["--import", "tsx", "toolchain/main.ts", ...words], {
    cwd: checkout,
    encoding: "utf8",
    env: {
      PATH: tools,
      PI_LAB_CACHE: temporaryFolder(),
      PI_LAB_NO_DOWNLOAD: "1",
      DOCKER_HOST: "unix:///nowhere/docker.sock",
    },
  });
}

describe("npm run setup", () => {
  it("tells everything that is missing at once, each with its remedy", () => {
    const { status, stderr, stdout } = setup();
    expect(stderr).toMatch(
      /Go \S+ or newer is needed to build Pulumi; none is installed.*\n {2}Install/,
    );
    expect(stderr).toMatch(
      /Docker at unix:\/\/\/nowhere\S* does not answer.*\n {2}Start that daemon/,
    );
    expect(stderr).toMatch(/mvn is missing.*\n {2}Install it \(Debian's package is maven\)/);
    expect(stderr).not.toContain("    at ");
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  });

  it("names the parts that there are", () => {
    const { status, stderr } = setup("engin");
    expect(stderr).toMatch(
      /^Unknown: engin\n {2}Usage: .*\[all\|pulumi\|plugins\|docker\|image\|kafka \[VERSION\]\|node \[arm64\|x64\]\|jmx\]/,
    );
    expect(status).toBe(1);
  });
});
