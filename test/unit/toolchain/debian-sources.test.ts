import * as fs from "node:fs";
import * as path from "node:path";

import {
  findDebianSources,
  machineSources,
  renderSources,
} from "../../../toolchain/debian-sources";
import { cleanUp, temporaryFolder } from "./support";

afterEach(cleanUp);

const deb822 = `# made by the installer
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites:
 bookworm-security
Components: main
`;

describe("findDebianSources", () => {
  it("reads deb822 files", () => {
    expect(findDebianSources([{ name: "debian.sources", text: deb822 }], "bookworm")).toEqual({
      archive: "http://mirror.example/debian",
      security: "http://mirror.example/debian-security",
    });
  });

  it("reads one-line files", () => {
    const text = [
      "# deb http://old.example/debian bookworm main",
      "deb [arch=amd64 signed-by=/k.gpg] https://mirror.example/debian bookworm main # main mirror",
      "deb-src https://source.example/debian bookworm main",
    ].join("\n");
    expect(findDebianSources([{ name: "sources.list", text }], "bookworm")).toEqual({
      archive: "https://mirror.example/debian",
      security: undefined,
    });
  });

  it("finds nothing on another release or distribution", () => {
    const ubuntu = "deb http://mirror.example/ubuntu noble main universe";
    expect(findDebianSources([{ name: "sources.list", text: ubuntu }], "bookworm")).toBeUndefined();
    expect(findDebianSources([{ name: "a.sources", text: deb822 }], "trixie")).toBeUndefined();
  });

  it("passes over entries that are off, of other components, or on a medium", () => {
    const text = `${deb822.replace("Types: deb deb-src", "Enabled: no\nTypes: deb")}
Types: deb
URIs: cdrom:[Debian]/
Suites: bookworm
Components: main

Types: deb
URIs: http://tools.example/debian
Suites: bookworm
Components: tools
`;
    expect(findDebianSources([{ name: "a.sources", text }], "bookworm")).toBeUndefined();
  });
});

describe("machineSources", () => {
  it("looks in the list and in the folder", () => {
    const etc = temporaryFolder();
    expect(machineSources("bookworm", etc)).toBeUndefined();
    fs.mkdirSync(path.join(etc, "sources.list.d"));
    fs.writeFileSync(path.join(etc, "sources.list.d/debian.sources"), deb822);
    fs.writeFileSync(
      path.join(etc, "sources.list"),
      "deb http://first.example/debian bookworm main",
    );
    expect(machineSources("bookworm", etc)).toEqual({
      archive: "http://first.example/debian",
      security: "http://mirror.example/debian-security",
    });
  });
});

describe("renderSources", () => {
  it("lists the release, its updates and its security fixes", () => {
    const sources = { archive: "http://a/debian", security: "http://a/debian-security" };
    expect(renderSources(sources, "bookworm")).toBe(
      "deb http://a/debian bookworm main\n" +
        "deb http://a/debian bookworm-updates main\n" +
        "deb http://a/debian-security bookworm-security main\n",
    );
    expect(renderSources({ ...sources, security: undefined }, "bookworm")).not.toContain(
      "security",
    );
  });
});
