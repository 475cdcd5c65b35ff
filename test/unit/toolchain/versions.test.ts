import * as fs from "node:fs";
import * as path from "node:path";

import { compareVersions, versions } from "../../../toolchain/versions";
import { checkout } from "./support";

const read = (file: string) => fs.readFileSync(path.join(checkout, file), "utf8");
const goMod = (module: string) => read(`toolchain/go/${module}/go.mod`);

describe("versions.json", () => {
  const { dependencies } = JSON.parse(read("package.json")) as {
    dependencies: Record<string, string>;
  };

  it("has the plugins in the versions of their npm packages", () => {
    for (const [name, version] of Object.entries(versions.plugins)) {
      expect(`${name} ${dependencies[`@pulumi/${name}`]}`).toBe(`${name} ${version}`);
    }
    expect(Object.keys(versions.plugins).sort()).toEqual(
      Object.keys(dependencies)
        .filter((name) => name.startsWith("@pulumi/") && name !== "@pulumi/pulumi")
        .map((name) => name.slice("@pulumi/".length))
        .sort(),
    );
  });

  it("has the engine in the SDK's version", () => {
    expect(versions.pulumi.version).toBe(dependencies["@pulumi/pulumi"]);
  });

  it("names what the Go modules require", () => {
    expect(goMod("engine")).toContain(
      `github.com/pulumi/pulumi/pkg/v3 v${versions.pulumi.version}`,
    );
    expect(goMod("langhost")).toContain(
      `github.com/pulumi/pulumi/sdk/v3 v${versions.languageHost.version}`,
    );
  });

  it("asks for a Go that every module accepts, and downloads one that is new enough", () => {
    for (const module of ["engine", "langhost", "plugins"]) {
      const needed = /^go (\S+)$/m.exec(goMod(module))?.[1];
      expect(compareVersions(versions.go.minimum, needed ?? "999")).toBeGreaterThanOrEqual(0);
    }
    expect(compareVersions(versions.go.version, versions.go.minimum)).toBeGreaterThanOrEqual(0);
  });
});

describe("compareVersions", () => {
  it.each([
    ["1.2.3", "1.2.3", 0],
    ["go1.26.8", "1.25.11", 1],
    ["v3.9.0", "3.10.0", -1],
    ["4", "4.0.0", 0],
    ["go1.26rc1", "1.25.0", 1],
    ["3.230.0-dev.1", "3.230.0", 0],
  ])("%s against %s", (a, b, sign) => {
    expect(Math.sign(compareVersions(a, b))).toBe(sign);
    expect(Math.sign(compareVersions(b, a))).toBe(sign === 0 ? 0 : -sign);
  });
});
