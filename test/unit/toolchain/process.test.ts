import * as path from "node:path";

import { ToolchainError } from "../../../toolchain/errors";
import { formatDuration, step } from "../../../toolchain/log";
import { CommandError, run, which } from "../../../toolchain/process";
import { cleanUp, setEnvironment, temporaryFolder, writeScript } from "./support";

afterEach(cleanUp);

const sh = (script: string, options = {}) =>
  run("sh", ["-c", script], { timeoutMs: 20_000, ...options });

describe("run", () => {
  it("gives what the command printed, and hands on its lines", async () => {
    const lines: string[] = [];
    const result = await sh("echo one; echo two >&2; printf three", {
      onLine: (line: string) => lines.push(line),
    });
    expect(result).toEqual({ stdout: "one\nthree", stderr: "two\n" });
    expect(lines.sort()).toEqual(["one", "two"]);
  });

  it("gives all of what the command printed, however much: half an answer is none", async () => {
    const { stdout } = await sh("head -c 3000000 /dev/zero | tr '\\0' x");
    expect(stdout).toHaveLength(3_000_000);
  });

  it("gives the command its input", async () => {
    expect((await sh("cat", { stdin: "text" })).stdout).toBe("text");
    // Input that nobody reads is no failure.
    await sh("exit 0", { stdin: "x".repeat(1_000_000) });
  });

  it("fails with the status, the last lines and the remedy", async () => {
    const failing = sh("for i in $(seq 40); do echo line $i; done; exit 3", { remedy: "Do this." });
    await expect(failing).rejects.toThrow(CommandError);
    await expect(failing).rejects.toThrow(
      /ended with status 3[^]*line 16\n[^]*line 40\n {2}Do this\.$/,
    );
    await expect(failing).rejects.not.toThrow(/line 15\n/);
  });

  it("ends a command that takes too long, and says how long it had", async () => {
    await expect(sh("exec sleep 600", { timeoutMs: 50 })).rejects.toThrow(
      "did not end within 0.05 s",
    );
  });

  it("names a command that does not exist", async () => {
    const attempt = run("no-such-command-here", [], { timeoutMs: 1000, remedy: "Install it." });
    await expect(attempt).rejects.toThrow(ToolchainError);
    await expect(attempt).rejects.toThrow(/no-such-command-here: .*ENOENT\n {2}Install it\./);
  });
});

describe("which", () => {
  it("finds the first program on the PATH that can be run", () => {
    const [first, second] = [temporaryFolder(), temporaryFolder()];
    writeScript(path.join(second, "some-tool"), "");
    const env = { PATH: `${first}:${second}` };
    expect(which("some-tool", env)).toBe(path.join(second, "some-tool"));
    writeScript(path.join(first, "some-tool", "not-a-program"), "");
    expect(which("some-tool", env)).toBe(path.join(second, "some-tool"));
    expect(which("other-tool", env)).toBeUndefined();
    setEnvironment({ PATH: second });
    expect(which("some-tool")).toBe(path.join(second, "some-tool"));
  });
});

describe("step", () => {
  it("says when it begins and how long it took", async () => {
    const lines: string[] = [];
    const log = (line: string) => lines.push(line);
    expect(await step(log, "Doing it", () => Promise.resolve(5))).toBe(5);
    const failing = step(log, "Doing that", () => Promise.reject(new Error("no")));
    await expect(failing).rejects.toThrow("no");
    expect(lines).toEqual([
      "Doing it …",
      expect.stringMatching(/^Doing it: done in \d+\.\d s$/),
      "Doing that …",
      expect.stringMatching(/^Doing that: failed after \d+\.\d s$/),
    ]);
  });

  it("reminds of itself while it lasts, with what is going on", async () => {
    jest.useFakeTimers();
    try {
      const lines: string[] = [];
      let finish = () => {};
      const work = () => new Promise<void>((resolve) => (finish = resolve));
      const running = step(
        (line) => lines.push(line),
        "Building",
        work,
        () => "package net/http",
      );
      await jest.advanceTimersByTimeAsync(40_000);
      finish();
      await running;
      expect(lines).toEqual([
        "Building …",
        "Building: 20.0 s so far (package net/http)",
        "Building: 40.0 s so far (package net/http)",
        "Building: done in 40.0 s",
      ]);
    } finally {
      jest.useRealTimers();
    }
  });
});

describe("formatDuration", () => {
  it.each([
    [0, "0.0 s"],
    [8240, "8.2 s"],
    [60_000, "1 min 00 s"],
    [185_400, "3 min 05 s"],
  ])("%d ms", (ms, text) => expect(formatDuration(ms)).toBe(text));
});
