import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { withLock } from "../../../toolchain/lock";
import { processStart } from "../../../toolchain/process-start";
import { checkout, cleanUp, eventually, startProgram, temporaryFolder } from "./support";

afterEach(cleanUp);

const silent = () => undefined;
const quick = { pollMs: 10 };

/** A process that takes the lock, says so, and keeps it until it is ended. */
const holder = (lock: string) =>
  startProgram(`
    import { withLock } from "${checkout}/toolchain/lock";
    void withLock(${JSON.stringify(lock)}, "holding", () => undefined, async () => {
      console.log("held");
      await new Promise((resolve) => setTimeout(resolve, 600_000));
    });
  `);

describe("withLock", () => {
  it("lets one of many in at a time, and leaves nothing behind", async () => {
    const lock = path.join(temporaryFolder(), "deep", "one.lock");
    let inside = 0;
    let most = 0;
    const work = async () => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setTimeout(resolve, 5));
      inside--;
    };
    await Promise.all(Array.from({ length: 8 }, () => withLock(lock, "work", silent, work, quick)));
    expect(most).toBe(1);
    expect(fs.readdirSync(path.dirname(lock))).toEqual([]);
  });

  it("is released by work that fails", async () => {
    const lock = path.join(temporaryFolder(), "one.lock");
    const failing = () => Promise.reject(new Error("broken"));
    await expect(withLock(lock, "work", silent, failing)).rejects.toThrow("broken");
    expect(await withLock(lock, "work", silent, () => Promise.resolve("in"))).toBe("in");
  });

  it("waits for another process, names it, and takes over when that is killed", async () => {
    const lock = path.join(temporaryFolder(), "one.lock");
    const other = holder(lock);
    await eventually("the other process to hold the lock", () => other.output.includes("held"));
    const lines: string[] = [];
    const entered = withLock(
      lock,
      "work",
      (line) => lines.push(line),
      () => Promise.resolve(fs.readFileSync(lock, "utf8")),
      quick,
    );
    await eventually("a line about the wait", () => lines.length > 0);
    expect(lines).toEqual([`work: waiting for process ${other.child.pid} (holding)`]);
    other.child.kill("SIGKILL");
    expect(JSON.parse(await entered)).toMatchObject({ pid: process.pid });
  });

  it("lets only one of several waiters take over at a time", async () => {
    const lock = path.join(temporaryFolder(), "one.lock");
    const other = holder(lock);
    await eventually("the other process to hold the lock", () => other.output.includes("held"));
    other.child.kill("SIGKILL");
    await other.ended;
    let inside = 0;
    const work = async () => {
      expect(++inside).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 3));
      inside--;
    };
    await Promise.all(
      Array.from({ length: 10 }, () => withLock(lock, "work", silent, work, quick)),
    );
  });

  it("is not deceived by another process with the dead owner's id", async () => {
    const lock = path.join(temporaryFolder(), "one.lock");
    const owner = { pid: process.pid, started: "1", host: os.hostname(), token: "t", what: "w" };
    fs.writeFileSync(lock, JSON.stringify(owner));
    expect(await withLock(lock, "work", silent, () => Promise.resolve("in"), quick)).toBe("in");
  });

  it("gives up at its deadline with the file, the owner and a remedy", async () => {
    const lock = path.join(temporaryFolder(), "one.lock");
    const started = processStart(process.pid);
    const owner = { pid: process.pid, started, host: os.hostname(), token: "t", what: "building" };
    fs.writeFileSync(lock, JSON.stringify(owner));
    const attempt = withLock(lock, "work", silent, () => Promise.resolve(), {
      ...quick,
      deadlineMs: 50,
    });
    await expect(attempt).rejects.toThrow(
      new RegExp(
        `${lock} is still held by process ${process.pid} \\(building\\)[^]*end it and run`,
      ),
    );
    expect(fs.existsSync(lock)).toBe(true);
  });

  it("judges an owner on another machine by the age of its lock", async () => {
    const lock = path.join(temporaryFolder(), "one.lock");
    const owner = { pid: 1, started: "1", host: "another-machine", token: "t", what: "w" };
    fs.writeFileSync(lock, JSON.stringify(owner));
    const fresh = withLock(lock, "work", silent, () => Promise.resolve(), {
      ...quick,
      deadlineMs: 50,
    });
    await expect(fresh).rejects.toThrow("still held");
    const longAgo = new Date(Date.now() - 3_600_000);
    fs.utimesSync(lock, longAgo, longAgo);
    expect(await withLock(lock, "work", silent, () => Promise.resolve("in"), quick)).toBe("in");
  });
});

describe("withLock after a power cut", () => {
  const deadOwner = () =>
    JSON.stringify({ pid: 1, started: "1", host: os.hostname(), token: "t", what: "w" });
  const setUp = (guard: string) => {
    const lock = path.join(temporaryFolder(), "one.lock");
    fs.writeFileSync(lock, deadOwner());
    fs.writeFileSync(`${lock}.removal`, guard);
    return lock;
  };
  const age = (file: string) => {
    const longAgo = new Date(Date.now() - 3_600_000);
    fs.utimesSync(file, longAgo, longAgo);
  };
  const enter = (lock: string) =>
    withLock(lock, "work", silent, () => Promise.resolve("in"), { ...quick, deadlineMs: 100 });

  it("waits no longer than its deadline for a removal that it cannot judge", async () => {
    const lock = setUp("");
    await expect(enter(lock)).rejects.toThrow("still held");
  });

  it("takes over once an unreadable removal is old", async () => {
    const lock = setUp("");
    age(`${lock}.removal`);
    expect(await enter(lock)).toBe("in");
    expect(fs.readdirSync(path.dirname(lock))).toEqual([]);
  });

  it("takes over where the process that was removing the lock has died", async () => {
    expect(await enter(setUp(deadOwner()))).toBe("in");
  });

  it("judges an empty lock by its age", async () => {
    const lock = path.join(temporaryFolder(), "one.lock");
    fs.writeFileSync(lock, "");
    await expect(enter(lock)).rejects.toThrow("still held by another process");
    age(lock);
    expect(await enter(lock)).toBe("in");
  });
});

describe("processStart", () => {
  it("is the same for a process each time, and nothing for one that has ended", async () => {
    const first = processStart(process.pid);
    expect(first).toBeDefined();
    expect(processStart(process.pid)).toBe(first);
    const program = startProgram("");
    await program.ended;
    expect(processStart(program.child.pid!)).toBeUndefined();
  });
});
