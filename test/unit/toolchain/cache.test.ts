import * as fs from "node:fs";
import * as path from "node:path";

import { cached, cachedPath } from "../../../toolchain/cache";
import { cacheDir } from "../../../toolchain/paths";
import {
  checkout,
  cleanUp,
  eventually,
  setEnvironment,
  startProgram,
  temporaryFolder,
} from "./support";

let cache: string;
beforeEach(() => {
  cache = temporaryFolder();
  setEnvironment({ PI_LAB_CACHE: cache });
});
afterEach(cleanUp);

const silent = () => undefined;
const entry = { name: "tool-1.0", title: "Building the tool" };
const temporaries = () => fs.readdirSync(path.join(cache, "tmp"));

describe("cached", () => {
  it("builds an entry once, and then finds it", async () => {
    let builds = 0;
    let inode = 0;
    const build = (folder: string) => {
      builds++;
      inode = fs.statSync(folder).ino;
      fs.writeFileSync(path.join(folder, "tool"), "content");
      return Promise.resolve();
    };
    const made = await cached(silent, entry, build);
    expect(made).toBe(path.join(cache, "tool-1.0"));
    expect(await cached(silent, entry, build)).toBe(made);
    expect(cachedPath("tool-1.0")).toBe(made);
    expect(builds).toBe(1);
    // Moved as a whole, not copied: nobody can meet half of it.
    expect(fs.statSync(made).ino).toBe(inode);
    expect(fs.readFileSync(path.join(made, "tool"), "utf8")).toBe("content");
    expect(temporaries()).toEqual([]);
  });

  it("makes what the build points at the entry, a file too", async () => {
    const file = await cached(silent, { ...entry, name: "kafka/a.tgz" }, (folder) => {
      fs.writeFileSync(path.join(folder, "scrap"), "");
      fs.writeFileSync(path.join(folder, "a"), "archive");
      return Promise.resolve(path.join(folder, "a"));
    });
    expect(fs.readFileSync(file, "utf8")).toBe("archive");
    expect(fs.readdirSync(path.join(cache, "kafka"))).toEqual(["a.tgz"]);
    expect(temporaries()).toEqual([]);
  });

  it("makes anew what is damaged, once for all who find it so", async () => {
    const file = path.join(cache, "tool.jar");
    fs.writeFileSync(file, "damaged");
    const isWhole = (at: string) => Promise.resolve(fs.readFileSync(at, "utf8") === "whole");
    let builds = 0;
    const make = () =>
      cached(silent, { name: "tool.jar", title: "Fetching the tool", isWhole }, (folder) => {
        builds++;
        // Nobody takes it away from those who use it before there is another.
        expect(fs.existsSync(file)).toBe(true);
        fs.writeFileSync(path.join(folder, "a"), "whole");
        return Promise.resolve(path.join(folder, "a"));
      });
    expect(await Promise.all([make(), make(), make()])).toEqual([file, file, file]);
    expect(builds).toBe(1);
    expect(fs.readFileSync(file, "utf8")).toBe("whole");
  });

  it("leaves nothing of a build that fails, and builds again", async () => {
    const failing = cached(silent, entry, (folder) => {
      fs.writeFileSync(path.join(folder, "tool"), "half");
      return Promise.reject(new Error("no compiler"));
    });
    await expect(failing).rejects.toThrow("no compiler");
    expect(cachedPath("tool-1.0")).toBeUndefined();
    expect(temporaries()).toEqual([]);
    const made = await cached(silent, entry, () => Promise.resolve());
    expect(fs.readdirSync(made)).toEqual([]);
  });

  it("builds once for several processes that want it at the same time", async () => {
    const program = `
      import * as fs from "node:fs";
      import { cached } from "${checkout}/toolchain/cache";
      void cached(console.log, { name: "tool-1.0", title: "Building" }, async (folder) => {
        fs.appendFileSync(process.env.PI_LAB_CACHE + "/builds", "x");
        await new Promise((resolve) => setTimeout(resolve, 300));
        fs.writeFileSync(folder + "/tool", "content");
      }).then((made) => console.log("made " + made));
    `;
    const programs = [1, 2, 3].map(() => startProgram(program));
    for (const { ended } of programs) expect(await ended).toBe(0);
    for (const { output } of programs) expect(output).toContain(`made ${cache}/tool-1.0`);
    expect(fs.readFileSync(path.join(cache, "builds"), "utf8")).toBe("x");
  });

  it("starts afresh after a build that was killed", async () => {
    const { child, ended } = startProgram(`
      import * as fs from "node:fs";
      import { cached } from "${checkout}/toolchain/cache";
      void cached(console.log, { name: "tool-1.0", title: "Building" }, async (folder) => {
        fs.writeFileSync(folder + "/tool", "half");
        await new Promise((resolve) => setTimeout(resolve, 600_000));
      });
    `);
    const begun = () => fs.existsSync(path.join(cache, "tmp")) && temporaries().length === 1;
    await eventually("the build to begin", begun);
    child.kill("SIGKILL");
    await ended;
    const made = await cached(silent, entry, (folder) => {
      expect(temporaries()).toEqual([path.basename(folder)]);
      fs.writeFileSync(path.join(folder, "other"), "");
      return Promise.resolve();
    });
    expect(fs.readdirSync(made)).toEqual(["other"]);
    expect(temporaries()).toEqual([]);
    expect(fs.readdirSync(path.join(cache, "locks"))).toEqual([]);
  });

  it("keeps what another entry's build has begun", async () => {
    // The name of the one begins with the name of the other.
    const longer = { name: "tool-1.0.1", title: "Building another" };
    await cached(silent, longer, async (folder) => {
      await cached(silent, entry, () => Promise.resolve());
      expect(temporaries()).toEqual([path.basename(folder)]);
    });
  });
});

describe("cacheDir", () => {
  it("is what PI_LAB_CACHE names, else in the user's cache folder", () => {
    expect(cacheDir({ PI_LAB_CACHE: "/data/lab", XDG_CACHE_HOME: "/xdg" })).toBe("/data/lab");
    expect(cacheDir({ PI_LAB_CACHE: "", XDG_CACHE_HOME: "/xdg" })).toBe("/xdg/pi-lab");
    expect(cacheDir({})).toMatch(/\/\.cache\/pi-lab$/);
  });
});
